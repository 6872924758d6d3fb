//! A JVM that says which files Java's patterns match.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

/// Started with the first question. It ends with the process, which closes its input.
static JAVA: LazyLock<Mutex<Java>> = LazyLock::new(|| Mutex::new(Java::start()));

struct Java {
    process: Child,
    answers: BufReader<ChildStdout>,
}

/// For each pattern, the positions of the names below `directory` that it matches. None: Java refuses it.
pub(crate) fn matching(
    directory: &Path,
    patterns: &[String],
    names: &[String],
) -> Vec<Option<Vec<usize>>> {
    let question =
        format!("{} {} {}\n", hex(directory.to_str().unwrap()), list(patterns), list(names));
    let answer = JAVA.lock().unwrap().ask(&question);
    let answers: Vec<_> = answer.trim_end_matches('\n').split(' ').map(positions).collect();
    assert_eq!(answers.len(), patterns.len().max(1), "{answer}");
    answers
}

fn positions(answer: &str) -> Option<Vec<usize>> {
    let positions = answer.split(',').filter(|position| !position.is_empty());
    (answer != "invalid").then(|| positions.map(|position| position.parse().unwrap()).collect())
}

fn list(texts: &[String]) -> String {
    texts.iter().map(|text| hex(text)).collect::<Vec<_>>().join(",")
}

fn hex(text: &str) -> String {
    text.bytes().fold(".".to_owned(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

impl Java {
    fn start() -> Self {
        let home = std::env::var_os("JAVA_HOME").expect("JAVA_HOME: a JDK, see `make test`");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/java/Matching.java");
        let mut process = Command::new(PathBuf::from(home).join("bin/java"))
            // The names of files are UTF-8, whatever the surroundings say.
            .env("LC_ALL", "C.UTF-8")
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, answers }
    }

    fn ask(&mut self, question: &str) -> String {
        self.process.stdin.as_mut().unwrap().write_all(question.as_bytes()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "the JVM has ended");
        answer
    }
}
