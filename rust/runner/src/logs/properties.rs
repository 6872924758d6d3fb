//! Lines do not depend on how their bytes arrive.

use proptest::prelude::*;

use super::LineSplitter;

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
fn lines(bytes: &[u8], lengths: &[usize]) -> Vec<String> {
    let mut splitter = LineSplitter::default();
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
    ) {
        prop_assert_eq!(lines(&bytes, &lengths), lines(&bytes, &[usize::MAX]));
    }

    #[test]
    fn no_text_is_lost_and_none_is_added(text in "[a:{}\"1é \n]{0,30}") {
        let whole: String = lines(text.as_bytes(), &[usize::MAX]).concat();
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
