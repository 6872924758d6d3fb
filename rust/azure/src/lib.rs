//! Azure Batch and Blob Storage, as far as a task runner needs them. Knows nothing of Kestra.
//!
//! [`batch::BatchClient`] speaks the data plane of Azure Batch, [`blob::BlobContainer`] one
//! container of Blob Storage. Both sign with a [`SharedKey`], Batch also with the tokens of an
//! [`identity::Identity`]; they share one HTTP client
//! ([`http_client`]), one idea of what is worth a retry ([`RetryPolicy`]) and one [`Error`].

pub mod batch;
pub mod blob;
pub mod blocking;
mod dns;
mod encode;
mod endpoint;
mod error;
mod exchange;
mod http;
pub mod identity;
mod pace;
mod proxy;
mod retry;
mod secret;

pub use error::{Error, ErrorKind, Result};
pub use http::http_client;
pub use retry::RetryPolicy;
pub use secret::{SharedKey, check_account_name, without_signatures};
