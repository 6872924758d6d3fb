//! One place per REST operation, and a table of them per resource.

mod file;
mod job;
mod name;
mod pool;
pub(super) mod route;
mod task;

pub use name::OperationName;
use route::Operation;

/// Every operation.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    [pool::OPERATIONS, job::OPERATIONS, task::OPERATIONS, file::OPERATIONS].into_iter().flatten()
}
