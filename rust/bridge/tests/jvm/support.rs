//! A JVM, and what it is told to run.

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const REQUEST: &str = include_str!("../../../../tests/fixtures/request.json");

/// A JVM with the library on its class path, as in the jar. `-Xcheck:jni` only prints its findings, so the JVM is a
/// child process whose output is looked at.
pub(crate) struct Jvm {
    class_path: tempfile::TempDir,
    arguments: Vec<&'static str>,
}

impl Jvm {
    pub(crate) fn new() -> Self {
        let class_path = tempfile::tempdir().unwrap();
        let native = class_path.path().join(format!("native/linux-{ARCH}"));
        std::fs::create_dir_all(&native).unwrap();
        std::fs::copy(
            built("deps/libkestra_azure_batch.so"),
            native.join("libkestra_azure_batch.so"),
        )
        .unwrap();
        let jvm = Self { class_path, arguments: Vec::new() };
        jvm.compile();
        jvm
    }

    /// With more arguments of `java`.
    pub(crate) fn with(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }

    fn compile(&self) {
        let bridge = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checks = bridge.join("tests/java").read_dir().unwrap().map(|file| file.unwrap().path());
        let javac = Command::new(jdk("javac"))
            .arg("-d")
            .arg(self.class_path.path())
            // Of the plugin's classes it compiles those that the checks need.
            .arg("-sourcepath")
            .arg(bridge.join("../../java/src/main/java"))
            .args(checks)
            .output()
            .unwrap();
        assert!(javac.status.success(), "{}", String::from_utf8_lossy(&javac.stderr));
    }

    /// Runs a scenario of a class in `tests/java` to its end. Fails where it does not end well or JNI was misused.
    pub(crate) fn check(&self, class: &str, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = Command::new(jdk("java"))
            // Whatever the locale is.
            .args(["-Xcheck:jni", "--enable-native-access=ALL-UNNAMED", "-Dstdout.encoding=UTF-8"])
            .args(&self.arguments)
            .arg("-cp")
            .arg(self.class_path.path())
            .arg(format!("io.kestra.plugin.azure.runner.{class}"))
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
        assert!(status.success() && text.contains("\ndone\n"), "{text}");
        assert!(!text.contains("WARNING"), "{text}");
        text.into_owned()
    }

    /// Puts a request where the JVM can read it.
    pub(crate) fn file(&self, request: &Value) -> String {
        let path = self.class_path.path().join("request.json");
        std::fs::write(&path, request.to_string()).unwrap();
        path.display().to_string()
    }
}

/// The request that both sides' tests read, with another endpoint.
pub(crate) fn request(endpoint: &str) -> Value {
    let mut request: Value = serde_json::from_str(REQUEST).unwrap();
    request["endpoint"] = endpoint.into();
    request
}

fn jdk(tool: &str) -> PathBuf {
    let home =
        std::env::var_os("JAVA_HOME").expect("JAVA_HOME: a JDK of at least 21, see `make test`");
    PathBuf::from(home).join("bin").join(tool)
}

/// What cargo built, by its path below `target/debug`.
pub(crate) fn built(path: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join(path)
}

/// The rest of the line that begins so.
pub(crate) fn line<'a>(text: &'a str, what: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(what))
        .unwrap_or_else(|| panic!("{what}: {text}"))
}
