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
    fn an_unknown_option_is_named() {
        assert!(parse("--gpus all").unwrap_err().contains("--gpus"));
        assert!(parse("--env").unwrap_err().contains("--env"));
        assert!(parse("--entrypoint").unwrap_err().contains("--entrypoint"));
    }
}
