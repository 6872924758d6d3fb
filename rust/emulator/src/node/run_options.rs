//! The options of `containerRunOptions` that work without a container engine.

use super::command_line;
use crate::settings::Splitting;

/// The supported options.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RunOptions {
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) working_directory: Option<String>,
    /// Replaces the image's entry point. An empty one clears it.
    pub(crate) entry_point: Option<String>,
    pub(crate) volumes: Vec<Volume>,
    /// The bytes of `/dev/shm`.
    pub(crate) shared_memory: Option<u64>,
}

/// A directory of the node that is mounted in the container.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Volume {
    /// On the node.
    pub(crate) source: String,
    /// In the container.
    pub(crate) target: String,
    pub(crate) read_only: bool,
}

/// Parses `docker run` options. `--rm` and `--init` always apply here.
///
/// # Errors
/// Names the first unsupported option.
pub(crate) fn parse(text: &str) -> Result<RunOptions, String> {
    let mut options = RunOptions::default();
    let mut words = command_line::split(text, Splitting::Posix)?.into_iter();
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word.clone(), None),
        };
        let mut value = || {
            let value = inline.clone().or_else(|| words.next());
            value.ok_or_else(|| format!("{name} needs a value"))
        };
        match name.as_str() {
            "--rm" | "--init" => {}
            "-w" | "--workdir" => options.working_directory = Some(value()?),
            "--entrypoint" => options.entry_point = Some(value()?),
            "--shm-size" => options.shared_memory = Some(bytes(&value()?)?),
            "-v" | "--volume" => options.volumes.push(volume(&value()?)?),
            "-e" | "--env" => options.environment.push(variable(&value()?)?),
            _ => return Err(format!("the option {name} is not supported by the emulator")),
        }
    }
    Ok(options)
}

fn volume(text: &str) -> Result<Volume, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, read_only) = match parts[..] {
        [source, target] | [source, target, "rw"] => (source, target, false),
        [source, target, "ro"] => (source, target, true),
        _ => return Err(format!("the volume {text} is not SOURCE:TARGET, with :ro or :rw")),
    };
    if !source.starts_with('/') || !target.starts_with('/') || target == "/" {
        return Err(format!("the volume {text} does not have two absolute paths"));
    }
    Ok(Volume { source: source.to_owned(), target: target.to_owned(), read_only })
}

/// Reads a size as docker does: a number of bytes, or of the unit behind it.
fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match lower.get(number.len()..) {
        Some("" | "b") => 1,
        Some("k" | "kb") => 1 << 10,
        Some("m" | "mb") => 1 << 20,
        Some("g" | "gb") => 1 << 30,
        _ => 0,
    };
    let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| *size > 0).ok_or_else(|| format!("{text} is not a size greater than 0"))
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(format!("the variable {text} has no value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_options_are_read() {
        let options = parse("--rm -e A=1 --env=B='two words' --workdir /srv").unwrap();
        assert_eq!(options.working_directory.as_deref(), Some("/srv"));
        let expected = [("A", "1"), ("B", "two words")];
        assert_eq!(options.environment, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn volumes_are_read() {
        let volume = |source: &str, target: &str, read_only| Volume {
            source: source.to_owned(),
            target: target.to_owned(),
            read_only,
        };
        let options = parse("-v /a:/b:ro --volume=/c:/d -v /e:/f:rw").unwrap();
        let expected =
            [volume("/a", "/b", true), volume("/c", "/d", false), volume("/e", "/f", false)];
        assert_eq!(options.volumes, expected);
        for wrong in ["/a", "a:/b", "/a:b", "/a:/", "/a:/b:z", "/a:/b:ro:x", ""] {
            assert!(parse(&format!("-v '{wrong}'")).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_entry_point_may_be_empty() {
        let cases = [
            ("--entrypoint /bin/bash", "/bin/bash"),
            ("--entrypoint=/bin/bash", "/bin/bash"),
            ("--entrypoint=", ""),
            ("--entrypoint ''", ""),
            (r#"--entrypoint "" --rm"#, ""),
        ];
        for (text, entry_point) in cases {
            assert_eq!(parse(text).unwrap().entry_point.as_deref(), Some(entry_point), "{text}");
        }
        assert_eq!(parse("--rm").unwrap().entry_point, None);
    }

    #[test]
    fn sizes_of_shared_memory_are_read_as_docker_does() {
        let size = |text: &str| parse(&format!("--shm-size {text}")).map(|read| read.shared_memory);
        for (text, bytes) in
            [("64m", 64 << 20), ("1G", 1 << 30), ("2kb", 2048), ("5b", 5), ("7", 7)]
        {
            assert_eq!(size(text), Ok(Some(bytes)), "{text}");
        }
        for wrong in ["0", "m", "1t", "-1", "1.5m", "99999999999g"] {
            assert!(size(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_option_is_named() {
        assert!(parse("--gpus all").unwrap_err().contains("--gpus"));
        assert!(parse("--env").unwrap_err().contains("--env"));
        assert!(parse("--entrypoint").unwrap_err().contains("--entrypoint"));
    }
}
