//! Lines do not depend on how their bytes arrive.

use proptest::prelude::*;

use super::{Limits, LineSplitter, is_marker};

/// So short that every cut is tried.
const SHORT: Limits = Limits { text: 8, marker: 24 };

/// Limits that these lines do not reach, and such that they do.
fn limits() -> impl Strategy<Value = Limits> {
    prop_oneof![Just(super::LIMITS), Just(SHORT)]
}

fn splitter(limits: Limits) -> LineSplitter {
    LineSplitter { limits, ..LineSplitter::default() }
}

/// Pieces of output as tasks write it, and any bytes.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..6),
        "(\n|\r\n|\r|a|é🚀|::|::\\{|\\}::|::\\{\"a\":1\\}::|::\\{\"a\":\"\\}::\"\\}::| )"
            .prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// All lines of the bytes, which arrive in pieces of these lengths, again and again.
fn lines(bytes: &[u8], lengths: &[usize], limits: Limits) -> Vec<String> {
    let mut splitter = splitter(limits);
    let (mut lines, mut rest) = (Vec::new(), bytes);
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        lines.extend(splitter.push(piece));
        rest = after;
    }
    lines.extend(splitter.finish());
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn lines_are_the_same_however_their_bytes_arrive(
        bytes in output(),
        lengths in prop::collection::vec(1..9_usize, 1..6),
        limits in limits(),
    ) {
        prop_assert_eq!(lines(&bytes, &lengths, limits), lines(&bytes, &[usize::MAX], limits));
    }

    #[test]
    fn no_line_is_longer_than_its_limit(bytes in output()) {
        for line in lines(&bytes, &[3], SHORT) {
            prop_assert!(line.len() <= SHORT.text || is_marker(&line), "{}", line);
            prop_assert!(line.len() <= SHORT.marker + 2, "{}", line);
        }
    }

    /// A worker that goes on begins where the last line that was delivered ended, which may be in the middle of a long one.
    #[test]
    fn whoever_begins_where_another_stopped_tells_the_same_lines(bytes in output(), limits in limits()) {
        let whole = lines(&bytes, &[usize::MAX], limits);
        let (mut first, mut told) = (splitter(limits), Vec::new());
        for (at, byte) in bytes.iter().enumerate() {
            told.extend(first.push(&[*byte]));
            let known = at + 1 - first.pending.len();
            let both = [&told[..], &lines(&bytes[known..], &[usize::MAX], limits)].concat();
            prop_assert_eq!(&both, &whole, "from {}", known);
        }
    }

    #[test]
    fn no_text_is_lost_and_none_is_added(text in "[a:{}\"1é \n]{0,30}", limits in limits()) {
        let whole: String = lines(text.as_bytes(), &[usize::MAX], limits).concat();
        prop_assert_eq!(whole, text.replace('\n', ""));
    }

    #[test]
    fn what_waits_for_the_end_of_its_line_is_counted(bytes in output()) {
        let mut splitter = LineSplitter::default();
        splitter.push(&bytes);
        let last = bytes.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        prop_assert_eq!(splitter.pending(), last.len() as u64);
    }
}
