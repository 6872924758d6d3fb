//! A local Azure Batch account: answers the REST API and runs tasks on this machine.
//!
//! The modules depend on each other in one direction: `http` (request handling) → `service` (rules,
//! states, limits) → `node` (runs tasks) → `store` (the state of the account) → `wire` (request
//! models, filters, times) → `error` (error codes). `faults` holds the injected faults; `http` and
//! `node` check for them where something can fail. `entra` issues and checks tokens of Microsoft Entra
//! ID for `http`. The crate shares no code with the client that it
//! helps to test.

mod emulator;
mod entra;
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
pub use faults::{Fault, FaultCount};
pub use http::record::RequestRecord;
pub use settings::{
    AuthenticationMode, BlobPrefix, Consistency, EndedExitCode, EntraSettings, Isolation,
    LinkedStorage, Logs, NodeError, PoolSettings, Principal, Proof, RequeueCount, ResizeError,
    Role, Settings, Splitting, StartTask, StateDelays, WildcardBase,
};
