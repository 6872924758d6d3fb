//! rclone at its defaults, beside.

use std::path::Path;
use std::time::Instant;

use azure_core::auth::Secret;
use azure_storage::shared_access_signature::SasToken;
use azure_storage::shared_access_signature::service_sas::{
    BlobSasPermissions, BlobSharedAccessSignature, BlobSignedResource,
};
use time::{Duration, OffsetDateTime};
use tokio::process::Command;

use crate::azurite::{ACCOUNT, KEY};
use crate::plain::Took;
use crate::services::{CONTAINER, Place};
use crate::usage;

/// rclone of this machine.
pub(crate) struct Rclone;

impl Rclone {
    /// # Errors
    /// Why there is none.
    pub(crate) async fn find() -> Result<Self, String> {
        match Command::new("rclone").arg("version").output().await {
            Ok(output) if output.status.success() => Ok(Self),
            Ok(_) => Err("rclone does not run".to_owned()),
            Err(_) => Err("rclone is not installed (apt-get install rclone)".to_owned()),
        }
    }

    /// Copies a directory into the container.
    pub(crate) async fn put(&self, place: &Place, from: &Path, name: &str) -> Took {
        copy(place, from.to_str().unwrap(), &remote(name)).await
    }

    /// Copies back what was put by this name.
    pub(crate) async fn get(&self, place: &Place, name: &str, to: &Path) -> Took {
        copy(place, &remote(name), to.to_str().unwrap()).await
    }
}

fn remote(name: &str) -> String {
    format!(":azureblob:{CONTAINER}/rclone-{name}")
}

async fn copy(place: &Place, from: &str, to: &str) -> Took {
    let (start, cpu) = (Instant::now(), usage::cpu_of_children());
    let status = Command::new("rclone")
        // No file of settings is meant, and none is written.
        .args(["--config", "", "copy", from, to])
        // With a key, Debian's version puts the account before the host, where Azurite has it in the path.
        .env("RCLONE_AZUREBLOB_SAS_URL", format!("{}/{CONTAINER}?{}", place.blob, sas()))
        .kill_on_drop(true)
        .status()
        .await;
    assert!(status.unwrap().success(), "rclone failed");
    Took { seconds: start.elapsed().as_secs_f64(), cpu: usage::cpu_of_children() - cpu }
}

/// Of the container.
fn sas() -> String {
    let permissions = BlobSasPermissions {
        read: true,
        create: true,
        write: true,
        list: true,
        ..BlobSasPermissions::default()
    };
    BlobSharedAccessSignature::new(
        Secret::new(KEY),
        format!("/blob/{ACCOUNT}/{CONTAINER}"),
        permissions,
        OffsetDateTime::now_utc() + Duration::HOUR,
        BlobSignedResource::Container,
    )
    .token()
    .unwrap()
}
