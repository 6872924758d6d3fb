//! Commands that are too long for an argument: their script travels as a file, and is run the same way.

use crate::Invalid;

/// Bytes of one argument, and of one `NAME=value`: Linux counts 128 KiB with the zero byte at the end.
const MAX_ARGUMENT: usize = 128 * 1024 - 1;

/// Bytes of all arguments and of the environment together. Linux allows 2 MiB with the usual limit of the stack; Batch
/// and the image add variables of their own.
const MAX_TOTAL: usize = 2 * 1024 * 1024 - 128 * 1024;

/// Bytes that Linux counts for each of them beside its text: a pointer and the zero byte.
const OVERHEAD: usize = 9;

/// Where the script is, below `AZ_BATCH_TASK_WORKING_DIR`.
pub(super) const COMMAND_FILE: &str = "kestra-command";

/// Runs the file in the shell itself, which keeps `$0`, the arguments, the options and stdin.
const SOURCE: &str = ". \"$AZ_BATCH_TASK_WORKING_DIR/kestra-command\"";

/// What a sourced file has for `$0` is the name of the file in zsh.
const EVALUATE: &str = "eval \"$(<\"$AZ_BATCH_TASK_WORKING_DIR/kestra-command\")\"";

/// Defines no name, and leaves no file open. The bytes are decoded as those of an argument are.
const COMPILE: &str = "exec(compile((lambda f:(f.read(),f.close())[0])(open(\
    __import__('os').environ['AZ_BATCH_TASK_WORKING_DIR']+'/kestra-command',\
    encoding='utf-8',errors='surrogateescape')),'<string>','exec'))";

/// The arguments of a command, all short enough.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Argv {
    pub(crate) words: Vec<String>,
    /// The script that was too long for one of them, and is read from a file instead.
    pub(crate) script: Option<String>,
}

impl Argv {
    /// Replaces a script that is too long by a short one that reads it from a file.
    ///
    /// # Errors
    /// Any other argument that is too long, by its number.
    pub(crate) fn new(mut words: Vec<String>) -> Result<Self, Invalid> {
        let script = match words.iter().position(|word| word.len() > MAX_ARGUMENT) {
            None => None,
            Some(long) => {
                let reader = reader(&words, long).ok_or_else(|| too_long(&words, long))?;
                words.get_mut(long).map(|word| std::mem::replace(word, reader.to_owned()))
            }
        };
        match words.iter().position(|word| word.len() > MAX_ARGUMENT) {
            Some(long) => Err(too_long(&words, long)),
            None => Ok(Self { words, script }),
        }
    }
}

fn too_long(words: &[String], long: usize) -> Invalid {
    let bytes = words.get(long).map_or(0, String::len);
    let reason = format!(
        "argument {long} of the command has {bytes} bytes, and Linux allows {MAX_ARGUMENT}; only a script that a shell \
         (sh, bash, dash, ash, ksh, zsh, busybox sh) or python takes behind -c may be longer: \
         put it into a file (inputFiles) and name that"
    );
    Invalid::new("commands", reason)
}

/// Refuses what Linux does not hand to a program: the task would end with 126 and few words.
///
/// # Errors
/// Names the variable, and not its value, which may be a secret.
pub(crate) fn check_environment<'a>(
    environment: impl Iterator<Item = (&'a String, &'a String)> + Clone,
    words: &[String],
) -> Result<(), Invalid> {
    let size = |(name, value): (&String, &String)| name.len() + "=".len() + value.len();
    if let Some(long) = environment.clone().find(|variable| size(*variable) > MAX_ARGUMENT) {
        let reason = format!(
            "'{}' has {} bytes with its name, and Linux allows {MAX_ARGUMENT}; put the value into a file (inputFiles)",
            long.0,
            size(long)
        );
        return Err(Invalid::new("env", reason));
    }
    let variables: usize = environment.map(|variable| size(variable) + OVERHEAD).sum();
    let arguments: usize = words.iter().map(|word| word.len() + OVERHEAD).sum();
    if variables + arguments <= MAX_TOTAL {
        return Ok(());
    }
    let property = if variables > arguments { "env" } else { "commands" };
    let reason = format!(
        "the environment ({variables} bytes) and the arguments ({arguments} bytes) are too much together: Linux allows \
         2 MiB, and Batch needs some of them; put what is large into files (inputFiles)"
    );
    Err(Invalid::new(property, reason))
}

/// The short script in the place of a long one. None if the argument is not a script, or one of an interpreter that is
/// not known to run it the same way.
fn reader(words: &[String], long: usize) -> Option<&'static str> {
    let name = |word: &String| Some(word.rsplit('/').next()?.to_owned());
    let first = name(words.first()?)?;
    let (interpreter, options) = match first.as_str() {
        "busybox" => (words.get(1)?.clone(), 2),
        _ => (first, 1),
    };
    let (script, reader) = match interpreter.as_str() {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" => {
            (shell_script(words, options)?, SOURCE)
        }
        "zsh" => (shell_script(words, options)?, EVALUATE),
        other if is_python(other) => (python_script(words, options)?, COMPILE),
        _ => return None,
    };
    (script == long).then_some(reader)
}

