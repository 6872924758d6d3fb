//! Many small files to and from Azurite: all at once against one by one, in turns, as a ratio.
//!
//! `make bench`. Azurite is one Node.js thread and the ceiling here; the ratio says what is gained, not how
//! fast Azure is.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark")]

#[path = "../tests/rest/azurite.rs"]
mod azurite;
#[path = "../tests/rest/files.rs"]
mod files;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use azure::blob::BlobContainer;
use azurite::Azurite;
use files::{get_file, put_file};
use futures::{StreamExt, TryStreamExt, stream};

const FILES: usize = 500;
const BYTES: usize = 4 * 1024;
const ROUNDS: usize = 5;
/// As the runner does it.
const AT_ONCE: usize = 32;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let azurite = Azurite::start().await;
    let container = azurite.create_container("bench").await;
    let directory = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..FILES).map(|n| directory.path().join(n.to_string())).collect();
    files.iter().for_each(|file| std::fs::write(file, vec![7; BYTES]).unwrap());
    let mut ratios = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        let up = ratio(async |n| put(&container, &files, n).await).await;
        let down = ratio(async |n| get(&container, directory.path(), n).await).await;
        // The first round warms up.
        if round > 0 {
            ratios[0].push(up);
            ratios[1].push(down);
        }
    }
    for (what, ratios) in ["uploads", "downloads"].iter().zip(&mut ratios) {
        ratios.sort_by(f64::total_cmp);
        let (least, median, most) = (ratios[0], ratios[ROUNDS / 2], ratios[ROUNDS - 1]);
        println!(
            "{FILES} {what} of {BYTES} bytes, {AT_ONCE} at once against one by one: {median:.1} times as fast (median of {ROUNDS}; {least:.1} to {most:.1})"
        );
    }
}

async fn ratio(transfer: impl AsyncFn(usize) -> Duration) -> f64 {
    let one_by_one = transfer(1).await;
    one_by_one.as_secs_f64() / transfer(AT_ONCE).await.as_secs_f64()
}

async fn put(container: &BlobContainer, files: &[PathBuf], at_once: usize) -> Duration {
    let start = Instant::now();
    let numbered = files.iter().enumerate();
    stream::iter(numbered)
        .map(
            |(n, file)| async move { put_file(container, &format!("f/{n}"), file).await.map(drop) },
        )
        .buffer_unordered(at_once)
        .try_collect::<()>()
        .await
        .unwrap();
    start.elapsed()
}

async fn get(container: &BlobContainer, directory: &Path, at_once: usize) -> Duration {
    let start = Instant::now();
    stream::iter(0..FILES)
        .map(|n| async move {
            let to = directory.join(n.to_string());
            get_file(container, &format!("f/{n}"), BYTES as u64, &to).await.map(drop)
        })
        .buffer_unordered(at_once)
        .try_collect::<()>()
        .await
        .unwrap();
    start.elapsed()
}
