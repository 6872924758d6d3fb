//! Names that can be stored as they are.

use crate::{Error, Result};

/// Longest name of a blob, in characters.
const MAX_LENGTH: usize = 1024;

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

/// Refuses what cannot be a container, before the service says so in fewer words.
pub(crate) fn check_container_name(name: &str) -> Result<()> {
    let plain = name.strip_prefix('$').unwrap_or(name);
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (3..=63).contains(&name.len()) && plain.chars().all(known) {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "container name {name:?} cannot be used: it must have 3 to 63 lower-case letters, \
         digits or hyphens"
    )))
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
    fn container_names_are_lower_case_letters_digits_and_hyphens() {
        for bad in ["", "ab", "Upper", "a/b", "a_b", &"x".repeat(64)] {
            assert!(check_container_name(bad).is_err(), "{bad:?}");
        }
        for good in ["abc", "kestra-batch-1", "$root"] {
            assert!(check_container_name(good).is_ok(), "{good:?}");
        }
    }
}
