//! What comes back of what a flow asks for: what Kestra would take in a local run.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use azure::blob::SasPermissions;
use azure_batch_emulator::{Settings, WildcardBase};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Client;
use runner::{Level, Status};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::java;
use crate::nodes::release;
use crate::support::{Lab, Report, directory, renamed, usual};

/// Relative to the working directory. The content of a file is its name.
type Tree = BTreeSet<String>;

/// A shell script that makes the tree.
fn script(tree: &Tree) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let make = |name: &String| {
        let parent = Path::new(name).parent().unwrap().to_str().unwrap();
        let (name, parent) = (quoted(name), quoted(parent));
        format!("mkdir -p ./{parent} && printf %s {name} >./{name} || exit 9")
    };
    tree.iter().map(make).collect::<Vec<_>>().join("\n")
}

/// The files below a directory, with their content.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries = walkdir::WalkDir::new(directory).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|file| {
            let name = file.path().strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(file.path()).unwrap())
        })
        .collect()
}

/// A run that makes a tree, and brings back into a directory what the patterns mean.
async fn run_in(directory: &Path, lab: &Lab, tree: &Tree, patterns: &[String]) -> Report {
    let mut request = renamed(&lab.request(&script(tree)));
    request["localWorkingDir"] = json!(directory);
    request["outputFiles"] = json!(patterns);
    lab.run(&request).await
}

async fn run(lab: &Lab, tree: &Tree, patterns: &[String]) -> (TempDir, Report) {
    let directory = tempfile::tempdir().unwrap();
    let report = run_in(directory.path(), lab, tree, patterns).await;
    (directory, report)
}

/// The base of a wildcard's sub-path is not specified.
async fn lab(wildcard_base: WildcardBase) -> Lab {
    Lab::start_with(Settings { wildcard_base, ..usual() }).await
}

fn warnings(report: &Report) -> Vec<&str> {
    let warnings = report.notes.iter().filter(|(level, _)| *level == Level::Warn);
    warnings.map(|(_, text)| text.as_str()).collect()
}

fn name() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", "a", "b", ".", "é", "e\u{301}", " ", "$HOME", "[1]", "{a,b}", "\\", "*", "?",
        "\n", "\t", "+", "%41", "#", "'", "\"", "~", "-", ":", ";", "^", "|", "&", "(", ")", "日",
    ]);
    let odd = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    let plain = prop::sample::select(vec!["a", "b", ".a", "a.csv", "b.csv", ".csv", "out"]);
    prop_oneof![3 => plain.prop_map(str::to_owned), 2 => odd]
        .prop_filter("no name", |name| name != "." && name != "..")
}

fn tree() -> impl Strategy<Value = Tree> {
    let path = prop::collection::vec(name(), 1..6).prop_map(|names| names.join("/"));
    prop::collection::vec(path, 1..12).prop_map(|paths| {
        let mut tree = Tree::new();
        for path in paths {
            let is_in_the_way = |other: &String| {
                path.starts_with(&format!("{other}/")) || other.starts_with(&format!("{path}/"))
            };
            if !tree.iter().any(is_in_the_way) {
                tree.insert(path);
            }
        }
        tree
    })
}

/// `WD` stands for the working directory.
fn pattern() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        ".",
        "*",
        "**",
        "?",
        "[a-c]",
        "[!a]",
        "{a,b}",
        "{*.csv,out/**}",
        ".csv",
        "\\[1\\]",
        "é",
        "\\{a,b\\}",
        "$HOME",
        " ",
        "\\\\",
    ]);
    let part = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    let glob = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    let of_tree = prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/"));
    let start = prop::sample::select(vec![
        "",
        "",
        "",
        "/",
        "glob:**",
        "glob:WD/",
        "glob:**/",
        "regex:WD/.*",
        "regex:",
    ]);
    prop_oneof![
        3 => (start, glob).prop_map(|(start, glob)| format!("{start}{glob}")),
        1 => of_tree,
        1 => prop::sample::select(vec!["**", "**.csv", "*.csv", "glob:**.csv", "regex:.*\\.csv"]).prop_map(str::to_owned),
    ]
}

/// The patterns for a directory, without those that Kestra refuses.
fn for_directory(patterns: &[String], directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    let patterns = patterns.iter().map(|pattern| pattern.replace("WD", directory));
    let is_valid = |pattern: &String| {
        java::matching(Path::new("/"), std::slice::from_ref(pattern), &[])[0].is_some()
    };
    patterns.filter(is_valid).collect()
}

/// Of the tree, what Kestra takes; and the patterns that match nothing.
fn in_java(tree: &Tree, patterns: &[String], directory: &Path) -> (Tree, Vec<String>) {
    let names: Vec<_> = tree.iter().cloned().collect();
    let (mut taken, mut useless) = (Tree::new(), Vec::new());
    for (pattern, matching) in patterns.iter().zip(java::matching(directory, patterns, &names)) {
        let matching = matching.unwrap();
        useless.extend(matching.is_empty().then(|| pattern.clone()));
        taken.extend(matching.iter().map(|n| names[*n].clone()));
    }
    (taken, useless)
}

