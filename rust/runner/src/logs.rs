//! Lines, as Kestra wants them, from the bytes of an output stream.

use serde::de::IgnoredAny;

#[cfg(test)]
mod properties;

/// What a message of the task to Kestra begins with, as in `::{"outputs": {}}::`.
const MARKER: &str = "::{";
const MARKER_END: &str = "::";

/// Cuts a stream of bytes into lines. Cutting at `\n` never splits a UTF-8 character, so a character that
/// arrives in two pieces is whole again in its line.
#[derive(Debug, Default)]
pub(crate) struct LineSplitter {
    pending: Vec<u8>,
}

impl LineSplitter {
    /// Takes the next bytes and gives the lines that are complete with them.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let Some(end) = bytes.iter().rposition(|&byte| byte == b'\n') else {
            self.pending.extend_from_slice(bytes);
            return Vec::new();
        };
        let (complete, rest) = bytes.split_at(end);
        self.pending.extend_from_slice(complete);
        let lines = self.pending.split(|&byte| byte == b'\n').flat_map(to_lines).collect();
        self.pending.clear();
        self.pending.extend_from_slice(rest.get(1..).unwrap_or_default());
        lines
    }

    /// Bytes that wait for the end of their line.
    pub(crate) fn pending(&self) -> u64 {
        self.pending.len() as u64
    }

    /// The last line, where the stream did not end with `\n`.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        let rest = std::mem::take(&mut self.pending);
        if rest.is_empty() { Vec::new() } else { to_lines(&rest) }
    }
}

fn to_lines(bytes: &[u8]) -> Vec<String> {
    let line = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    split_at_markers(&String::from_utf8_lossy(line))
}

/// Kestra reads a marker only where it is a line of its own; tasks also print it behind other text.
fn split_at_markers(line: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = line;
    let mut searched = 0;
    while let Some(found) = rest[searched..].find(MARKER) {
        let start = searched + found;
        let Some(length) = marker_length(&rest[start..]) else {
            searched = start + MARKER.len();
            continue;
        };
        let (before, marker) = rest.split_at(start);
        lines.extend((!before.is_empty()).then(|| before.to_owned()));
        lines.push(marker[..length].to_owned());
        (rest, searched) = (&marker[length..], 0);
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// Whether the line is a message to Kestra and nothing else.
pub(crate) fn is_marker(line: &str) -> bool {
    line.starts_with(MARKER) && marker_length(line) == Some(line.len())
}

/// The length of the marker that the text begins with. Its JSON may hold `}::` in a string.
fn marker_length(text: &str) -> Option<usize> {
    let json = text.strip_prefix(MARKER_END)?;
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let end = values.byte_offset();
    let has_end = json[end..].starts_with(MARKER_END);
    has_end.then_some(MARKER_END.len() + end + MARKER_END.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All lines of `text` when it arrives in pieces of `size` bytes.
    fn lines(text: &str, size: usize) -> Vec<String> {
        let mut splitter = LineSplitter::default();
        let mut lines: Vec<String> =
            text.as_bytes().chunks(size).flat_map(|piece| splitter.push(piece)).collect();
        lines.extend(splitter.finish());
        lines
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        let text = "one\n\nzwölf 🚀\r\nlast without end";
        for size in 1..=text.len() {
            assert_eq!(lines(text, size), ["one", "", "zwölf 🚀", "last without end"], "{size}");
        }
    }

    #[test]
    fn a_stream_that_ends_with_a_line_end_has_no_empty_last_line() {
        assert_eq!(lines("a\nb\n", 1), ["a", "b"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_do_not_stop_the_log() {
        let mut splitter = LineSplitter::default();
        assert_eq!(splitter.push(b"a\xffb\n"), ["a\u{fffd}b"]);
    }

    #[test]
    fn a_marker_is_a_line_of_its_own_wherever_it_stands() {
        let table: [(&str, &[&str]); 6] = [
            ("progress ::{\"a\":1}::", &["progress ", "::{\"a\":1}::"]),
            ("::{\"a\":1}::::{\"b\":2}:: after", &["::{\"a\":1}::", "::{\"b\":2}::", " after"]),
            ("x::{\"a\":\"}::\"}::", &["x", "::{\"a\":\"}::\"}::"]),
            ("a ::{not json}:: b", &["a ::{not json}:: b"]),
            ("::{\"a\":1}", &["::{\"a\":1}"]),
            ("std::{ ::{\"a\":1}::", &["std::{ ", "::{\"a\":1}::"]),
        ];
        for (text, expected) in table {
            assert_eq!(lines(text, 1), expected, "{text}");
            let markers: Vec<_> = expected.iter().filter(|line| line.ends_with("}::")).collect();
            let found: Vec<_> = expected.iter().filter(|line| is_marker(line)).collect();
            assert_eq!(found, markers, "{text}");
        }
    }
}