/// `python`, `python3` and `python3.12`.
fn is_python(name: &str) -> bool {
    let version = name.strip_prefix("python");
    version.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// The number of the argument that a shell takes for its script: the first one behind all options, if `-c` is among
/// them.
fn shell_script(words: &[String], mut next: usize) -> Option<usize> {
    let mut has_script = false;
    loop {
        let word = words.get(next)?;
        let (start, letters) = word.split_at_checked(1).unwrap_or_default();
        if !matches!(start, "-" | "+") {
            break;
        }
        next += 1;
        match letters {
            "" | "-" => break,
            "-rcfile" | "-init-file" => next += 1,
            long if long.starts_with('-') => {}
            // The name of an option follows each.
            letters => next += letters.matches(['o', 'O']).count(),
        }
        has_script |= start == "-" && !letters.starts_with('-') && letters.contains('c');
    }
    has_script.then_some(next)
}

/// The number of the argument that Python takes for its script: the one behind `-c`, where the options end.
fn python_script(words: &[String], mut next: usize) -> Option<usize> {
    loop {
        let letters = words.get(next)?.strip_prefix('-')?;
        next += 1;
        if letters == "-check-hash-based-pycs" {
            next += 1;
        }
        if letters.starts_with('-') {
            continue;
        }
        // These take the rest of the word, or the next one.
        let Some(at) = letters.find(['c', 'm', 'W', 'X']) else { continue };
        match (letters.get(at..at + 1)?, letters.get(at + 1..)?) {
            ("c", "") => return Some(next),
            ("c" | "m", _) => return None,
            (_, "") => next += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let long = || "x".repeat(MAX_ARGUMENT + 1);
        line.split(' ').map(|word| if word == "LONG" { long() } else { word.to_owned() }).collect()
    }

    #[test]
    fn a_long_script_of_a_known_interpreter_is_read_from_a_file() {
        for (line, reader) in [
            ("/bin/sh -c LONG", SOURCE),
            ("bash -eu -c LONG zero one", SOURCE),
            ("bash -euo pipefail -c LONG -c", SOURCE),
            ("bash --norc --rcfile f -O extglob -o pipefail +x -ce LONG", SOURCE),
            ("dash -c -e -- LONG", SOURCE),
            ("ash -c - LONG", SOURCE),
            ("/bin/busybox sh -c LONG", SOURCE),
            ("/usr/bin/ksh -c LONG", SOURCE),
            ("zsh -fc LONG", EVALUATE),
            ("python -c LONG", COMPILE),
            ("/usr/bin/python3.12 -u -W ignore -Xdev -Ic LONG one -m", COMPILE),
        ] {
            let words = words(line);
            let argv = Argv::new(words.clone()).unwrap();
            assert_eq!(argv.script.as_ref(), words.iter().find(|word| word.len() > MAX_ARGUMENT));
            assert!(argv.words.iter().any(|word| word == reader), "{line}");
            assert_eq!(argv.words.len(), words.len());
        }
    }

    #[test]
    fn another_long_argument_is_refused_by_its_number() {
        for (line, number) in [
            ("LONG", 0),
            ("node -e LONG", 2),
            ("/bin/sh LONG", 1),
            ("/bin/sh -e LONG", 2),
            ("/bin/sh +c LONG", 2),
            ("/bin/sh -c true LONG", 3),
            ("/bin/sh -c LONG LONG", 3),
            ("/bin/sh file -c LONG", 3),
            ("/bin/sh -o LONG -c true", 2),
            ("busybox cat LONG", 2),
            ("python3 -m LONG", 2),
            ("python3 -m x -c LONG", 4),
            ("python3 -W LONG -c x", 2),
            ("python3 file -c LONG", 3),
            ("pythonic -c LONG", 2),
            ("/usr/bin/env bash -c LONG", 3),
        ] {
            let error = Argv::new(words(line)).unwrap_err();
            let start = format!("commands: argument {number} of the command has 131072 bytes");
            assert!(error.to_string().starts_with(&start), "{line}: {error}");
        }
        let fits = vec!["x".repeat(MAX_ARGUMENT)];
        assert_eq!(Argv::new(fits.clone()).unwrap(), Argv { words: fits, script: None });
    }

    #[test]
    fn a_long_variable_is_refused_by_its_name_and_so_is_too_much_of_all() {
        let check = |name: &str, value: usize, words: &[String]| {
            let (name, value) = (name.to_owned(), "s".repeat(value));
            let others: Vec<_> = (0..10).map(|n| (n.to_string(), "s".repeat(100_000))).collect();
            let all = [(name, value)].into_iter().chain(others).collect::<Vec<_>>();
            let checked = check_environment(all.iter().map(|(name, value)| (name, value)), words);
            checked.map_err(|error| error.to_string())
        };
        assert_eq!(check("A", MAX_ARGUMENT - 2, &[]), Ok(()));
        let error = check("TOKEN", MAX_ARGUMENT - 5, &[]).unwrap_err();
        assert!(error.starts_with("env: 'TOKEN' has 131072 bytes with its name"), "{error}");
        assert!(!error.contains("sss"));
        let error = check("A", 1, &vec!["x".repeat(100_000); 12]).unwrap_err();
        assert!(error.starts_with("commands: the environment (10001"), "{error}");
        assert!(
            check("A", 100_000, &vec!["x".repeat(100_000); 9]).unwrap_err().starts_with("env: ")
        );
    }
}
