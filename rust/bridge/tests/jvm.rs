//! The bridge in a real JVM, through the very Java classes that the plugin jar holds.
//!
//! `-Xcheck:jni` only prints its findings, so the JVM is a child process whose output is looked at.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const REQUEST: &str = include_str!("../../../tests/fixtures/request.json");
const JAVA: [&str; 3] = ["Boundary.java", "Native.java", "NativeLibrary.java"];

/// A JVM with the library on its class path, as in the jar.
struct Jvm {
    class_path: tempfile::TempDir,
}

impl Jvm {
    fn new() -> Self {
        let jvm = Self { class_path: tempfile::tempdir().unwrap() };
        let native = jvm.class_path.path().join("native/linux-x86_64");
        std::fs::create_dir_all(&native).unwrap();
        std::fs::copy(library(), native.join("libkestra_azure_batch.so")).unwrap();
        jvm.compile();
        jvm
    }

    fn compile(&self) {
        let bridge = Path::new(env!("CARGO_MANIFEST_DIR"));
        let plugin = bridge.join("../../java/src/main/java/io/kestra/plugin/azure/runner");
        let javac = Command::new(jdk("javac"))
            .arg("-d")
            .arg(self.class_path.path())
            .args(JAVA.map(|file| plugin.join(file)))
            .arg(bridge.join("tests/java/BridgeCheck.java"))
            .output()
            .unwrap();
        assert!(javac.status.success(), "{}", String::from_utf8_lossy(&javac.stderr));
    }

    /// Runs a scenario to its end. Fails where it does not end well or JNI was misused.
    fn check(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = Command::new(jdk("java"))
            .args(["-Xcheck:jni", "--enable-native-access=ALL-UNNAMED", "-cp"])
            .arg(self.class_path.path())
            .arg("io.kestra.plugin.azure.runner.BridgeCheck")
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
        assert!(status.success() && text.contains("\ndone\n"), "{text}");
        assert!(!text.contains("WARNING"), "{text}");
        text.into_owned()
    }

    fn request(&self, endpoint: &str) -> String {
        let path = self.class_path.path().join("request.json");
        let real = "https://contosobatch.westeurope.batch.azure.com";
        assert!(REQUEST.contains(real));
        std::fs::write(&path, REQUEST.replace(real, endpoint)).unwrap();
        path.display().to_string()
    }
}

fn jdk(tool: &str) -> PathBuf {
    let home =
        std::env::var_os("JAVA_HOME").expect("JAVA_HOME: a JDK of at least 21, see `make test`");
    PathBuf::from(home).join("bin").join(tool)
}

/// The library that cargo built with this test, beside it.
fn library() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("libkestra_azure_batch.so")
}

fn line<'a>(text: &'a str, what: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(what))
        .unwrap_or_else(|| panic!("{what}: {text}"))
}

#[test]
fn refused_calls_are_one_of_two_exceptions_and_late_ones_are_nothing() {
    let text = Jvm::new().check(&["refusals"]);
    assert_eq!(
        line(&text, "unknown field -> ").split(',').next().unwrap(),
        "IllegalArgumentException: request: unknown field `poolId🚀\u{0}`"
    );
    assert!(line(&text, "null request -> ").starts_with("IllegalStateException: "), "{text}");
    assert_eq!(
        line(&text, "unknown run -> "),
        "IllegalStateException: run 4711 is unknown or closed"
    );
    assert_eq!(line(&text, "kill of an unknown run -> "), "nothing");
    assert_eq!(line(&text, "close of an unknown run -> "), "nothing");
}

#[test]
fn a_run_ends_with_an_outcome_and_can_be_closed_twice_and_killed_after() {
    let jvm = Jvm::new();
    let closed = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap()
    };
    let text = jvm.check(&["run", &jvm.request(&format!("http://{closed}"))]);
    let events: serde_json::Value = serde_json::from_str(line(&text, "outcome: ")).unwrap();
    let outcome = events.as_array().unwrap().last().unwrap();
    assert_eq!(outcome["status"], "failed");
    let message = outcome["message"].as_str().unwrap();
    assert!(
        message.starts_with("endpoint: ") && message.contains(&closed.to_string()),
        "{message}"
    );
    assert!(line(&text, "next after the end -> ").starts_with("IllegalStateException: "));
    assert!(line(&text, "next after close -> ").starts_with("IllegalStateException: "));
}

#[test]
fn next_gives_null_while_nothing_happens_and_a_kill_ends_the_run() {
    let jvm = Jvm::new();
    // It takes connections and never answers.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", mute.local_addr().unwrap());
    let text = jvm.check(&["silence", &jvm.request(&endpoint)]);
    assert_eq!(line(&text, "nothing yet -> "), "null");
    assert!(line(&text, "outcome: ").contains(r#""status":"killed""#), "{text}");
}

#[test]
fn two_class_loaders_of_one_jvm_each_load_the_library() {
    let text = Jvm::new().check(&["loaders"]);
    assert_eq!(text.matches("unknown run -> IllegalStateException").count(), 2, "{text}");
}
