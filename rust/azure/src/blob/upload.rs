//! Blobs from memory and from files.

use super::{
    BlobContainer, Version,
    in_flight::{Reserved, STREAM},
    ranges::{LEAST_BLOCK, PARTS_AT_ONCE, blocks},
    sas::SasPermissions,
    transport::from_azure,
};
use crate::{Error, Result, blocking, pace::Pace};
use azure_core::request_options::IfMatchCondition;
use azure_storage_blobs::{
    blob::{
        BlobBlockType, BlockList,
        operations::{PutBlockBlobBuilder, PutBlockBlobResponse},
    },
    prelude::BlockId,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use std::{
    io,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// So many bytes of a file are read at once while it is sent. Larger pieces save no time.
const PIECE: u64 = 256 * 1024;

/// A file on its way to a blob.
pub trait Source: Send + Sync + 'static {
    /// Reads exactly so many bytes, from a position on. It is called again for each attempt, so that nothing is held in
    /// memory while a request waits to be made again, and on a thread that may wait for a disk.
    ///
    /// # Errors
    /// That the file cannot be read, or has become shorter.
    fn read(&self, start: u64, size: u64) -> io::Result<Vec<u8>>;

    /// So many bytes more are on their way. What has to be sent again does not count again.
    fn sent(&self, _bytes: u64) {}
}

impl<F: Fn(u64, u64) -> io::Result<Vec<u8>> + Send + Sync + 'static> Source for F {
    fn read(&self, start: u64, size: u64) -> io::Result<Vec<u8>> {
        self(start, size)
    }
}

impl BlobContainer {
    /// Writes a blob, over whatever was there.
    ///
    /// [Put Blob](https://learn.microsoft.com/rest/api/storageservices/put-blob)
    ///
    /// # Errors
    /// A `Configuration` error for a name that cannot be stored, and what the service refuses.
    pub async fn put_bytes(&self, name: &str, body: Bytes) -> Result<()> {
        let request = self.blob(name)?.put_block_blob(body);
        self.put(name, request).await.map(drop)
    }

