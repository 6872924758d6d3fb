//! docs/performance.md: the tables, where they were measured, and how to read them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread::available_parallelism;

use time::OffsetDateTime;

use crate::rows;
use crate::table::{Row, Table};

/// A part of the document, by its heading.
pub(crate) const WHOLE: &str = "## The whole";
pub(crate) const QUICK: &str = "## The short form";

/// Writes one part anew, and leaves the other as it is.
pub(crate) fn write(part: &str, table: &Table) {
    let before = read();
    let text = |heading: &str| match heading == part {
        true => format!("{heading}\n\nMeasured {}\n\n{table}", origin()),
        false => find(&before, heading).unwrap_or_default().to_owned(),
    };
    let introduction = include_str!("introduction.md").trim();
    let parts = [introduction.to_owned(), text(WHOLE), text(QUICK)];
    let parts: Vec<_> = parts.iter().map(|text| text.trim()).filter(|t| !t.is_empty()).collect();
    fs::write(path(), parts.join("\n\n") + "\n").unwrap();
    println!("written to docs/performance.md");
}

/// Replaces rows of the whole by those that were measured again, and says which groups they are of.
pub(crate) fn write_again(mut table: Table, names: &[&str]) {
    let before = read();
    let part = find(&before, WHOLE).expect("nothing was written");
    let said: Vec<_> = part.lines().filter(|line| line.starts_with("Measured ")).collect();
    let said = format!("{}\nMeasured again {} ({})", said.join("\n"), origin(), names.join(", "));
    let again = std::mem::take(&mut table.rows);
    let now = |row: Row| again.iter().find(|again| again.is_like(&row)).cloned().unwrap_or(row);
    table.rows = Table::parse(part).into_iter().map(now).collect();
    let text = format!("{WHOLE}\n\n{said}\n\n{table}");
    fs::write(path(), before.replace(part.trim(), text.trim())).unwrap();
    println!("written to docs/performance.md");
}

/// The rows of the short form that were written; none where there are none.
pub(crate) fn read_quick() -> Vec<Row> {
    find(&read(), QUICK).map(Table::parse).unwrap_or_default()
}

fn read() -> String {
    fs::read_to_string(path()).unwrap_or_default()
}

/// A part with its heading.
fn find<'a>(text: &'a str, heading: &str) -> Option<&'a str> {
    let part = &text[text.find(heading)?..];
    let end = part[heading.len()..].find("\n## ").map(|end| heading.len() + end);
    Some(&part[..end.unwrap_or(part.len())])
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/performance.md")
}

fn origin() -> String {
    let (date, cores) = (OffsetDateTime::now_utc().date(), available_parallelism().unwrap());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (kernel, profile) =
        (kernel.trim(), if cfg!(debug_assertions) { "debug" } else { "release" });
    let (commit, rounds) = (commit(), rows::round_count());
    format!(
        "on {date} at {commit}, {rounds} rounds, {profile} build, {cores} cores, Linux {kernel}."
    )
}

fn commit() -> String {
    let described = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let described =
        described.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    described.unwrap_or_else(|_| "an unknown commit".to_owned())
}
