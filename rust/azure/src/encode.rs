//! Percent-encoding of ids and paths.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same, but a slash stays a slash.
const PATH: &AsciiSet = &SEGMENT.remove(b'/');

/// One segment of a path, an id say.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A path of several segments.
pub(crate) fn path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_its_slashes_and_a_segment_does_not() {
        assert_eq!(path("wd/a b#%+?é.txt"), "wd/a%20b%23%25%2B%3F%C3%A9.txt");
        assert_eq!(segment("a/b"), "a%2Fb");
    }
}
