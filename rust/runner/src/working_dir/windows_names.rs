//! Names of files that Linux has and Windows has not.
//!
//! [Naming files](https://learn.microsoft.com/windows/win32/fileio/naming-a-file)

/// Devices, which are there under these names in every directory, and with any ending. COM and LPT have numbers.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];

/// What is not allowed in a name, beside control characters. After `:` comes the name of a stream of the file.
const FORBIDDEN: [char; 8] = ['\\', ':', '*', '?', '"', '<', '>', '|'];

/// Why a path with `/` cannot be on Windows, if it cannot. Where `..` leads is for others to check.
pub(super) fn objection(path: &str) -> Option<String> {
    path.split('/').find_map(|name| {
        let reason = reason(name)?;
        let printable = name.replace(char::is_control, "\u{fffd}");
        Some(format!("'{printable}' is no name on Windows: {reason}"))
    })
}

fn reason(name: &str) -> Option<&'static str> {
    if name.contains(FORBIDDEN) || name.contains(|c| c < ' ') {
        return Some("it holds one of \\ : * ? \" < > | or a control character");
    }
    if name.ends_with(['.', ' ']) && name != "." && name != ".." {
        return Some("it ends with a dot or a blank");
    }
    is_device(name).then_some("it is that of a device")
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let is_numbered = |device: &&str| stem.strip_prefix(device).is_some_and(is_number);
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.iter().any(is_numbered)
}

/// The digits, and the three that Latin-1 has as superscripts.
fn is_number(text: &str) -> bool {
    let mut chars = text.chars();
    let is_digit = |c: char| c.is_ascii_digit() || "¹²³".contains(c);
    chars.next().is_some_and(is_digit) && chars.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::objection;

    #[test]
    fn a_name_that_windows_would_read_in_another_way_is_refused() {
        let streams = ["a:b", "C:x", "data::$DATA"];
        let paths = ["a\\b", "..\\x", "\\\\host\\share", "a/b\\..\\..\\c"];
        let patterns = ["a*", "what?", "\"a\"", "<a>", "a|b"];
        let cut = ["a.", "a ", "...", "a/b./c", ". ", ".. "];
        let control = ["a\nb", "a\0", "\u{1f}"];
        for name in [&streams[..], &paths, &patterns, &cut, &control].concat() {
            assert!(objection(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn the_name_of_a_device_is_refused_however_it_is_written() {
        for name in
            ["CON", "nul", "Aux.txt", "a/prn/b", "com1", "LPT9.tar.gz", "COM²", "con .x", "conin$"]
        {
            let said = objection(name).unwrap_or_default();
            assert!(said.ends_with("that of a device"), "{name}: {said}");
        }
    }

    #[test]
    fn any_other_name_is_taken() {
        for name in [
            "a", "a b/c.d", ".hidden", "./a", "../a", "console", "com", "com10", "comX", "LPT",
            "x.con", "~$é", "中文",
        ] {
            assert_eq!(objection(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_refused_is_named_on_one_line() {
        let said = objection("out/a\nb").unwrap_or_default();
        assert!(said.starts_with("'a\u{fffd}b' is no name on Windows: "), "{said}");
    }
}
