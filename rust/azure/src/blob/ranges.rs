//! How a file is cut into parts that travel at once.

use crate::{Error, Result};
use std::ops::Range;

const MIB: u64 = 1024 * 1024;

/// Parts of one file on their way at once: as many as a container's share of the bytes in flight has room for. With a
/// round trip of 25 ms eight of them take twice as long.
pub(super) const PARTS_AT_ONCE: usize = 16;

/// A file up to this size is sent in one piece, a larger one in blocks of this size at least.
pub(super) const LEAST_BLOCK: u64 = 4 * MIB;

/// A block that is lost is sent again as a whole.
const MOST_BLOCK: u64 = 16 * MIB;

/// Blocks of a blob at most: [Put Block List](https://learn.microsoft.com/rest/api/storageservices/put-block-list)
const MAX_BLOCKS: u64 = 50_000;

/// A blob up to this size is read in one piece, a larger one in ranges of this size. A connection that breaks costs
/// only what it has not brought.
const RANGE: u64 = 16 * MIB;

/// The ranges of a blob that should have `size` bytes, without its end: the last one asks for a byte more, and so a
/// longer blob is told from one that ends there.
pub(super) fn ranges(size: u64) -> impl Iterator<Item = Range<u64>> + Send {
    let last = size.saturating_sub(1) / RANGE;
    (0..=last).map(move |number| {
        let end = if number == last { size.saturating_add(1) } else { (number + 1) * RANGE };
        number * RANGE..end
    })
}

/// The blocks of a file: enough of them to keep all connections busy, and not more than they have to be.
pub(super) fn blocks(size: u64) -> Result<impl Iterator<Item = Range<u64>> + Clone + Send> {
    let at_once = size.div_ceil(PARTS_AT_ONCE as u64).next_multiple_of(MIB);
    let block = at_once.clamp(LEAST_BLOCK, MOST_BLOCK);
    let count = size.div_ceil(block);
    if count > MAX_BLOCKS {
        let most = (MAX_BLOCKS * MOST_BLOCK) >> 30;
        let reason = format!("a file of {} GiB is too large, {most} GiB are the most", size >> 30);
        return Err(Error::local(reason));
    }
    Ok((0..count).map(move |number| number * block..size.min((number + 1) * block)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LARGEST: u64 = MAX_BLOCKS * MOST_BLOCK;

    proptest! {
        #[test]
        fn blocks_cover_a_file_without_gaps_or_overlap(
            size in prop_oneof![
                1..4 * LEAST_BLOCK,
                (1..40_u64).prop_map(|n| n * LEAST_BLOCK),
                0..LARGEST,
                LARGEST - 5..=LARGEST,
            ],
        ) {
            let (mut count, mut sizes) = (0, std::collections::BTreeSet::new());
            let end = blocks(size).unwrap().try_fold(0, |end, block| {
                count += 1;
                sizes.insert(block.end - block.start);
                (block.start == end && !block.is_empty()).then_some(block.end)
            });
            prop_assert_eq!(end, Some(size));
            prop_assert!(count <= MAX_BLOCKS && sizes.len() <= 2 && sizes.iter().all(|size| *size <= MOST_BLOCK));
        }

        #[test]
        fn ranges_cover_a_blob_and_a_byte_more_without_gaps(
            size in prop_oneof![0..40 * RANGE, (0..40_u64).prop_map(|n| n * RANGE), 0..100_u64],
        ) {
            let end = ranges(size).try_fold(0, |end, range| {
                let fits = range.start == end && !range.is_empty() && range.end - range.start <= RANGE + 1;
                fits.then_some(range.end)
            });
            prop_assert_eq!(end, Some(size + 1));
        }
    }

    #[test]
    fn a_file_of_too_many_blocks_is_refused_in_words() {
        let error = blocks(LARGEST + 1).err().unwrap().to_string();
        assert_eq!(error, "a file of 781 GiB is too large, 781 GiB are the most");
    }

    #[test]
    fn a_size_that_no_blob_has_makes_ranges_too() {
        assert_eq!(ranges(u64::MAX).next(), Some(0..RANGE));
    }
}
