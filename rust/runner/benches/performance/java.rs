//! Microsoft's Java SDK of Blob Storage, beside.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::azurite::{ACCOUNT, KEY};
use crate::files::Files;
use crate::plain::Took;
use crate::services::{CONTAINER, Place};

/// A JVM with the SDK on its class path.
pub(crate) struct Java {
    program: PathBuf,
    class_path: String,
}

impl Java {
    /// Fetches the SDK.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn find() -> Result<Self, String> {
        let target = root().join("build/bench/classpath");
        // Each time: what was fetched may be gone, or be another version.
        fetch(&target).await?;
        let class_path = fs::read_to_string(target).map_err(|error| error.to_string())?;
        Ok(Self { program: program().await?, class_path })
    }

    /// The first `count` of these files, one after the other, each with a signature of its own.
    pub(crate) async fn put_one_by_one(&self, place: &Place, files: &Files, count: usize) -> Took {
        let output = Command::new(&self.program)
            .args(["-cp", &self.class_path])
            .arg(directory().join("Upload.java"))
            .args([&place.blob, ACCOUNT, KEY, CONTAINER])
            .args(&files.paths()[..count])
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let numbers = text.split_whitespace().filter_map(|number| number.parse().ok());
        match numbers.collect::<Vec<f64>>()[..] {
            [seconds, cpu] => Took { seconds, cpu },
            _ => panic!("Upload.java: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

async fn fetch(target: &Path) -> Result<(), String> {
    let output = Command::new(root().join("scripts/gradle"))
        .arg("-p")
        .arg(directory())
        .arg(format!("-Ptarget={}", target.display()))
        .arg("classpath")
        .kill_on_drop(true)
        .output()
        .await;
    match output {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err("the Java SDK of Blob Storage could not be fetched".to_owned()),
    }
}

async fn program() -> Result<PathBuf, String> {
    let output = Command::new(root().join("scripts/find-jdk")).output().await;
    match output {
        Ok(output) if output.status.success() => {
            let home = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Ok(Path::new(&home).join("bin/java"))
        }
        _ => Err("there is no JDK for the Java SDK of Blob Storage".to_owned()),
    }
}

fn root() -> PathBuf {
    // Without dots: Gradle's output shows it.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/performance/java")
}