async fn check(lab: &Lab, tree: &Tree, patterns: &[String]) {
    let directory = tempfile::tempdir().unwrap();
    let patterns = for_directory(patterns, directory.path());
    let report = run_in(directory.path(), lab, tree, &patterns).await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    let (taken, useless) = in_java(tree, &patterns, directory.path());
    let expected: BTreeMap<_, _> = taken.iter().map(|name| (name.clone(), name.clone())).collect();
    assert_eq!(files(directory.path()), expected, "{patterns:?}: {report:?}");
    let named = |pattern: &&String| {
        let warnings = warnings(&report);
        warnings.iter().filter(|warning| warning.contains(&format!("'{pattern}'"))).count()
    };
    assert!(useless.iter().all(|pattern| named(&pattern) > 0), "{useless:?}: {report:?}");
}

#[test]
fn what_comes_back_is_what_kestra_takes_in_a_local_run() {
    check_trees(16);
}

/// Cases come from the seed in `.cargo/config.toml`.
pub(crate) fn check_trees(trees: u32) {
    let runtime = Runtime::new().unwrap();
    let labs = [WildcardBase::WorkingDirectory, WildcardBase::Pattern]
        .map(|base| runtime.block_on(lab(base)));
    let config = Config { cases: trees, max_shrink_iters: 30, ..Config::default() };
    println!("{trees} trees, seed {:?}", config.rng_seed);
    let cases = (tree(), prop::collection::vec(pattern(), 1..5), 0..labs.len());
    let checked = TestRunner::new(config).run(&cases, |(tree, patterns, lab)| {
        runtime.block_on(check(&labs[lab], &tree, &patterns));
        Ok(())
    });
    checked.unwrap();
}

/// The files that the table in docs/output-files.md is about.
const TABLE_TREE: [&str; 17] = [
    "out.csv",
    "report1.csv",
    "report[1].csv",
    "a{b}.txt",
    ".hidden.csv",
    "data/a.csv",
    "data/b.txt",
    "data/.c.csv",
    "data/deep/d.csv",
    ".cache/e.csv",
    "1/2/3/4/f.csv",
    ".a/.b/.c/g.csv",
    "with space.txt",
    "back\\slash.txt",
    "dot.",
    "tab\tname.txt",
    "$HOME.txt",
];

/// A row of the table: a pattern, and what it brings.
fn rows(page: &str) -> Vec<(String, Tree)> {
    let code = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(|text| text.replace("\\t", "\t")).collect()
    };
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let (pattern, brings) = row[2..].split_once(" | ").unwrap();
        (code(pattern).remove(0), code(brings).into_iter().collect())
    })
    .collect()
}

#[tokio::test]
async fn every_spelling_brings_what_the_page_says() {
    let page = include_str!("../../../../docs/output-files.md");
    let tree: Tree = TABLE_TREE.map(str::to_owned).into();
    assert!(tree.iter().all(|name| page.contains(&name.replace('\t', "\\t"))), "{tree:?}");
    let lab = lab(WildcardBase::WorkingDirectory).await;
    let rows = rows(page);
    assert!(rows.len() > 20);
    for (pattern, brings) in rows {
        let (directory, report) = run(&lab, &tree, std::slice::from_ref(&pattern)).await;
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
        let came: Tree = files(directory.path()).into_keys().collect();
        assert_eq!(came, brings, "{pattern}");
        let (taken, _) = in_java(&tree, std::slice::from_ref(&pattern), directory.path());
        assert_eq!(came, taken, "{pattern} in Java");
    }
}

#[tokio::test]
async fn a_pattern_or_name_that_brought_nothing_is_named_in_one_line() {
    let lab = lab(WildcardBase::Pattern).await;
    let patterns = [
        "a.txt",
        "none.txt",
        "*.nothing",
        "/gone",
        "regex:.*\\.xml",
        "../up",
        "out/",
        "a\\{b\\}.txt",
    ];
    let tree = Tree::from(["a.txt".to_owned(), "out/b".to_owned()]);
    let (_directory, report) = run(&lab, &tree, &patterns.map(str::to_owned)).await;
    let expected = [
        "outputFiles: the task did not create 'none.txt'",
        "outputFiles: no file of the task matches '*.nothing'",
        "outputFiles: the task did not create '/gone'",
        "outputFiles: no file of the task matches 'regex:.*\\.xml'",
        "outputFiles: the task did not create '../up'",
        "outputFiles: the task did not create 'out/'",
        "outputFiles: no file of the task matches 'a\\{b\\}.txt'; Kestra reads \\ as /: \
         put a character meant literally into brackets, [[] for example",
    ];
    assert_eq!(warnings(&report), expected);
}

#[tokio::test]
async fn a_hundred_names_and_many_wildcards_are_not_too_many() {
    let lab = lab(WildcardBase::WorkingDirectory).await;
    let tree: Tree = (0..100).map(|n| format!("{n}/out-{n}.txt")).collect();
    let wildcards = ["*/*/*/*/*.csv", "**/*/*/*.csv"].map(str::to_owned);
    let patterns: Vec<_> = tree.iter().cloned().chain(wildcards).collect();
    let (directory, report) = run(&lab, &tree, &patterns).await;
    assert_eq!(files(directory.path()).into_keys().collect::<Tree>(), tree);
    assert_eq!(warnings(&report).len(), 2, "{report:?}");
}

