//! The bench itself: which rows in which form, and what becomes of the table.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use futures::FutureExt;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::document::{self, QUICK, WHOLE};
use crate::java::Java;
use crate::rclone::Rclone;
use crate::rows::{self, Form};
use crate::table::{Row, Table};

/// Those beside whom is measured, where there are any.
pub(crate) struct Peers {
    pub(crate) rclone: Option<Rclone>,
    pub(crate) java: Option<Java>,
}

/// All children end with what this runs, also when it is interrupted.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    Runtime::new().unwrap().block_on(async {
        tokio::select! {
            code = run(arguments) => code,
            () = interrupted() => ExitCode::from(130),
        }
    })
}

async fn interrupted() {
    let [mut interrupt, mut terminate] =
        [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).unwrap());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn run(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => {
            let whole = write(WHOLE, &Form::long()).await;
            let quick = write(QUICK, &Form::quick()).await;
            if whole == ExitCode::SUCCESS { quick } else { whole }
        }
        ["quick"] => compare().await,
        ["quick", "write"] => write(QUICK, &Form::quick()).await,
        ["only", ref names @ ..] => print(&Form::long(), names).await,
        ["again", ref names @ ..] => write_again(names).await,
        ["quick", "only", ref names @ ..] => print(&Form::quick(), names).await,
        _ => {
            eprintln!(
                "performance: [quick [write]], or [quick] only or again, and some of {:?}",
                rows::NAMES
            );
            ExitCode::FAILURE
        }
    }
}

async fn write(part: &str, form: &Form) -> ExitCode {
    let table = measure(form, &rows::NAMES).await;
    println!("{table}");
    document::write(part, &table);
    table.exit_code()
}

/// Measures groups of the long form again where something else was going on while they were.
async fn write_again(names: &[&str]) -> ExitCode {
    let table = measure(&Form::long(), names).await;
    println!("{table}");
    let code = table.exit_code();
    if code == ExitCode::SUCCESS {
        document::write_again(table, names);
    }
    code
}

async fn print(form: &Form, names: &[&str]) -> ExitCode {
    let table = measure(form, names).await;
    println!("{table}");
    table.exit_code()
}

/// Measures the short form and compares it with what was written.
async fn compare() -> ExitCode {
    let earlier = document::read_quick();
    let table = measure(&Form::quick(), &rows::NAMES).await;
    println!("{table}");
    let like = |row: &Row| earlier.iter().find(|earlier| earlier.is_like(row));
    for row in table.rows.iter().filter(|row| like(row).is_none()) {
        println!("not compared, docs/performance.md has no such row: {row}");
    }
    for row in earlier.iter().filter(|row| !table.rows.iter().any(|now| now.is_like(row))) {
        println!("not compared, it was not measured: {row}");
    }
    let pairs = table.rows.iter().filter_map(|row| Some((row, like(row)?)));
    let worse: Vec<_> = pairs.filter(|(row, earlier)| row.is_worse_than(earlier)).collect();
    for (row, earlier) in &worse {
        println!("worse: {}", row.against(earlier));
    }
    if worse.is_empty() { table.exit_code() } else { ExitCode::FAILURE }
}

async fn measure(form: &Form, names: &[&str]) -> Table {
    let mut table = Table::default();
    let peers =
        if form.with_peers { find(&mut table).await } else { Peers { rclone: None, java: None } };
    for name in names {
        eprintln!("[bench] {name}");
        // An hour of others is not to be lost.
        let measuring = AssertUnwindSafe(rows::measure(name, form, &peers, &mut table));
        if measuring.catch_unwind().await.is_err() {
            table.failed.push(name.to_string());
        }
    }
    table
}

async fn find(table: &mut Table) -> Peers {
    let mut found = |reason| table.skipped.push(reason);
    Peers {
        rclone: Rclone::find().await.map_err(&mut found).ok(),
        java: Java::find().await.map_err(&mut found).ok(),
    }
}
