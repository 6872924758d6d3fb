//! One container of Azure Blob Storage, or of Azurite.
//!
//! Requests are made and signed by the crate `azure_storage_blobs`, which is seen only here. It
//! travels through our transport and retries, so that errors are those of Batch. Its traps, each
//! closed and tested here: it prints keys in errors about connection strings, asks for checksums
//! that Azurite refuses, changes some names silently, takes an empty blob for an error, and does
//! not read every list.
//!
//! [Blob service REST API](https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api)

mod account;
mod container;
mod download;
mod listing;
mod name;
mod sas;
mod transport;
mod upload;

pub use account::StorageAccount;
pub use container::BlobContainer;
pub use listing::BlobItem;
pub use sas::SasRights;
