//! The data plane of Azure Batch, version 2025-06-01.
//!
//! [Batch service REST API](https://learn.microsoft.com/rest/api/batchservice/)

mod client;
mod credential;
mod job;
mod list;
mod model;
mod node;
mod pool;
mod request;
mod signing;
mod task;
mod task_file;
mod throttle;
mod traffic;
mod unseen;

pub use client::BatchClient;
pub use credential::Credential;
pub use model::*;
pub use throttle::Throttle;
pub use traffic::Traffic;