/// What a task that is ended from outside leaves is found by the patterns alone.
#[tokio::test]
async fn a_task_that_is_ended_at_its_limit_brings_its_files_too() {
    let lab = lab(WildcardBase::WorkingDirectory).await;
    let directory = tempfile::tempdir().unwrap();
    let mut request = lab.request("mkdir .d && echo a >.d/a.csv && echo b >b.csv && sleep 60");
    request["localWorkingDir"] = json!(directory.path());
    request["outputFiles"] = json!(["**.csv", "*.csv"]);
    request["waitUntilCompletion"] = json!(3);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Failed, "{report:?}");
    let came = files(directory.path());
    assert_eq!(came.into_keys().collect::<Vec<_>>(), [".d/a.csv", "b.csv"], "{report:?}");
}

#[tokio::test]
async fn modes_and_empty_directories_come_back_and_what_is_unchanged_stays() {
    let lab = lab(WildcardBase::WorkingDirectory).await;
    lab.write("kept", b"kept");
    lab.write("changed", b"old");
    let mut request = lab.request(
        "echo '#!/bin/sh' >tool && chmod 750 tool && mkdir -p empty/er && echo new >changed && echo x >'odd\\name' \
         && chmod 711 'odd\\name' && : >nothing && chmod 600 nothing",
    );
    request["outputDir"] = json!("5Kpf");
    request["syncWorkingDirectory"] = json!(true);
    let report = lab.run(&request).await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    let mode = |name: &str| {
        std::fs::metadata(lab.dir.path().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("tool"), mode("odd\\name"), mode("nothing")), (0o750, 0o711, 0o600));
    assert!(lab.dir.path().join("empty/er").is_dir());
    assert!(lab.dir.path().join("5Kpf").is_dir() && !lab.dir.path().join("kestra-output").exists());
    assert_eq!(
        (lab.read("changed"), lab.read("kept"), lab.read("nothing")),
        (b"new\n".into(), b"kept".into(), b"".into())
    );
    let collected = "Collected 4 output file(s), 1 more are unchanged";
    assert!(report.notes.iter().any(|(_, note)| note == collected), "{report:?}");
}

#[tokio::test]
async fn a_name_that_kestra_refuses_in_the_output_directory_is_said() {
    let lab = lab(WildcardBase::WorkingDirectory).await;
    let mut request = lab.request("echo 1 >kestra-output/'a b'; echo 2 >kestra-output/c");
    request["outputDir"] = json!("5Kpf");
    let report = lab.run(&request).await;
    let [warning] = warnings(&report)[..] else { panic!("{report:?}") };
    assert!(warning.starts_with("outputDir: ") && warning.contains("'a b'"), "{warning}");
    assert_eq!(lab.read("5Kpf/a b"), b"1\n");
}

#[tokio::test]
async fn a_name_that_kestra_cannot_store_is_said() {
    let lab = lab(WildcardBase::WorkingDirectory).await;
    let tree = Tree::from(["a[1].csv", "100%.csv", "%41.csv", "é b'(1).csv"].map(str::to_owned));
    let (directory, report) = run(&lab, &tree, &["*.csv".to_owned()]).await;
    let mut said = warnings(&report);
    said.sort_unstable();
    for (warning, name) in said.iter().zip(["100%.csv", "a[1].csv"]) {
        let start =
            format!("outputFiles: Kestra before 2.0 cannot store a file with the name '{name}'");
        assert!(warning.starts_with(&start), "{warning}");
    }
    assert_eq!((said.len(), files(directory.path()).len()), (2, 4));
}

/// A page blob is as large as one says, without a byte in it.
#[tokio::test]
async fn more_than_the_disk_holds_is_refused_before_anything_is_written() {
    const SIZE: u64 = 4 << 40;
    let lab = lab(WildcardBase::WorkingDirectory).await;
    let mut request =
        lab.request("echo waiting; until [ -e go ]; do sleep 0.1; done; echo 1 >a.bin");
    request["outputFiles"] = json!(["*.bin"]);
    let mut run = lab.start_run(&request);
    run.until_line("waiting").await;
    let blob = format!("{}/out/0/huge.bin", directory(&request));
    let life = Duration::from_secs(600);
    let container = lab.container();
    let grants = container.grants(life).await.unwrap();
    let url = grants.url(Some(&blob), SasPermissions::WRITE).unwrap();
    let put = Client::new().put(url).header("x-ms-blob-type", "PageBlob");
    let put = put.header("x-ms-blob-content-length", SIZE).header("content-length", 0);
    put.send().await.unwrap().error_for_status().unwrap();
    release(&lab, "no node").await;
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Failed);
    let start = format!("outputFiles: 2 files of together {} bytes do not fit", SIZE + 2);
    assert!(report.message().starts_with(&start), "{report:?}");
    assert!(files(lab.dir.path()).is_empty());
}
