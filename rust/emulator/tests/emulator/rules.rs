//! Checks that docs/emulator-rules.md names only existing tests.

use std::path::{Path, PathBuf};

/// A row of the table: a rule and its tests.
struct Rule {
    text: String,
    sure: String,
    tests: Vec<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/emulator-rules.md")).unwrap()
}

fn rules() -> Vec<Rule> {
    let page = page();
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(rule).collect()
}

fn rule(row: &str) -> Rule {
    let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
    let [text, sure, source, tests] = cells[..] else { panic!("not four columns: {row}") };
    assert!(!source.is_empty(), "no source: {row}");
    let tests = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Rule { text: text.to_owned(), sure: sure.to_owned(), tests }
}

/// Returns whether a file with this name has a test with this name.
fn exists(test: &str) -> bool {
    let (file, name) = test.split_once("::").unwrap_or((test, ""));
    if file.ends_with(".py") {
        let text = std::fs::read_to_string(root().join("tests/conformance").join(file));
        return text.unwrap_or_default().contains(&format!("\ndef {name}("));
    }
    let crate_root = root().join("rust/emulator");
    ["src", "tests"].iter().any(|folder| has_test(&crate_root.join(folder), file, name))
}

fn has_test(folder: &Path, file: &str, name: &str) -> bool {
    let (file, function) = (format!("{file}.rs"), format!("fn {name}("));
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    files.filter(|entry| entry.file_name() == file.as_str()).any(|entry| {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let at = lines.iter().position(|line| line.contains(&function));
        at.is_some_and(|at| is_marked_as_test(&lines[..at]))
    })
}

/// Returns whether the attributes at the end of these lines include one of a test.
fn is_marked_as_test(lines: &[&str]) -> bool {
    let attributes = lines.iter().rev().take_while(|line| line.starts_with("#["));
    attributes.into_iter().any(|line| line.contains("test"))
}

#[test]
fn every_rule_names_a_test_that_exists() {
    let rules = rules();
    assert!(rules.len() > 30, "only {} rules were found", rules.len());
    for rule in rules {
        assert!(!rule.tests.is_empty(), "no test: {}", rule.text);
        for test in rule.tests {
            assert!(exists(&test), "{test} does not exist, which is to hold: {}", rule.text);
        }
    }
}

#[test]
fn every_rule_says_how_sure_it_is_and_the_page_counts_them() {
    let rules = rules();
    let marks = ["R", "M", "F", "inferred", "own"];
    let count = |mark: &str| rules.iter().filter(|rule| rule.sure == mark).count();
    let unmarked: Vec<_> = rules.iter().filter(|rule| !marks.contains(&&*rule.sure)).collect();
    assert!(unmarked.is_empty(), "{}", unmarked[0].text);
    let counts = marks.map(|mark| format!("{} {mark}", count(mark))).join(", ");
    let line = format!("{} rules: {counts}.", rules.len());
    assert!(page().contains(&line), "the page does not say: {line}");
}

#[test]
fn a_missing_test_is_detected() {
    assert!(exists("rules::a_missing_test_is_detected"));
    assert!(!exists("rules::exists"));
    assert!(!exists("jobs::a_missing_test_is_detected"));
    assert!(!exists("none.py::test_nothing"));
}
