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
    let at = "containerSettings.registry";
    settings.registry.as_ref().map_or(Ok(()), |registry| check_registry(at, registry))
}

/// Checks the registry at this property.
///
/// # Errors
/// `InvalidPropertyValue` unless it has exactly one way to sign in.
pub(super) fn check_registry(at: &str, registry: &Registry) -> Result<()> {
    let refuse = |reason: &str| Err(ApiError::property(at, "", reason));
    let identity = registry.identity_reference.as_ref();
    if registry.username.is_some() != registry.password.is_some() {
        return refuse("username and password must be given together");
    }
    if registry.username.is_some() == identity.is_some() {
        return refuse("exactly one of username and password, and identityReference is needed");
    }
    check_identity(at, identity)
}
