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
        let lines = self.pending.split(|&byte| byte == b'\n').map(to_line).collect();
        self.pending.clear();
        self.pending.extend_from_slice(rest.get(1..).unwrap_or_default());
        lines
    }

    /// The last line, where the stream did not end with `\n`.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.pending);
        (!rest.is_empty()).then(|| to_line(&rest))
    }
}

fn to_line(bytes: &[u8]) -> String {
    let line = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    String::from_utf8_lossy(line).into_owned()
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
}
