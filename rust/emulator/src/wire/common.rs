//! Types that several resources share.

use serde::{Deserialize, Serialize};

/// A property of the specification that the emulator refuses instead of ignoring it.
///
/// It has no values, so an `Option` of it is always `None` once a body has been read.
#[derive(Clone, Serialize)]
pub(crate) enum Unsupported {}

/// The message for an [`Unsupported`] property. `body::read` turns it into an error of the service.
pub(crate) const UNSUPPORTED: &str = "not supported by the emulator";

impl<'de> Deserialize<'de> for Unsupported {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Unsupported, D::Error> {
        Err(serde::de::Error::custom(UNSUPPORTED))
    }
}

/// A name and a value in the metadata of a job.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetadataItem {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// An environment variable of a task.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvironmentSetting {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

/// A managed identity of the pool, used instead of credentials.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct IdentityReference {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource_id: Option<String>,
}
