//! Limits on container settings.

use super::files::check_identity;
use crate::error::{ApiError, Result};
use crate::node::run_options;
use crate::wire::task::{ContainerSettings, Registry};

/// # Errors
/// Names the first property with an invalid value.
pub(super) fn check_container(settings: &ContainerSettings) -> Result<()> {
    if settings.image_name.is_empty() {
        return Err(ApiError::property("containerSettings.imageName", "", "it is empty"));
    }
    if let Some(options) = &settings.container_run_options {
        run_options::parse(options).map_err(|reason| {
            ApiError::property("containerSettings.containerRunOptions", options, reason)
        })?;
    }
    settings.registry.as_ref().map_or(Ok(()), check_registry)
}

fn check_registry(registry: &Registry) -> Result<()> {
    let refuse = |property: &str, reason: &str| {
        Err(ApiError::property(&format!("containerSettings.registry{property}"), "", reason))
    };
    let identity = registry.identity_reference.as_ref();
    if registry.username.is_some() != registry.password.is_some() {
        return refuse("", "username and password must be given together");
    }
    if registry.username.is_some() == identity.is_some() {
        return refuse("", "exactly one of username and password, and identityReference is needed");
    }
    check_identity("containerSettings.registry", identity)
}
