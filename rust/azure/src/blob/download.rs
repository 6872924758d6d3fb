//! Blobs to memory and to files.

use super::{
    BlobContainer,
    sas::{OWN_REQUEST, SasRights},
    transport::Answer,
};
use crate::{Error, Result};
use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{ETAG, HeaderMap, HeaderValue, IF_MATCH, RANGE},
};
use std::{
    io,
    path::{Path, PathBuf},
};
use tempfile::TempPath;
use tokio::{fs::File, io::AsyncWriteExt};
use uuid::Uuid;

/// A blob is read in ranges of this size, one in memory at a time.
const RANGE_SIZE: u64 = 8 * 1024 * 1024;

/// A range of a blob, and the version of the blob it is from.
struct Part {
    bytes: Bytes,
    version: Option<HeaderValue>,
}

impl BlobContainer {
    /// The bytes `[from, from + max)` of a blob. None: there is no such blob, or it has nothing
    /// at or past `from`.
    ///
    /// [Get Blob](https://learn.microsoft.com/rest/api/storageservices/get-blob)
    ///
    /// # Errors
    /// `ContainerNotFound` (404), and what else the service refuses.
    pub async fn get_range(&self, name: &str, from: u64, max: u64) -> Result<Option<Bytes>> {
        match self.get_part(name, from, max, None).await {
            Ok(part) => Ok(part.map(|part| part.bytes)),
            Err(error) if error.has_code(&["BlobNotFound"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Downloads a blob and returns its size in bytes. The file appears whole or not at all;
    /// missing directories are made.
    ///
    /// [Get Blob](https://learn.microsoft.com/rest/api/storageservices/get-blob)
    ///
    /// # Errors
    /// `BlobNotFound` (404), a `Local` error where the file cannot be written, and others.
    pub async fn get_to_file(&self, name: &str, path: &Path) -> Result<u64> {
        let cannot_write = |error: io::Error| {
            Error::local(format!("cannot write {}: {error}", path.display()))
                .during(&format!("download blob '{name}'"))
        };
        let (file, part) = create_sibling(path).await.map_err(cannot_write)?;
        let size = self.copy(name, file, cannot_write).await?;
        part.persist(path).map_err(|error| cannot_write(error.error))?;
        Ok(size)
    }

    /// Copies range after range of one version of the blob. A short range is the last one.
    async fn copy(
        &self,
        name: &str,
        mut file: File,
        cannot_write: impl Fn(io::Error) -> Error,
    ) -> Result<u64> {
        let mut size = 0;
        let mut version = None;
        while let Some(part) = self.get_part(name, size, RANGE_SIZE, version).await? {
            file.write_all(&part.bytes).await.map_err(&cannot_write)?;
            size += part.bytes.len() as u64;
            version = part.version;
            if (part.bytes.len() as u64) < RANGE_SIZE {
                break;
            }
        }
        file.flush().await.map_err(cannot_write)?;
        Ok(size)
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
            let url = self.signed_url(Some(name), SasRights::READ, OWN_REQUEST)?;
            self.transport().get(url, headers.clone()).await
        });
        match answer.await {
            Ok(answer) if answer.body.is_empty() => Ok(None),
            Ok(answer) if from > 0 && answer.status != StatusCode::PARTIAL_CONTENT => {
                Err(Error::protocol("a part was asked for and the whole came").during(&action))
            }
            Ok(answer) => Ok(Some(Part::from(answer))),
            Err(error) if error.status() == Some(416) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A new file beside `path`, with the rights that any new file gets; deleted unless it is renamed.
async fn create_sibling(path: &Path) -> io::Result<(File, TempPath)> {
    let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
    if directory != PathBuf::new() {
        tokio::fs::create_dir_all(&directory).await?;
    }
    let part = directory.join(format!(".{}.part", Uuid::new_v4()));
    let file = File::create_new(&part).await?;
    Ok((file, TempPath::try_from_path(part)?))
}

impl From<Answer> for Part {
    fn from(mut answer: Answer) -> Self {
        Self { bytes: answer.body, version: answer.headers.remove(ETAG) }
    }
}

/// The range, and the version that it must be from.
fn range_headers(from: u64, max: u64, version: Option<&HeaderValue>) -> Result<HeaderMap> {
    let last = from.saturating_add(max - 1);
    let range = HeaderValue::try_from(format!("bytes={from}-{last}"))
        .map_err(|error| Error::protocol(error.to_string()))?;
    let version = version.map(|version| (IF_MATCH, version.clone()));
    Ok([(RANGE, range)].into_iter().chain(version).collect())
}
