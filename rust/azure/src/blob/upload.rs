//! Blobs from memory and from files.

use super::{BlobContainer, transport::from_azure};
use crate::{Error, Result};
use azure_storage_blobs::{
    blob::{BlobBlockType, BlockList},
    prelude::{BlobClient, BlockId},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use std::{io::SeekFrom, path::Path};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};

/// A file up to this size is sent in one piece, a larger one in blocks of this size.
const BLOCK_SIZE: u64 = 8 * 1024 * 1024;

/// Blocks of a blob at most: [Put Block List](https://learn.microsoft.com/rest/api/storageservices/put-block-list)
const MAX_BLOCKS: u64 = 50_000;

/// Blocks on their way at once, and in memory.
const BLOCKS_AT_ONCE: usize = 4;

impl BlobContainer {
    /// Writes a blob, over whatever was there.
    ///
    /// [Put Blob](https://learn.microsoft.com/rest/api/storageservices/put-blob)
    ///
    /// # Errors
    /// A `Configuration` error for a name that cannot be stored, and what the service refuses.
    pub async fn put_bytes(&self, name: &str, body: Bytes) -> Result<()> {
        let request = self.blob(name)?.put_block_blob(body);
        let action = format!("write blob '{name}'");
        let put = self.run(&action, || async { request.clone().await.map_err(from_azure) });
        put.await.map(drop)
    }

    /// Writes a file to a blob and returns its size in bytes. A large file is sent block by
    /// block, four at a time, and never held in memory as a whole.
    ///
    /// [Put Block](https://learn.microsoft.com/rest/api/storageservices/put-block),
    /// [Put Block List](https://learn.microsoft.com/rest/api/storageservices/put-block-list)
    ///
    /// # Errors
    /// A `Local` error where the file cannot be read, and the errors of `put_bytes`.
    pub async fn put_file(&self, name: &str, path: &Path) -> Result<u64> {
        let size =
            tokio::fs::metadata(path).await.map_err(|error| cannot_read(path, &error))?.len();
        if size <= BLOCK_SIZE {
            self.put_bytes(name, read_part(path, 0, size).await?).await?;
        } else {
            self.put_blocks(name, path, size).await?;
        }
        Ok(size)
    }

    async fn put_blocks(&self, name: &str, path: &Path, size: u64) -> Result<()> {
        let blob = self.blob(name)?;
        let blocks = blocks(size);
        stream::iter(blocks.clone())
            .map(|block| self.put_block(&blob, path, block))
            .buffer_unordered(BLOCKS_AT_ONCE)
            .try_collect::<()>()
            .await?;
        // Latest and not Uncommitted: after a lost reply the blocks are committed already.
        let blocks = blocks.into_iter().map(|block| BlobBlockType::Latest(block.id)).collect();
        let request = blob.put_block_list(BlockList { blocks });
        let action = format!("put the blocks of blob '{name}' together");
        let put = self.run(&action, || async { request.clone().await.map_err(from_azure) });
        put.await.map(drop)
    }

    async fn put_block(&self, blob: &BlobClient, path: &Path, block: Block) -> Result<()> {
        let body = read_part(path, block.start, block.size).await?;
        let request = blob.put_block(block.id, body);
        let action = format!("write a block of blob '{}'", blob.blob_name());
        let put = self.run(&action, || async { request.clone().await.map_err(from_azure) });
        put.await.map(drop)
    }
}

/// A part of a file on its way to become a block of a blob.
#[derive(Clone, Debug)]
struct Block {
    id: BlockId,
    start: u64,
    size: u64,
}

/// The blocks of a file. All ids of a blob must be of the same length.
fn blocks(size: u64) -> Vec<Block> {
    let block_size = BLOCK_SIZE.max(size.div_ceil(MAX_BLOCKS));
    (0..size.div_ceil(block_size))
        .map(|number| {
            let start = number * block_size;
            let id = BlockId::new(format!("{number:08}"));
            Block { id, start, size: block_size.min(size - start) }
        })
        .collect()
}

/// Reads exactly `size` bytes: a file that shrinks meanwhile is an error, not a shorter blob.
async fn read_part(path: &Path, start: u64, size: u64) -> Result<Bytes> {
    let read = async {
        let mut file = File::open(path).await?;
        file.seek(SeekFrom::Start(start)).await?;
        let mut part = vec![0; usize::try_from(size).map_err(std::io::Error::other)?];
        file.read_exact(&mut part).await?;
        Ok(part.into())
    };
    read.await.map_err(|error| cannot_read(path, &error))
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Error {
    Error::local(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_a_file_without_gaps() {
        for size in [BLOCK_SIZE + 1, 3 * BLOCK_SIZE, MAX_BLOCKS * BLOCK_SIZE + 7] {
            let blocks = blocks(size);
            assert!(blocks.len() as u64 <= MAX_BLOCKS);
            let end = blocks.iter().fold(0, |end, block| {
                assert_eq!((block.start, block.id.bytes().len()), (end, 8));
                end + block.size
            });
            assert_eq!(end, size);
        }
    }
}
