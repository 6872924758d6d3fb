//! One place per REST operation, and a table of them per resource.

mod file;
mod job;
mod name;
mod node;
mod pool;
pub(super) mod route;
mod task;

pub use name::OperationName;
use route::Operation;

/// Every operation.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    let tables =
        [pool::OPERATIONS, node::OPERATIONS, job::OPERATIONS, task::OPERATIONS, file::OPERATIONS];
    tables.into_iter().flatten()
}
