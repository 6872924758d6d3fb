//! Lists of blobs with names of every sort, and what is no list.

use std::fmt::Write;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::{BlobItem, parse};

/// A name as the service writes it: escaped, or encoded in whole where XML has no way to write it.
fn written(name: &str) -> String {
    let forbidden =
        |c: char| c < ' ' && !matches!(c, '\t' | '\n') || matches!(c, '\u{fffe}' | '\u{ffff}');
    if name.contains(forbidden) {
        return format!(
            "<Name Encoded=\"true\">{}</Name>",
            utf8_percent_encode(name, NON_ALPHANUMERIC)
        );
    }
    let escaped = name.chars().fold(String::new(), |mut text, c| {
        match c {
            '&' => text += "&amp;",
            '<' => text += "&lt;",
            '>' => text += "&gt;",
            '\r' | '\n' | '\t' => write!(text, "&#{};", u32::from(c)).unwrap(),
            other => text.push(other),
        }
        text
    });
    format!("<Name>{escaped}</Name>")
}

fn list(blobs: &[(String, u64)]) -> String {
    let blobs = blobs.iter().map(|(name, size)| {
        // Azure mixes directories with blobs where it was asked for both.
        format!(
            "<BlobPrefix>{0}</BlobPrefix><Blob>{0}<Properties><Content-Length>{size}</Content-Length></Properties></Blob>",
            written(name)
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>{}</Blobs><NextMarker/></EnumerationResults>",
        blobs.collect::<String>()
    )
}

proptest! {
    // Every name has a prefix: one of blanks alone would be lost as if it were indentation.
    #[test]
    fn a_list_is_read_as_it_was_written(
        blobs in prop::collection::vec(("kestra-1/([a &<>'\"/%\t\n\u{1}é]{1,6}|\\PC{1,8})", any::<u64>()), 0..5),
    ) {
        let page = parse(list(&blobs).as_bytes()).unwrap();
        let next = page.next_marker.clone();
        let read: Vec<BlobItem> = page.blobs.blobs().collect();
        let expected: Vec<_> = blobs.iter().map(|(name, size)| (name.as_str(), *size)).collect();
        prop_assert_eq!(read.iter().map(|blob| (blob.name.as_str(), blob.size)).collect::<Vec<_>>(), expected);
        prop_assert_eq!(next, "");
        let directories = parse(list(&blobs).as_bytes()).unwrap().blobs.directories();
        prop_assert!(directories.eq(blobs.iter().map(|(name, _)| name.clone())));
    }

    #[test]
    fn any_bytes_are_a_list_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(parse(&bytes));
    }

    #[test]
    fn a_damaged_list_is_read_or_refused(
        put in "[<>/&;= \"a-z]{0,6}",
        range in (0..200_usize, 0..200_usize),
    ) {
        let mut text = list(&[("a".to_owned(), 1), ("b\u{1}".to_owned(), 2)]);
        let (start, end) = (range.0.min(range.1), range.0.max(range.1));
        text.replace_range(start..end.min(text.len()), &put);
        drop(parse(text.as_bytes()));
    }
}
