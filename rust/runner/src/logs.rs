//! Lines, as Kestra wants them, from the bytes of an output stream.

use serde::de::IgnoredAny;

#[cfg(test)]
mod properties;

/// What a message of the task to Kestra begins with, as in `::{"outputs": {}}::`.
const MARKER: &str = "::{";
const MARKER_END: &str = "::";

/// How much of a line without an end is kept until it goes on as the next one, in bytes.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Of a line of text.
    text: usize,
    /// Of a line that begins with a message to Kestra which has not ended yet: in two pieces it would be lost.
    marker: usize,
}

const LIMITS: Limits = Limits { text: 64 * 1024, marker: 1024 * 1024 };

/// A line of exactly its limit may still end with `\r\n`.
const LINE_END: usize = 2;

/// Cuts a stream of bytes into lines. A line that is too long goes on as the next one. Neither cut splits a UTF-8
/// character, so a character that arrives in two pieces is whole again in its line.
#[derive(Debug)]
pub(crate) struct LineSplitter {
    pending: Vec<u8>,
    /// What is pending begins with a message to Kestra that has not ended.
    in_marker: bool,
    limits: Limits,
}

impl Default for LineSplitter {
    fn default() -> Self {
        Self { pending: Vec::new(), in_marker: false, limits: LIMITS }
    }
}

impl LineSplitter {
    /// Takes the next bytes and returns the lines that are complete with them.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        while !bytes.is_empty() {
            let room = self.most() + LINE_END - self.pending.len();
            let next = &bytes[..room.min(bytes.len())];
            let end = next.iter().position(|byte| *byte == b'\n');
            self.pending.extend_from_slice(&next[..end.unwrap_or(next.len())]);
            bytes = &bytes[end.map_or(next.len(), |end| end + 1)..];
            if end.is_some() {
                lines.extend(self.finish_line());
            } else if next.len() == room {
                lines.extend(self.cut());
            }
        }
        lines
    }

    /// Bytes that wait for the end of their line.
    pub(crate) fn pending(&self) -> u64 {
        self.pending.len() as u64
    }

    /// The last line, where the stream did not end with `\n`.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        if self.pending.is_empty() { Vec::new() } else { self.finish_line() }
    }

    fn most(&self) -> usize {
        if self.in_marker { self.limits.marker } else { self.limits.text }
    }

    fn finish_line(&mut self) -> Vec<String> {
        self.in_marker = false;
        let line = std::mem::take(&mut self.pending);
        self.to_lines(line.strip_suffix(b"\r").unwrap_or(&line))
    }

    /// Takes the beginning of a line that is too long. A message to Kestra in it that has not ended becomes the
    /// beginning of the next.
    fn cut(&mut self) -> Vec<String> {
        let begun =
            if self.in_marker { None } else { unfinished_marker(&self.pending[..self.most()]) };
        if begun == Some(0) {
            self.in_marker = true;
            self.pending.reserve_exact(self.most() + LINE_END - self.pending.len());
            return Vec::new();
        }
        let end = begun.unwrap_or_else(|| last_boundary(&self.pending, self.most()));
        let rest = self.pending.split_off(end);
        let line = std::mem::replace(&mut self.pending, rest);
        self.in_marker = false;
        self.to_lines(&line)
    }

    fn to_lines(&self, bytes: &[u8]) -> Vec<String> {
        let line = String::from_utf8_lossy(bytes);
        split_at_markers(&line).flat_map(|line| in_pieces(line, self.limits.text)).collect()
    }
}

/// Where a UTF-8 character begins, at most so many bytes in.
fn last_boundary(bytes: &[u8], most: usize) -> usize {
    let begins = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000);
    // No character is longer than four bytes.
    (most.saturating_sub(3)..=most).rev().find(begins).filter(|at| *at > 0).unwrap_or(most)
}

/// What stands beside a message may be long too, where that is: it has no limit of its own until here.
fn in_pieces(line: &str, most: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    let most = if line.len() > most && is_marker(line) { line.len() } else { most };
    while rest.len() > most {
        let (piece, after) = rest.split_at(last_boundary(rest.as_bytes(), most));
        pieces.push(piece.to_owned());
        rest = after;
    }
    pieces.push(rest.to_owned());
    pieces
}

/// Kestra reads a marker only where it is a line of its own; tasks also print it behind other text.
fn split_at_markers(line: &str) -> impl Iterator<Item = &str> {
    let mut lines = Vec::new();
    let mut rest = line;
    while let Some((start, end)) = first_marker(rest) {
        lines.extend((start > 0).then_some(&rest[..start]));
        lines.push(&rest[start..end]);
        rest = &rest[end..];
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest);
    }
    lines.into_iter()
}

