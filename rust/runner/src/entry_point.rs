//! What starts the command in the container.

use crate::Invalid;

const PROPERTY: &str = "entryPoint";

/// The program that gets the command as its arguments.
///
/// Batch makes the command line of a container task docker's command, so an image with an ENTRYPOINT would hand it to
/// that program. Its documentation says that a command line replaces the entry point; clearing it is right both ways.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EntryPoint {
    /// That of the image, or none.
    OfImage,
    /// None: the command runs by itself.
    Cleared,
    /// Another program, and its first arguments.
    Program(String, Vec<String>),
}

impl EntryPoint {
    /// Reads the list as Kestra's Docker runner does: an empty one leaves the image's own, one of an empty text clears it.
    ///
    /// # Errors
    /// Words that Batch might split or change.
    pub(crate) fn new(words: &[String]) -> Result<Self, Invalid> {
        match words {
            [] => Ok(Self::OfImage),
            [only] if only.is_empty() => Ok(Self::Cleared),
            [program, arguments @ ..] => {
                if let Some(word) = words.iter().find(|word| !is_plain(word)) {
                    return Err(Invalid::new(PROPERTY, not_plain(word)));
                }
                Ok(Self::Program(program.clone(), arguments.to_vec()))
            }
        }
    }

    /// The option for docker. It needs no quotes, so it means the same however it is split.
    pub(crate) fn option(&self) -> Option<String> {
        match self {
            Self::OfImage => None,
            Self::Cleared => Some("--entrypoint=".to_owned()),
            Self::Program(program, _) => Some(format!("--entrypoint={program}")),
        }
    }

    /// The whole command line: docker takes one word for the entry point, and its arguments before the command's.
    pub(crate) fn command_line(&self, command: &str) -> String {
        match self {
            Self::Program(_, arguments) if !arguments.is_empty() => {
                format!("{} {command}", arguments.join(" "))
            }
            _ => command.to_owned(),
        }
    }
}

/// Whether it is one word, by all rules.
fn is_plain(word: &str) -> bool {
    let special = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\');
    !word.is_empty() && !word.contains(special)
}

fn not_plain(word: &str) -> String {
    format!(
        "'{word}' is empty or has a blank, a quote or a backslash, and Azure Batch does not say how it splits them; \
         put the command into a script of the image"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_point(words: &[&str]) -> Result<EntryPoint, Invalid> {
        EntryPoint::new(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn the_list_means_what_it_means_to_docker() {
        let table: [(&[&str], Option<&str>, &str); 4] = [
            (&[], None, "/bin/sh x"),
            (&[""], Some("--entrypoint="), "/bin/sh x"),
            (&["/usr/bin/tini"], Some("--entrypoint=/usr/bin/tini"), "/bin/sh x"),
            (&["tini", "-s", "--"], Some("--entrypoint=tini"), "-s -- /bin/sh x"),
        ];
        for (words, option, command_line) in table {
            let entry_point = entry_point(words).unwrap();
            assert_eq!(entry_point.option().as_deref(), option);
            assert_eq!(entry_point.command_line("/bin/sh x"), command_line);
        }
    }

    #[test]
    fn a_word_that_might_be_split_is_refused() {
        for wrong in ["two words", "a\"b", "it's", "back\\slash", "line\nend"] {
            let error = entry_point(&["tini", wrong]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("entryPoint: '{wrong}'")), "{error}");
        }
        assert!(entry_point(&["", "x"]).is_err());
    }
}
