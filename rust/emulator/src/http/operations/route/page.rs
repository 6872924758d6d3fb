//! Checks the table of operations in docs/emulator.md.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::all;
use super::MISSING;

/// Returns the request and the state of each operation in the table, by name.
fn listed() -> BTreeMap<String, (String, String)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/emulator.md");
    let page = std::fs::read_to_string(path).unwrap();
    page.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<(String, (String, String))> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, request, state] = cells[..] else { return None };
    let verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    let is_request = verbs.iter().any(|verb| request.starts_with(&format!("`{verb} /")));
    is_request.then(|| (name.to_owned(), (request.to_owned(), state.to_owned())))
}

#[test]
fn the_page_lists_every_operation_and_whether_it_is_done() {
    let done = all().map(|one| (one.name, one.verb, one.path, true));
    let missing = MISSING.iter().map(|one| (one.name, one.verb, one.path, false));
    let mut listed = listed();
    for (name, verb, path, is_done) in done.chain(missing) {
        let request = format!("`{verb} /{}`", path.replace("*}", "}"));
        let row = format!("| {name} | {request} | {} |", if is_done { "done" } else { "501" });
        let Some((shown, state)) = listed.remove(name) else { panic!("there is no row {row}") };
        assert_eq!(shown, request, "{name}");
        let says_done = state == "done" || state.starts_with("partly: ");
        assert!(says_done == is_done && (says_done || state == "501"), "{name}: {state}");
    }
    assert!(listed.is_empty(), "these are no operations: {listed:?}");
}
