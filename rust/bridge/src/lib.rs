//! The surface that Java calls: start, next, select, kill, acknowledge and close a run by its number.
//!
//! One JSON document in, JSON events out. No Java class is known here but the two exceptions, no thread is
//! attached and no pointer leaves: runs live in a registry, so a double close or a late kill is an
//! ordinary case.

mod jni;
mod runs;
mod shared;

#[doc(hidden)]
pub use jni::{Failure, Throw};
pub use runs::{Refused, acknowledge, close, kill, next, select, start};
