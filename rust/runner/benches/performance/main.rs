//! Measures runs beside others that do the same work, at several round trips, and writes the ratios to
//! docs/performance.md: `make bench`. `make bench-quick` compares a shorter form with what is written there.
//!
//! `cargo bench -p runner --bench performance -- [quick [write]]` or `[quick] only ROWS…`; the other roles are its own
//! children: what is measured has a process of its own, so that its time, CPU and memory are its own.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark")]

#[expect(dead_code, reason = "made for the tests")]
#[path = "../../../azure/tests/rest/azurite.rs"]
mod azurite;
mod bench;
mod child;
mod document;
mod files;
#[path = "../../../azure/tests/rest/http1.rs"]
mod http1;
mod java;
mod plain;
mod proxy;
mod rclone;
mod request;
mod rows;
mod services;
#[expect(dead_code, reason = "made for the tests")]
#[path = "../../tests/runs/long/store.rs"]
mod store;
mod table;
mod usage;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Cargo adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("worker") => child::answer(worker::measure),
        Some("plain") => child::answer(plain::measure),
        Some("emulator") => services::serve_batch(),
        Some("store") => services::serve_store(),
        _ => return bench::main(&arguments),
    }
    ExitCode::SUCCESS
}
