//! Blobs from memory and from files.

use super::{BlobContainer, Version, in_flight::Reserved, transport::from_azure};
use crate::{Error, Result};
use azure_core::request_options::IfMatchCondition;
use azure_storage_blobs::{
    blob::{
        BlobBlockType, BlockList,
        operations::{PutBlockBlobBuilder, PutBlockBlobResponse},
    },
    prelude::BlockId,
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use std::{io, sync::Arc};

/// A file up to this size is sent in one piece, a larger one in blocks of this size.
const BLOCK_SIZE: u64 = 4 * 1024 * 1024;

/// Blocks of a blob at most: [Put Block List](https://learn.microsoft.com/rest/api/storageservices/put-block-list)
const MAX_BLOCKS: u64 = 50_000;

/// A container's share of the bytes in flight. Blocks of this size make a file of 781 GiB.
const MAX_BLOCK_SIZE: u64 = 16 * 1024 * 1024;

/// Blocks of one file on their way at once.
const BLOCKS_AT_ONCE: usize = 4;

/// Reads exactly so many bytes of a file, from a position on. It is called again for each attempt, so that nothing is
/// held in memory while a request waits to be made again, and on a thread that may wait for a disk.
pub type ReadPart = dyn Fn(u64, u64) -> io::Result<Vec<u8>> + Send + Sync;

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

    /// Writes a file of `size` bytes to a blob. A large file is sent block by block, and never held in memory as a
    /// whole.
    ///
    /// [Put Block](https://learn.microsoft.com/rest/api/storageservices/put-block),
    /// [Put Block List](https://learn.microsoft.com/rest/api/storageservices/put-block-list)
    ///
    /// # Errors
    /// A `Local` error where the file cannot be read or is too large, and the errors of `put_bytes`.
    pub async fn put_file(&self, name: &str, size: u64, read: Arc<ReadPart>) -> Result<()> {
        if size <= BLOCK_SIZE {
            self.put_whole(name, size, read).await
        } else {
            self.put_blocks(name, size, read).await
        }
    }

    async fn put_whole(&self, name: &str, size: u64, read: Arc<ReadPart>) -> Result<()> {
        let blob = self.blob(name)?;
        let action = format!("write blob '{name}'");
        let attempt = async || {
            let Part { body, reserved } = self.read_part(Arc::clone(&read), 0, size).await?;
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

    async fn put_blocks(&self, name: &str, size: u64, read: Arc<ReadPart>) -> Result<()> {
        let blocks = blocks(size)?;
        stream::iter(blocks.clone())
            .map(|block| self.put_block(name, block, Arc::clone(&read)))
            .buffer_unordered(BLOCKS_AT_ONCE)
            .try_collect::<()>()
            .await?;
        // Latest and not Uncommitted: after a lost reply the blocks are committed already.
        let blocks = blocks.into_iter().map(|block| BlobBlockType::Latest(block.id)).collect();
        let request = self.blob(name)?.put_block_list(BlockList { blocks });
        let action = format!("put the blocks of blob '{name}' together");
        let attempt = || {
            let request = request.clone();
            self.write(async { request.await.map_err(from_azure) })
        };
        self.run(&action, attempt).await.map(drop)
    }

    /// No [`write`](Self::write): a block that arrives late is part of no blob.
    async fn put_block(&self, name: &str, block: Block, read: Arc<ReadPart>) -> Result<()> {
        let blob = self.blob(name)?;
        let action = format!("write a block of blob '{name}'");
        let attempt = async || {
            let Part { body, reserved } =
                self.read_part(Arc::clone(&read), block.start, block.size).await?;
            let written = blob.put_block(block.id.clone(), body).await.map_err(from_azure);
            drop(reserved);
            written
        };
        self.run(&action, attempt).await.map(drop)
    }

    async fn read_part(&self, read: Arc<ReadPart>, start: u64, size: u64) -> Result<Part> {
        let reserved = self.share().reserve(size).await;
        let reading = tokio::task::spawn_blocking(move || {
            let body = Bytes::from(read(start, size)?);
            Ok(Part { body, reserved })
        });
        let part: io::Result<Part> = reading.await.map_err(io::Error::other).flatten();
        part.map_err(|error| Error::local(format!("the file cannot be read: {error}")))
    }
}

/// A part of a file in memory.
struct Part {
    body: Bytes,
    reserved: Reserved,
}

/// A part of a file on its way to become a block of a blob.
#[derive(Clone, Debug)]
struct Block {
    id: BlockId,
    start: u64,
    size: u64,
}

/// The blocks of a file. All ids of a blob must be of the same length.
fn blocks(size: u64) -> Result<Vec<Block>> {
    let block_size = BLOCK_SIZE.max(size.div_ceil(MAX_BLOCKS));
    if block_size > MAX_BLOCK_SIZE {
        let most = (MAX_BLOCKS * MAX_BLOCK_SIZE) >> 30;
        return Err(Error::local(format!(
            "a file of {} GiB is too large, {most} GiB are the most",
            size >> 30
        )));
    }
    let block = |number| {
        let start = number * block_size;
        let id = BlockId::new(format!("{number:08}"));
        Block { id, start, size: block_size.min(size - start) }
    };
    Ok((0..size.div_ceil(block_size)).map(block).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_a_file_without_gaps() {
        let largest = MAX_BLOCKS * MAX_BLOCK_SIZE;
        for size in [BLOCK_SIZE + 1, 3 * BLOCK_SIZE, MAX_BLOCKS * BLOCK_SIZE + 7, largest] {
            let blocks = blocks(size).unwrap();
            assert!(blocks.len() as u64 <= MAX_BLOCKS);
            let end = blocks.iter().fold(0, |end, block| {
                assert_eq!((block.start, block.id.bytes().len()), (end, 8));
                end + block.size
            });
            assert_eq!(end, size);
        }
        let error = blocks(largest + 1).unwrap_err().to_string();
        assert_eq!(error, "a file of 781 GiB is too large, 781 GiB are the most");
    }
}