/// Where the first whole marker begins and ends.
fn first_marker(text: &str) -> Option<(usize, usize)> {
    let mut starts = text.match_indices(MARKER).map(|(start, _)| start);
    starts.find_map(|start| match marker(&text.as_bytes()[start..]) {
        Marker::Whole(length) => Some((start, start + length)),
        _ => None,
    })
}

/// Where the first marker begins that may end in bytes to come.
fn unfinished_marker(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    while start < bytes.len() {
        start += match marker(&bytes[start..]) {
            Marker::Unfinished => return Some(start),
            Marker::Whole(length) => length,
            Marker::No => 1,
        };
    }
    None
}

/// Whether the line is a message to Kestra and nothing else.
pub(crate) fn is_marker(line: &str) -> bool {
    matches!(marker(line.as_bytes()), Marker::Whole(length) if length == line.len())
}

/// What a text may begin with.
enum Marker {
    /// A marker of so many bytes.
    Whole(usize),
    /// A marker, if it goes on as one.
    Unfinished,
    No,
}

/// What the bytes begin with. The JSON may hold `}::` in a string.
///
/// The sum of this over all places of a line grows as the line does: JSON that holds another `::{` outside of its
/// strings is none, and what begins in a string of one has its own strings where that one has none.
fn marker(bytes: &[u8]) -> Marker {
    let Some(json) = bytes.strip_prefix(MARKER_END.as_bytes()) else {
        return if MARKER_END.as_bytes().starts_with(bytes) {
            Marker::Unfinished
        } else {
            Marker::No
        };
    };
    if !matches!(json.first(), Some(b'{') | None) {
        return Marker::No;
    }
    let mut values = serde_json::Deserializer::from_slice(json).into_iter::<IgnoredAny>();
    let value = values.next();
    let end = values.byte_offset();
    match value {
        None => Marker::Unfinished,
        Some(Err(error)) if error.is_eof() => Marker::Unfinished,
        Some(Err(_)) => Marker::No,
        Some(Ok(_)) if json[end..].starts_with(MARKER_END.as_bytes()) => {
            Marker::Whole(MARKER_END.len() + end + MARKER_END.len())
        }
        Some(Ok(_)) if MARKER_END.as_bytes().starts_with(&json[end..]) => Marker::Unfinished,
        Some(Ok(_)) => Marker::No,
    }
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
    fn a_line_that_is_too_long_goes_on_as_the_next() {
        let most = LIMITS.text;
        let text =
            format!("{}é{}\n{}\r\n", "a".repeat(most - 1), "b".repeat(most), "c".repeat(most));
        for size in [1, 4096, text.len()] {
            let lines = lines(&text, size);
            let lengths: Vec<_> = lines.iter().map(String::len).collect();
            assert_eq!(
                lengths,
                [most - 1, most, 2, most],
                "é is whole; a line of the limit is one"
            );
            assert_eq!(lines.concat(), text.replace(['\r', '\n'], ""));
        }
    }

    #[test]
    fn a_marker_that_is_longer_than_a_line_is_whole() {
        let marker = format!("::{{\"outputs\":{{\"a\":\"{}\"}}}}::", "x".repeat(500_000));
        for before in ["", "so ", &"b".repeat(60_000), &"b".repeat(65_535), &"b".repeat(200_000)] {
            for after in ["\n", " after\n", &format!("{}\n", "c".repeat(200_000))] {
                let text = format!("{before}{marker}{after}");
                let lines = lines(&text, 4096);
                assert_eq!(lines.iter().filter(|line| is_marker(line)).count(), 1);
                assert_eq!(lines.concat(), text.trim_end());
                let rest = lines.iter().filter(|line| !is_marker(line));
                assert!(rest.map(String::len).all(|length| length <= LIMITS.text));
            }
        }
    }

    #[test]
    fn a_marker_that_never_ends_is_cut_too() {
        let text = format!("::{{\"a\":\"{}", "x".repeat(3_000_000));
        let mut splitter = LineSplitter::default();
        let mut told = String::new();
        for piece in text.as_bytes().chunks(4096) {
            told.extend(splitter.push(piece));
            assert!(splitter.pending.capacity() <= LIMITS.marker + LIMITS.text);
        }
        told.extend(splitter.finish());
        assert_eq!(told, text);
    }

    /// With work that grows as the square of a line, each of these would take an hour.
    #[test]
    fn lines_full_of_the_beginnings_of_markers_cost_no_more_than_their_length() {
        for piece in [
            "::{\"",
            "::{",
            "::{\"\":",
            "::{\"a\":1}",
            "::{\"a\":1}:",
            "::{\"a\":[",
            "::{\"::{\":1,\":1,",
            "::{\"\\",
            "::{ ",
            ":",
            "::{\"a\":\"::{}::\",",
            "::{}::",
        ] {
            let text = piece.repeat(2 * 1024 * 1024 / piece.len());
            assert_eq!(lines(&text, 64 * 1024).concat(), text);
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
