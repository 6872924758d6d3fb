//! Blobs to files: in several ranges at once, each written at its place while it comes.

use super::{
    BlobContainer,
    download::{not_a_part, range_headers},
    in_flight::{Reserved, STREAM},
    ranges::{PARTS_AT_ONCE, ranges},
    sas::SasPermissions,
};
use crate::{Error, Result, blocking, exchange::Incoming};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::try_join, stream};
use reqwest::{
    StatusCode,
    header::{ETAG, HeaderValue},
};
use std::{
    io,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::{
    sync::{Mutex, SetOnce},
    task::JoinHandle,
};

/// So many bytes of a range go to the disk together.
const PIECE: u64 = 512 * 1024;

/// Writes these bytes of a file at a position, on a thread that may wait for a disk. One is under way at a time, and no byte
/// is written twice.
pub type WriteAt = dyn Fn(u64, &[u8]) -> io::Result<()> + Send + Sync;

impl BlobContainer {
    /// Downloads a blob that has `size` bytes, as a list said, in one version of it.
    ///
    /// [Get Blob](https://learn.microsoft.com/rest/api/storageservices/get-blob)
    ///
    /// # Errors
    /// `BlobNotFound` (404), a `Local` error where the file cannot be written, a `Protocol` error where the blob is
    /// longer or shorter, and others.
    pub async fn get_file(&self, name: &str, size: u64, write: Arc<WriteAt>) -> Result<()> {
        let (version, disk) = (SetOnce::new(), Arc::new(Mutex::new(write)));
        let fetch = Fetch { container: self, name, size, version, disk };
        let mut ranges = ranges(size);
        let first = fetch.range(ranges.next().unwrap_or_default());
        let others = async {
            fetch.version.wait().await;
            let others = stream::iter(ranges).map(|range| fetch.range(range));
            others.buffer_unordered(PARTS_AT_ONCE - 1).try_collect::<()>().await
        };
        try_join(first, others).await.map(drop)
    }
}

/// A blob on its way to a file.
struct Fetch<'a> {
    container: &'a BlobContainer,
    name: &'a str,
    size: u64,
    /// The ETag that the first answer names, if it names one. The other ranges wait for it.
    version: SetOnce<Option<HeaderValue>>,
    disk: Arc<Disk>,
}

/// One write of a file at a time: the system does no more of them at once either, and two that wait for each other there
/// take a thread each, and all of its time.
type Disk = Mutex<Arc<WriteAt>>;

impl Fetch<'_> {
    /// Brings one range. What is written of it is not asked for again.
    async fn range(&self, range: Range<u64>) -> Result<()> {
        let (action, written) = (format!("read blob '{}'", self.name), AtomicU64::new(range.start));
        let attempt = || self.attempt(&written, range.end);
        self.container.run(&action, attempt).await?;
        // The last range asks for a byte that should not be there.
        let is_complete = written.into_inner() == range.end.min(self.size);
        if is_complete { Ok(()) } else { Err(self.has_another_size()) }
    }

    async fn attempt(&self, written: &AtomicU64, end: u64) -> Result<()> {
        let start = written.load(Relaxed);
        let reserved = self.container.share().reserve((end - start).min(STREAM)).await;
        let Some(mut body) = self.open(start..end).await? else { return Ok(()) };
        let mut writer = Writer::new(Arc::clone(&self.disk), start, reserved);
        let received = self.receive(&mut body, &mut writer, end).await;
        written.store(writer.finish().await?, Relaxed);
        received
    }

    /// The answer for a range. None: it begins where the blob ends.
    async fn open(&self, range: Range<u64>) -> Result<Option<Incoming>> {
        let version = self.version.get().cloned().flatten();
        let headers = range_headers(range.start, range.end - range.start, version.as_ref())?;
        let mut own = self.container.own(Some(self.name), SasPermissions::READ).await?;
        own.headers.extend(headers);
        let answer = match self.container.transport().open(own).await {
            Err(error) if error.status() == Some(416) => return Ok(None),
            answer => answer?,
        };
        if range.start > 0 && answer.status() != StatusCode::PARTIAL_CONTENT {
            return Err(not_a_part());
        }
        // It is set already where the first range is asked for again.
        let _ = self.version.set(answer.headers().get(ETAG).cloned());
        Ok(Some(answer))
    }

    async fn receive(&self, body: &mut Incoming, writer: &mut Writer, end: u64) -> Result<()> {
        while let Some(chunk) = body.next().await? {
            let next = writer.next() + chunk.len() as u64;
            if next > end {
                return Err(Error::protocol("the answer is longer than the range asked for"));
            }
            if next > self.size {
                return Err(self.has_another_size());
            }
            writer.push(chunk).await?;
        }
        Ok(())
    }

    fn has_another_size(&self) -> Error {
        let Self { name, size, .. } = self;
        Error::protocol(format!("blob '{name}' has not the {size} bytes that the list said"))
    }
}

/// Writes what comes of a range: one piece is gathered while the one before it goes to the disk.
struct Writer {
    disk: Arc<Disk>,
    gathered: Vec<Bytes>,
    length: u64,
    /// Where the gathered bytes belong.
    position: u64,
    /// Ends at `position`.
    under_way: Option<JoinHandle<io::Result<()>>>,
    /// Also held by each write: it may go on when this is dropped.
    reserved: Arc<Reserved>,
}

impl Writer {
    fn new(disk: Arc<Disk>, position: u64, reserved: Reserved) -> Self {
        let reserved = Arc::new(reserved);
        Self { disk, gathered: Vec::new(), length: 0, position, under_way: None, reserved }
    }

    /// Where the next bytes belong.
    fn next(&self) -> u64 {
        self.position + self.length
    }

    async fn push(&mut self, chunk: Bytes) -> Result<()> {
        self.length += chunk.len() as u64;
        self.gathered.push(chunk);
        if self.length >= PIECE { self.write().await } else { Ok(()) }
    }

    /// Writes the rest. Returns the position behind the last byte.
    async fn finish(&mut self) -> Result<u64> {
        if self.length > 0 {
            self.write().await?;
        }
        self.written().await?;
        Ok(self.position)
    }

    /// Begins to write what is gathered.
    async fn write(&mut self) -> Result<()> {
        self.written().await?;
        let (gathered, start) = (std::mem::take(&mut self.gathered), self.position);
        let (write, reserved) = (self.disk.clone().lock_owned().await, self.reserved.clone());
        self.position += std::mem::take(&mut self.length);
        let writing = blocking::begin(move || {
            let _reserved = reserved;
            gathered.into_iter().try_fold(start, |position, bytes| {
                write(position, &bytes).map(|()| position + bytes.len() as u64)
            })?;
            Ok(())
        });
        self.under_way = Some(writing.await);
        Ok(())
    }

    /// Waits for the write under way.
    async fn written(&mut self) -> Result<()> {
        let Some(write) = self.under_way.take() else { return Ok(()) };
        let written = write.await.map_err(io::Error::other).flatten();
        written.map_err(|error| Error::local(format!("the file cannot be written: {error}")))
    }
}