    /// Writes a blob if it is still at `version`, or where that is None, if there is no such blob. Returns the version
    /// that it is at then. None: it is at another one, or gone. After a lost reply that other may be this write's own.
    ///
    /// [Conditional headers](https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations)
    ///
    /// # Errors
    /// Those of `put_bytes`.
    pub async fn put_bytes_if(
        &self,
        name: &str,
        body: Bytes,
        version: Option<&Version>,
    ) -> Result<Option<Version>> {
        let condition = match version {
            Some(Version(etag)) => IfMatchCondition::Match(etag.clone()),
            None => IfMatchCondition::NotMatch("*".to_owned()),
        };
        let request = self.blob(name)?.put_block_blob(body).if_match(condition);
        match self.put(name, request).await {
            Ok(written) => Ok(Some(Version(written.etag))),
            Err(error) if error.has_code(&["ConditionNotMet", "BlobAlreadyExists"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, name: &str, request: PutBlockBlobBuilder) -> Result<PutBlockBlobResponse> {
        let action = format!("write blob '{name}'");
        let attempt = || {
            let request = request.clone();
            self.write(async { request.await.map_err(from_azure) })
        };
        self.run(&action, attempt).await
    }

    /// Writes a file of `size` bytes to a blob. A large file is sent in blocks, several at once, each of which is read
    /// while it is sent.
    ///
    /// [Put Block](https://learn.microsoft.com/rest/api/storageservices/put-block),
    /// [Put Block List](https://learn.microsoft.com/rest/api/storageservices/put-block-list)
    ///
    /// # Errors
    /// A `Local` error where the file cannot be read or is too large, and the errors of `put_bytes`.
    pub async fn put_file(&self, name: &str, size: u64, source: Arc<dyn Source>) -> Result<()> {
        if size <= LEAST_BLOCK {
            self.put_whole(name, size, source).await
        } else {
            self.put_blocks(name, size, source).await
        }
    }

    async fn put_whole(&self, name: &str, size: u64, source: Arc<dyn Source>) -> Result<()> {
        let blob = self.blob(name)?;
        let action = format!("write blob '{name}'");
        let attempt = async || {
            let reserved = Arc::new(self.share().reserve(size).await);
            // Read before it is a write: a kill waits for writes, and for no disk.
            let body = read(&source, 0, size, &reserved).await?;
            let request = blob.put_block_blob(body);
            self.write(async {
                let written = request.await.map_err(from_azure);
                drop(reserved);
                written
            })
            .await
        };
        self.run(&action, attempt).await.map(drop)
    }

    async fn put_blocks(&self, name: &str, size: u64, source: Arc<dyn Source>) -> Result<()> {
        let blocks = blocks(size)?;
        stream::iter(blocks.clone().enumerate())
            .map(|(number, block)| self.put_block(name, number, block, Arc::clone(&source)))
            .buffer_unordered(PARTS_AT_ONCE)
            .try_collect::<()>()
            .await?;
        // Latest and not Uncommitted: after a lost reply the blocks are committed already.
        let ids = blocks.enumerate().map(|(number, _)| BlockId::new(block_id(number)));
        let blocks = ids.map(BlobBlockType::Latest).collect();
        let request = self.blob(name)?.put_block_list(BlockList { blocks });
        let action = format!("put the blocks of blob '{name}' together");
        let attempt = || {
            let request = request.clone();
            self.write(async { request.await.map_err(from_azure) })
        };
        self.run(&action, attempt).await.map(drop)
    }

    /// No [`write`](Self::write): a block that arrives late is part of no blob.
    async fn put_block(
        &self,
        name: &str,
        number: usize,
        block: Range<u64>,
        source: Arc<dyn Source>,
    ) -> Result<()> {
        let action = format!("write a block of blob '{name}'");
        let id = BASE64_STANDARD.encode(block_id(number));
        // How far any attempt has come.
        let reached = Arc::new(AtomicU64::new(block.start));
        let attempt = async || {
            let mut own = self.own(Some(name), SasPermissions::WRITE).await?;
            own.url.query_pairs_mut().append_pair("comp", "block").append_pair("blockid", &id);
            let reserved = Arc::new(self.share().reserve(STREAM).await);
            let pieces = Pieces {
                source: Arc::clone(&source),
                rest: block.clone(),
                reached: Arc::clone(&reached),
                reserved: Arc::clone(&reserved),
            };
            let length = block.end - block.start;
            let written = self.transport().put(own, length, |pace| pieces.stream(pace)).await;
            drop(reserved);
            written
        };
        self.run(&action, attempt).await
    }
}

/// All ids of a blob must be of the same length.
fn block_id(number: usize) -> String {
    format!("{number:08}")
}

/// A block on its way: what is left to be read of it.
struct Pieces {
    source: Arc<dyn Source>,
    rest: Range<u64>,
    reached: Arc<AtomicU64>,
    reserved: Arc<Reserved>,
}

impl Pieces {
    /// Reads the next piece when the one before is on its way.
    fn stream(self, pace: Pace) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        stream::try_unfold(self, move |pieces| {
            pace.restart();
            pieces.next()
        })
    }

    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        let (start, end) = (self.rest.start, self.rest.end.min(self.rest.start + PIECE));
        if start == end {
            return Ok(None);
        }
        let body = read(&self.source, start, end - start, &self.reserved).await?;
        self.rest.start = end;
        let before = self.reached.fetch_max(end, Relaxed);
        self.source.sent(end.saturating_sub(before));
        Ok(Some((body, self)))
    }
}

/// Reads a part of a file. Its room is held for as long as the disk takes.
async fn read(
    source: &Arc<dyn Source>,
    start: u64,
    size: u64,
    reserved: &Arc<Reserved>,
) -> Result<Bytes> {
    let (source, reserved) = (Arc::clone(source), Arc::clone(reserved));
    let reading = blocking::begin(move || {
        let _reserved = reserved;
        source.read(start, size)
    });
    let read = reading.await.await.map_err(io::Error::other).flatten().map(Bytes::from);
    read.map_err(|error| Error::local(format!("the file cannot be read: {error}")))
}
