//! Pools.

pub(super) mod get;
