//! One module per REST operation, and one table of them per resource. `missing` lists the operations
//! that the emulator does not have.

mod account;
mod file;
mod job;
mod job_schedule;
mod missing;
mod name;
mod node;
mod pool;
pub(super) mod route;
mod task;

pub(crate) use name::{GET_IDENTITY_TOKEN, GET_KEYS, GET_TOKEN, OperationName};
use route::Operation;

/// Returns every operation.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    let tables = [
        account::OPERATIONS,
        pool::OPERATIONS,
        node::OPERATIONS,
        job::OPERATIONS,
        job_schedule::OPERATIONS,
        task::OPERATIONS,
        file::OPERATIONS,
    ];
    tables.into_iter().flatten()
}
