//! Blobs to memory. To files: [`super::fetch`].

use super::{BlobContainer, in_flight::Reserved, sas::SasPermissions, transport::Answer};
use crate::{Error, Result};
use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{ETAG, HeaderMap, HeaderValue, IF_MATCH, RANGE},
};

/// A version of a blob: its ETag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub(super) String);

/// A range of a blob, and the version of the blob it is from.
struct Part {
    bytes: Bytes,
    version: Option<HeaderValue>,
    _reserved: Reserved,
}

impl BlobContainer {
    /// The bytes `[from, from + max)` of a blob; empty where it has nothing at or past `from`. None: there is no such
    /// blob.
    ///
    /// [Get Blob](https://learn.microsoft.com/rest/api/storageservices/get-blob)
    ///
    /// # Errors
    /// `ContainerNotFound` (404), and what else the service refuses.
    pub async fn get_range(&self, name: &str, from: u64, max: u64) -> Result<Option<Bytes>> {
        match self.get_part(name, from, max, None).await {
            Ok(part) => Ok(Some(part.map(|part| part.bytes).unwrap_or_default())),
            Err(error) if error.has_code(&["BlobNotFound"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The first `max` bytes of a blob, and its version. None: there is no such blob, or it is empty.
    ///
    /// [Get Blob](https://learn.microsoft.com/rest/api/storageservices/get-blob)
    ///
    /// # Errors
    /// `ContainerNotFound` (404), a `Protocol` error where the service names no version, and others.
    pub async fn get_bytes(&self, name: &str, max: u64) -> Result<Option<(Bytes, Version)>> {
        let part = match self.get_part(name, 0, max, None).await {
            Err(error) if error.has_code(&["BlobNotFound"]) => None,
            part => part?,
        };
        let Some(part) = part else { return Ok(None) };
        let etag = part.version.as_ref().and_then(|version| version.to_str().ok());
        let etag = etag.ok_or_else(|| Error::protocol(format!("blob '{name}' has no ETag")))?;
        Ok(Some((part.bytes, Version(etag.to_owned()))))
    }

    /// One range. A range past the end is a 416, so is any range of an empty blob.
    async fn get_part(
        &self,
        name: &str,
        from: u64,
        max: u64,
        version: Option<HeaderValue>,
    ) -> Result<Option<Part>> {
        if max == 0 {
            return Ok(None);
        }
        let headers = range_headers(from, max, version.as_ref())?;
        let action = format!("read blob '{name}'");
        let answer = self.run(&action, || async {
            let reserved = self.share().reserve(max).await;
            let mut own = self.own(Some(name), SasPermissions::READ).await?;
            own.headers.extend(headers.clone());
            Ok((self.transport().get(own, max).await?, reserved))
        });
        match answer.await {
            Ok((answer, _)) if answer.body.is_empty() => Ok(None),
            Ok((answer, _)) if from > 0 && answer.status != StatusCode::PARTIAL_CONTENT => {
                Err(not_a_part().during(&action))
            }
            Ok((answer, reserved)) => Ok(Some(Part::new(answer, reserved))),
            Err(error) if error.status() == Some(416) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Part {
    fn new(mut answer: Answer, reserved: Reserved) -> Self {
        let version = answer.headers.remove(ETAG);
        Self { bytes: answer.body, version, _reserved: reserved }
    }
}

pub(super) fn not_a_part() -> Error {
    Error::protocol("a part was asked for and the whole came")
}

/// The range, and the version that it must be from.
pub(super) fn range_headers(
    from: u64,
    max: u64,
    version: Option<&HeaderValue>,
) -> Result<HeaderMap> {
    let last = from.saturating_add(max - 1);
    let range = HeaderValue::try_from(format!("bytes={from}-{last}"))
        .map_err(|error| Error::protocol(error.to_string()))?;
    let version = version.map(|version| (IF_MATCH, version.clone()));
    Ok([(RANGE, range)].into_iter().chain(version).collect())
}
