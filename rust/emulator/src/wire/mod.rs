//! The wire format: request models, filters and times.

pub(crate) mod body;
pub(crate) mod common;
pub(crate) mod duration;
pub(crate) mod enumeration;
pub(crate) mod filter;
pub(crate) mod job;
pub(crate) mod pool;
pub(crate) mod schedule;
pub(crate) mod task;
pub(crate) mod time;
