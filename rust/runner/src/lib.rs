//! Runs one command as one Azure Batch task and reports it as a stream of events.
//!
//! The life of a run: [`Request`] → [`Plan`] → *check* → *stage in* → *submit* → *follow* → *collect* → *clean up*.
//! A request is what the caller sent, word for word; a plan is the same with every question answered.
//! Nothing is created remotely before the plan stands and the pool and the container have answered.

mod account;
mod bind_mounts;
mod check;
mod clean_up;
mod collect;
mod command;
mod container;
mod details;
mod entry_point;
mod error;
mod event;
mod failure;
mod follow;
mod inputs;
mod invalid;
mod limits;
mod logs;
mod names;
mod network;
mod output_stream;
mod outputs;
mod pace;
mod plan;
mod position;
mod progress;
mod quota_wait;
#[cfg(test)]
#[path = "../../azure/tests/rest/recorded_answers.rs"]
mod recorded_answers;
mod refused;
mod report;
mod request;
mod resume;
mod run;
mod run_options;
mod scheduling;
mod sign_in;
mod stage_in;
mod state;
mod stops;
mod storage;
mod submit;
mod user;
mod waiting;
mod working_dir;

pub use azure::RetryPolicy;
pub use details::{Details, Requests, Times, Transfers, Usage};
pub use event::{
    Event, EventReceiver, EventSender, Level, Outcome, Read, Selection, Status, Stream, channel,
};
pub use invalid::Invalid;
pub use network::Network;
pub use plan::Plan;
pub use request::{
    AutoUserScope, BindMount, BindSource, BlobStorage, ElevationLevel, IdentityReference, Registry,
    Request,
};
pub use run::run;
