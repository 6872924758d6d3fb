//! Files to blobs and back, as the runner does it.

use azure::{Result, blob::BlobContainer};
use std::{fs::File, os::unix::fs::FileExt, path::Path, sync::Arc};

pub(crate) async fn put_file(container: &BlobContainer, name: &str, path: &Path) -> Result<u64> {
    let file = File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    let read = move |start, size| {
        let mut bytes = vec![0; usize::try_from(size).unwrap()];
        file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    };
    container.put_file(name, size, Arc::new(read)).await?;
    Ok(size)
}

/// A blob that a list said has `size` bytes.
pub(crate) async fn get_file(
    container: &BlobContainer,
    name: &str,
    size: u64,
    path: &Path,
) -> Result<()> {
    let file = File::create(path).unwrap();
    let write = move |position, bytes: &[u8]| file.write_all_at(bytes, position);
    container.get_file(name, size, Arc::new(write)).await
}
