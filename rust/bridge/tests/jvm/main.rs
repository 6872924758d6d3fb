//! The bridge in a real JVM, through the very Java classes that the plugin jar holds.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod boundary;
mod life;
mod support;
