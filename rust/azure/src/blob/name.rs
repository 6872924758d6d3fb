//! Names that can be stored as they are.

use crate::{Error, Result};

/// Longest name of a blob, in characters.
const MAX_LENGTH: usize = 1024;

/// Most segments of a blob's name: the parts between its slashes.
const MAX_SEGMENTS: usize = 254;

/// Refuses names that would silently become others on their way into a URL.
///
/// # Errors
/// A `Configuration` error that says what is wrong with the name.
///
/// [Naming blobs](https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata)
pub fn check_blob_name(name: &str) -> Result<()> {
    let reason = if name.is_empty() || name.chars().count() > MAX_LENGTH {
        "it must have 1 to 1024 characters"
    } else if name.chars().any(char::is_control) {
        "it holds a control character, a tab or newline for example"
    } else if name.starts_with('/') || name.ends_with('/') {
        "it begins or ends with a slash"
    } else if name.split('/').any(|segment| matches!(segment, "." | "..")) {
        "it has a segment '.' or '..'"
    } else {
        return Ok(());
    };
    Err(Error::configuration(format!("blob name {name:?} cannot be used: {reason}")))
}

/// Whether the service, and whatever lists and downloads a blob, keeps this name exactly as it is. Other names are
/// refused, or silently changed: a backslash becomes a slash, blanks and dots at the ends of segments are cut off, and
/// the XML of a listing cannot hold control characters and noncharacters.
///
/// [Naming blobs](https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#blob-names)
#[must_use]
pub fn is_kept_as_is(name: &str) -> bool {
    // The service counts in UTF-16.
    name.encode_utf16().count() <= MAX_LENGTH
        && name.split('/').count() <= MAX_SEGMENTS
        && name.split('/').all(is_kept_segment)
}

fn is_kept_segment(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.ends_with('.')
        && !segment.starts_with(char::is_whitespace)
        && !segment.ends_with(char::is_whitespace)
        && segment.chars().all(is_kept_char)
}

fn is_kept_char(c: char) -> bool {
    let is_noncharacter = u32::from(c) & 0xFFFE == 0xFFFE || ('\u{FDD0}'..='\u{FDEF}').contains(&c);
    !c.is_control() && !is_noncharacter && !matches!(c, '\\' | '\u{2028}' | '\u{2029}')
}

/// Refuses what cannot hold staged files, before the service says so in fewer words.
///
/// [Naming containers](https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#container-names)
pub(crate) fn check_container_name(name: &str) -> Result<()> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let lower = name.to_ascii_lowercase();
    let reason = if matches!(name, "$root" | "$web" | "$logs") {
        "it is one that Azure keeps for itself; create an ordinary one".to_owned()
    } else if name != lower && lower.chars().all(known) {
        format!("containers are written in lower case: '{lower}'")
    } else if name.contains('/') {
        "it is the name alone, without a URL before it or a folder behind it".to_owned()
    } else if !name.chars().all(known) || !(3..=63).contains(&name.len()) {
        "it must have 3 to 63 lower-case letters, digits or hyphens".to_owned()
    } else if name.starts_with('-') || name.ends_with('-') || name.contains("--") {
        "a hyphen stands between two letters or digits".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::configuration(format!("container name {name:?} cannot be used: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_change_are_refused() {
        for bad in ["", "/a", "a/", ".", "a/../b", "a/./b", "a\tb", "a\nb", &"x".repeat(1025)] {
            assert!(check_blob_name(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "a b/c#%+?.txt", ".hidden/..x", "é/日本", &"é".repeat(1024)] {
            assert!(check_blob_name(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn names_that_are_kept_are_told_from_those_that_would_change() {
        let deep = |segments: usize| vec!["a"; segments].join("/");
        for changed in [
            "",
            "/a",
            "a/",
            "a//b",
            ".",
            "a/..",
            "a./b",
            "a.",
            " a",
            "a ",
            "a/ b",
            "a /b",
            "\u{a0}a",
            "a\tb",
            "a\nb",
            "a\u{7f}",
            "a\u{85}b",
            "a\\b",
            "a\u{2028}b",
            "a\u{2029}b",
            "\u{fffe}",
            "\u{ffff}",
            "\u{1ffff}",
            "\u{fdd0}",
            &"x".repeat(1025),
            &"\u{1f680}".repeat(513),
            &deep(255),
        ] {
            assert!(!is_kept_as_is(changed), "{changed:?}");
        }
        for kept in [
            "a b/c#%+?&.txt",
            ".hidden/..x",
            "'\"`;:|^[](){}$~=,@!*<>",
            "-x",
            "\u{e9}",
            "e\u{301}",
            "\u{1f680}",
            "\u{feff}a",
            "\u{fffd}",
            &"x".repeat(1024),
            &"\u{e9}".repeat(1024),
            &deep(254),
        ] {
            assert!(is_kept_as_is(kept), "{kept:?}");
            assert!(check_blob_name(kept).is_ok(), "{kept:?}");
        }
    }

    #[test]
    fn container_names_are_lower_case_letters_digits_and_hyphens() {
        let long = "x".repeat(64);
        let table = [
            ("", "3 to 63"),
            ("ab", "3 to 63"),
            (long.as_str(), "3 to 63"),
            ("a_b", "3 to 63"),
            ("$other", "3 to 63"),
            ("Upper-Case", "'upper-case'"),
            ("box/folder", "the name alone"),
            ("https://acct.blob.core.windows.net/box?sig=canary", "the name alone"),
            ("-box", "a hyphen stands between"),
            ("box-", "a hyphen stands between"),
            ("bo--x", "a hyphen stands between"),
            ("$root", "keeps for itself"),
            ("$web", "keeps for itself"),
            ("$logs", "keeps for itself"),
        ];
        for (bad, reason) in table {
            let error = check_container_name(bad).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("canary"), "{bad:?}: {error}");
        }
        for good in ["abc", "kestra-batch-1", "0-0"] {
            assert!(check_container_name(good).is_ok(), "{good:?}");
        }
    }
}
