//! What must be true of a run, whatever happened on its way.

use std::collections::BTreeMap;
use std::path::Path;

use runner::Status;
use serde_json::Value;

use super::trial::INPUTS;
use crate::gate::Gate;
use crate::secrets;
use crate::support::Report;

/// What a whole run adds to its inputs.
const OUTPUTS: [(&str, &[u8]); 4] = [
    ("copy.bin", b"\x00\xff\n\x80last"),
    ("deep/.er/made.txt", b"made\n"),
    ("deep/none", b""),
    ("local/out.txt", b"out\n"),
];

const STDOUT: [&str; 3] = ["first", "zw\u{f6}lf", "second"];
const STDERR: [&str; 2] = ["careful", "late"];

/// What one worker told and did.
pub(super) struct Told {
    pub(super) report: Report,
    files: BTreeMap<String, Vec<u8>>,
    jobs_created: usize,
    tasks_created: usize,
    secret: Option<String>,
}

impl Told {
    pub(super) fn new(report: Report, gate: &Gate, dir: &Path, request: &Value) -> Self {
        let secret = secrets::found(&format!("{report:?}"), &secrets::secrets(request));
        let (jobs_created, tasks_created) =
            (gate.successes("post jobs"), gate.successes("post tasks"));
        let mut files = BTreeMap::new();
        read_files(dir, "", &mut files);
        Self { report, files, jobs_created, tasks_created, secret }
    }
}

/// What the lines of two workers are together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// The second goes on where the first stopped.
    GoOn,
    /// The first could not say how far it came at last, so the second may repeat some.
    Overlap,
}

type Stream = fn(&Report) -> &Vec<String>;

/// What is wrong with what the workers of one task run told, the last of whom was to end as if nothing had
/// happened.
pub(super) fn wrong(workers: &[&Told], exit_code: i32, lines: Lines) -> Vec<String> {
    let last = workers.last().unwrap();
    let status = if exit_code == 0 { Status::Succeeded } else { Status::Failed };
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| wrong.extend((!holds).then_some(what));
    let result = last.report.told();
    check(result == Some((status, Some(exit_code))), format!("the outcome is {:?}", last.report));
    check(last.files == expected_files(), format!("the files are {:?}", last.files));
    let streams: [(Stream, &[&str]); 2] =
        [(|report| &report.stdout, &STDOUT), (|report| &report.stderr, &STDERR)];
    for (stream, expected) in streams {
        let told: Vec<_> = workers.iter().map(|told| stream(&told.report)).collect();
        check(lines.are_right(&told, expected), format!("the lines are {told:?}"));
    }
    let sum = |count: fn(&Told) -> usize| workers.iter().map(|told| count(told)).sum::<usize>();
    let created = (sum(|told| told.jobs_created), sum(|told| told.tasks_created));
    check(created == (1, 1), format!("{created:?} jobs and tasks were created"));
    wrong.extend(secrets_told(workers));
    wrong
}

pub(super) fn secrets_told(workers: &[&Told]) -> Vec<String> {
    let found = workers.iter().filter_map(|told| told.secret.as_ref());
    found.map(|secret| format!("a secret was told: {secret}")).collect()
}

impl Lines {
    fn are_right(self, told: &[&Vec<String>], expected: &[&str]) -> bool {
        match self {
            Self::GoOn => told.iter().copied().flatten().eq(expected),
            Self::Overlap => {
                let [first, second] = told else { return false };
                let missing = expected.len().saturating_sub(second.len());
                expected.starts_with(&texts(first))
                    && expected.ends_with(&texts(second))
                    && first.len() >= missing
            }
        }
    }
}

fn texts(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

fn expected_files() -> BTreeMap<String, Vec<u8>> {
    let all = INPUTS.iter().chain(&OUTPUTS);
    all.map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect()
}

fn read_files(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let name = format!("{prefix}{}", entry.file_name().display());
        if entry.path().is_dir() {
            read_files(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
}
