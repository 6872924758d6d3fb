//! A local Azure Batch: answers as the service would and runs tasks on this machine.
//!
//! Its rooms point one way: `http` (what a request must be) → `service` (rules, states, limits)
//! → `node` (runs a task) → `store` (what the account holds) → `wire` (request models, filters,
//! times) → `error` (the catalogue of errors). Beside them `faults` holds what is to fail on request;
//! `http` and `node` ask it where something can fail. It shares no code with the client that it helps to test.

mod emulator;
mod error;
mod faults;
mod http;
mod node;
mod service;
mod settings;
mod store;
mod wire;

pub use emulator::faults::Refused;
pub use emulator::{Emulator, StartError};
pub use faults::nth::Nth;
pub use faults::{Fault, FaultCount};
pub use http::faults::{Moment, Refusal, RequestFailure, RequestFault};
pub use http::operations::OperationName;
pub use http::record::RequestRecord;
pub use http::tally::OperationCount;
pub use node::faults::{BlobRefusal, BlobRequest, NodeEvent, NodeFailure, NodeFault};
pub use settings::{
    BlobPrefix, Isolation, LinkedStorage, Logs, NodeError, PoolSettings, RequeueCount, ResizeError,
    Settings, Splitting, StartTask, StateDelays, WildcardBase,
};
