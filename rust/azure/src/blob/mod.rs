//! One container of Azure Blob Storage, or of Azurite.
//!
//! Writes are made and signed by the crate `azure_storage_blobs`, which is seen only here. They
//! travel over our transport and retries, so that errors are those of Batch. Reads are ours: the crate fails on values it does not know, trims spaces off names, takes an
//! empty blob for an error, and asks for checksums that Azurite refuses. So are blocks of large
//! files, which are read while they are sent.
//!
//! [Blob service REST API](https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api)

mod access;
mod account;
mod batch_delete;
mod connection_string;
mod container;
mod download;
mod fetch;
mod grants;
mod in_flight;
mod listing;
mod name;
mod ranges;
mod sas;
mod transport;
mod upload;
mod window;

pub use account::StorageAccount;
pub use container::BlobContainer;
pub use download::Version;
pub use fetch::WriteAt;
pub use grants::{Grants, LONGEST_DELEGATION};
pub use in_flight::BYTES_IN_FLIGHT;
pub use listing::{BlobItem, Pages};
pub use name::{check_blob_name, is_kept_as_is};
pub use sas::SasPermissions;
pub use upload::Source;
