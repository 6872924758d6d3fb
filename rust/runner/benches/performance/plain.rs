//! The plain way: loops over the same bytes that only put and get, and share no code with the library.
//! Each has a process of its own.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use azure_core::auth::Secret;
use azure_storage::shared_access_signature::SasToken;
use azure_storage::shared_access_signature::account_sas::{
    AccountSasPermissions, AccountSasResource, AccountSasResourceType, AccountSharedAccessSignature,
};
use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use futures::{StreamExt, stream};
use reqwest::header::RANGE;
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tokio::task::spawn_blocking;

use crate::azurite::{ACCOUNT, KEY};
use crate::files::Files;
use crate::services::{CONTAINER, Place};
use crate::{child, usage};

/// Of this size were the fastest transfers against Azurite, and these fill a path of 25 ms.
const BLOCK: u64 = 8 << 20;
const AT_ONCE: usize = 8;

#[derive(Clone, Copy, Deserialize, Serialize)]
enum Way {
    PutOneByOne,
    GetOneByOne,
    PutBlocks,
    GetRanges,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Question {
    way: Way,
    /// Of the container.
    url: String,
    files: Vec<PathBuf>,
    size: u64,
    /// Where files that come back are written.
    back: PathBuf,
}

/// What a way took.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(crate) struct Took {
    pub(crate) seconds: f64,
    pub(crate) cpu: f64,
}

impl Took {
    /// For so many times as much.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self { seconds: self.seconds * factor, cpu: self.cpu * factor }
    }
}

/// The first `count` of these files, one after the other, each in one request.
pub(crate) async fn put_one_by_one(place: &Place, files: &Files, count: usize) -> Took {
    ask(Way::PutOneByOne, place, files, count).await
}

/// The first `count` of the files that were put, one after the other.
pub(crate) async fn get_one_by_one(place: &Place, files: &Files, count: usize) -> Took {
    ask(Way::GetOneByOne, place, files, count).await
}

/// In blocks, several at once.
pub(crate) async fn put(place: &Place, files: &Files) -> Took {
    ask(Way::PutBlocks, place, files, files.count).await
}

/// In ranges, several at once.
pub(crate) async fn get(place: &Place, files: &Files) -> Took {
    ask(Way::GetRanges, place, files, files.count).await
}

async fn ask(way: Way, place: &Place, files: &Files, count: usize) -> Took {
    let question = Question {
        way,
        url: format!("{}/{CONTAINER}", place.blob),
        files: files.paths()[..count].to_vec(),
        size: files.size,
        back: files.back(),
    };
    child::ask("plain", &question).await
}

/// In the child.
pub(crate) fn measure(question: Question) -> Took {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let Question { way, url, files, size, back } = question;
    let plain = Plain { client, url, sas: sas(), size, back };
    let (start, cpu) = (Instant::now(), usage::cpu());
    runtime.block_on(async {
        match way {
            Way::PutOneByOne => plain.put_one_by_one(&files).await,
            Way::GetOneByOne => plain.get_one_by_one(&files).await,
            Way::PutBlocks => plain.put_blocks(&files).await,
            Way::GetRanges => plain.get_ranges(&files).await,
        }
    });
    Took { seconds: start.elapsed().as_secs_f64(), cpu: usage::cpu() - cpu }
}

struct Plain {
    client: Client,
    url: String,
    sas: String,
    size: u64,
    back: PathBuf,
}

impl Plain {
    async fn put_one_by_one(&self, files: &[PathBuf]) {
        for file in files {
            let body = tokio::fs::read(file).await.unwrap();
            let request = self.client.put(self.blob(file, ""));
            send(request.header("x-ms-blob-type", "BlockBlob").body(body)).await;
        }
    }

    async fn get_one_by_one(&self, files: &[PathBuf]) {
        for file in files {
            let body = send(self.client.get(self.blob(file, ""))).await;
            tokio::fs::write(self.back(file), body).await.unwrap();
        }
    }

    async fn put_blocks(&self, files: &[PathBuf]) {
        let blocks = files.iter().flat_map(|file| self.parts().map(move |start| (file, start)));
        stream::iter(blocks)
            .map(|(file, start)| self.put_block(file, start))
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
        for file in files {
            let ids: String =
                self.parts().map(|start| format!("<Latest>{}</Latest>", id(start))).collect();
            let list = format!("<?xml version=\"1.0\"?><BlockList>{ids}</BlockList>");
            send(self.client.put(self.blob(file, "comp=blocklist&")).body(list)).await;
        }
    }

    async fn get_ranges(&self, files: &[PathBuf]) {
        for file in files {
            let back = Arc::new(File::create(self.back(file)).unwrap());
            stream::iter(self.parts())
                .map(|start| self.get_range(file, start, Arc::clone(&back)))
                .buffer_unordered(AT_ONCE)
                .collect::<()>()
                .await;
        }
    }

    async fn get_range(&self, file: &Path, start: u64, back: Arc<File>) {
        let range = format!("bytes={start}-{}", start + self.length(start) - 1);
        let body = send(self.client.get(self.blob(file, "")).header(RANGE, range)).await;
        let writing = spawn_blocking(move || back.write_all_at(&body, start));
        writing.await.unwrap().unwrap();
    }

    async fn put_block(&self, file: &Path, start: u64) {
        let (path, length) = (file.to_owned(), self.length(start));
        let reading = spawn_blocking(move || {
            let mut body = vec![0; length as usize];
            File::open(path)?.read_exact_at(&mut body, start).map(|()| body)
        });
        let body = reading.await.unwrap().unwrap();
        let query = format!("comp=block&blockid={}&", id(start));
        send(self.client.put(self.blob(file, &query)).body(body)).await;
    }

    /// Where the parts of a file begin.
    fn parts(&self) -> impl Iterator<Item = u64> + use<> {
        (0..self.size).step_by(BLOCK as usize)
    }

    fn length(&self, start: u64) -> u64 {
        BLOCK.min(self.size - start)
    }

    fn back(&self, file: &Path) -> PathBuf {
        self.back.join(file.file_name().unwrap())
    }

    fn blob(&self, file: &Path, query: &str) -> String {
        let name = file.file_name().unwrap().to_str().unwrap();
        format!("{}/plain/{name}?{query}{}", self.url, self.sas)
    }
}

fn id(start: u64) -> String {
    // Of digits: nothing in it has to be escaped in a URL.
    BASE64_STANDARD.encode(format!("{start:012}"))
}

async fn send(request: RequestBuilder) -> Bytes {
    request.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap()
}

fn sas() -> String {
    AccountSharedAccessSignature::new(
        ACCOUNT.to_owned(),
        Secret::new(KEY),
        AccountSasResource::Blob,
        AccountSasResourceType::Object,
        OffsetDateTime::now_utc() + Duration::HOUR,
        AccountSasPermissions { read: true, write: true, create: true, ..Default::default() },
    )
    .token()
    .unwrap()
}
