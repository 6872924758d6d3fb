//! Whole runs against the emulator, in this process, and Azurite.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod again;
#[path = "../../../azure/tests/rest/azurite.rs"]
mod azurite;
mod bad_input;
mod bench;
mod container_options;
mod crowd;
mod faults;
mod gate;
mod hostile;
#[path = "../../../azure/tests/rest/http1.rs"]
mod http1;
mod identity;
mod images;
mod inputs;
mod java;
mod long;
mod meanwhile;
mod memory;
mod node_trouble;
mod nodes;
mod outputs;
mod progress;
mod resuming;
mod scheduling;
mod secrets;
mod signatures;
mod stopping;
mod support;
mod sweep;
#[path = "../../../emulator/tests/emulator/support/tls.rs"]
mod tls;
mod users;
mod variants;
mod whole_run;
mod whose;
