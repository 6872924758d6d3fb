//! The container that the task runs in: its image, and what the flow says beside it.

use azure::batch::{
    ContainerRegistry, ContainerSettings, ContainerWorkingDirectory, IdentityReference,
};

use crate::bind_mounts::bind_mounts;
use crate::entry_point::EntryPoint;
use crate::plan::given;
use crate::run_options::run_options;
use crate::{Invalid, Registry, Request};

/// # Errors
/// The first property that is missing, malformed or contradicts another.
pub(crate) fn container_settings(
    request: &Request,
    entry_point: &EntryPoint,
) -> Result<ContainerSettings, Invalid> {
    let own_options = run_options(request.container_run_options.as_deref())?;
    let options: Vec<String> = entry_point.option().into_iter().chain(own_options).collect();
    let mounts = bind_mounts(request.container_host_batch_bind_mounts.as_deref())?;
    Ok(ContainerSettings {
        image_name: image(request)?,
        container_run_options: (!options.is_empty()).then(|| options.join(" ")),
        container_host_batch_bind_mounts: mounts,
        registry: request.registry.as_ref().map(container_registry).transpose()?,
        working_directory: Some(ContainerWorkingDirectory::TaskWorkingDirectory),
    })
}

fn image(request: &Request) -> Result<String, Invalid> {
    let image = given(request.container_image.as_deref()).map(str::to_owned);
    image.ok_or_else(|| {
        let reason = "the Azure Batch task runner runs the task in a container, so the task needs a `containerImage`";
        Invalid::new("containerImage", reason)
    })
}

fn container_registry(registry: &Registry) -> Result<ContainerRegistry, Invalid> {
    let identity = registry.identity_reference.as_ref();
    let user = given(registry.user_name.as_deref());
    let password = given(registry.password.as_deref());
    let resource_id = given(identity.and_then(|identity| identity.resource_id.as_deref()));
    let missing = match (user, password, resource_id) {
        (Some(_), Some(_), None) | (None, None, Some(_)) => None,
        (Some(_), None, None) => Some("registry.password"),
        (None, Some(_), None) => Some("registry.userName"),
        (None, None, None) => Some("registry.identityReference.resourceId"),
        (_, _, Some(_)) => {
            let reason = "it is set together with userName or password; keep one of the two forms";
            return Err(Invalid::new("registry.identityReference", reason));
        }
    };
    if let Some(property) = missing {
        let reason = "it is missing; set userName and password, or identityReference.resourceId";
        return Err(Invalid::new(property, reason));
    }
    Ok(ContainerRegistry {
        registry_server: given(registry.registry_server.as_deref()).map(str::to_owned),
        username: user.map(str::to_owned),
        password: password.map(str::to_owned),
        identity_reference: resource_id
            .map(|resource_id| IdentityReference { resource_id: resource_id.to_owned() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(json: serde_json::Value) -> Registry {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn blanks_around_what_a_registry_needs_are_not_meant() {
        let of_user = container_registry(&registry(serde_json::json!({
            "registryServer": " contoso.azurecr.io\n", "userName": "puller\n", "password": "secret\r\n",
            "identityReference": {"resourceId": " \n"},
        })))
        .unwrap();
        assert_eq!(of_user.registry_server.as_deref(), Some("contoso.azurecr.io"));
        assert_eq!(of_user.username.as_deref(), Some("puller"));
        assert_eq!(of_user.password.as_deref(), Some("secret"));
        assert_eq!(of_user.identity_reference, None);
        let of_identity = container_registry(&registry(serde_json::json!({
            "registryServer": " ", "userName": "", "identityReference": {"resourceId": "/subscriptions/x\n"},
        })))
        .unwrap();
        assert_eq!(of_identity.registry_server, None);
        assert_eq!(of_identity.identity_reference.unwrap().resource_id, "/subscriptions/x");
    }
}
