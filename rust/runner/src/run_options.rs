//! The options that a flow adds to `docker create`.

use crate::Invalid;
use crate::plan::given;

const PROPERTY: &str = "containerRunOptions";

/// Options with one dash that take no value, so that another may follow in the same word.
const SWITCHES: [char; 5] = ['d', 'i', 'P', 'q', 't'];

/// What Batch or the runner sets itself, and what to use instead.
const TAKEN: [(&[&str], &str); 4] = [
    (&["--entrypoint"], "set `entryPoint`"),
    (
        &["-w", "--workdir"],
        "the commands begin in the task's own directory, `{{ workingDir }}`; let them begin with `cd`",
    ),
    (&["--name"], "Azure Batch names the containers of its tasks"),
    (
        &["-u", "--user"],
        "Azure Batch runs the container as the task's user on the node; set `elevationLevel`, `autoUserScope` or `userName`",
    ),
];

/// Returns the options as they are sent, if there are any. What they mean is docker's to say.
///
/// # Errors
/// What would not be read as options, and options that the run sets itself.
pub(crate) fn run_options(text: Option<&str>) -> Result<Option<String>, Invalid> {
    let Some(text) = given(text) else { return Ok(None) };
    let refuse = |reason: String| Err(Invalid::new(PROPERTY, reason));
    if text.contains(char::is_control) {
        return refuse("it has a line end or another control character; write one line".to_owned());
    }
    let Some(words) = words(text) else {
        return refuse("a quote in it is not closed".to_owned());
    };
    if words.first().is_none_or(|first| !first.starts_with('-'))
        || words.iter().any(|word| word == "--")
    {
        return refuse(
            "it must begin with an option, such as --shm-size=1g, and hold nothing else: \
             docker would take a word that is none for the image"
                .to_owned(),
        );
    }
    for option in words.iter().filter_map(|word| option(word)) {
        if let Some((_, instead)) = TAKEN.iter().find(|(names, _)| names.contains(&option.as_str()))
        {
            return refuse(format!("{option} cannot be set there: {instead}"));
        }
    }
    Ok(Some(text.to_owned()))
}

/// The words, as a shell without expansions splits them. None if a quote is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    for c in text.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// The name of the option that a word is, without its value: of `-itw/srv` it is `-w`.
fn option(word: &str) -> Option<String> {
    if word.starts_with("--") {
        return word.split('=').next().map(str::to_owned);
    }
    let letters = word.strip_prefix('-')?;
    letters.chars().find(|letter| !SWITCHES.contains(letter)).map(|letter| format!("-{letter}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_sent_as_they_are() {
        for text in [
            "--gpus all --shm-size=1g --memory 4g --cpus 2",
            "--rm -it -v /usr:/opt/usr:ro -e 'A=two words' --label \"a b\"",
            "--ulimit memlock=-1:-1 --memory-swap -1",
        ] {
            assert_eq!(run_options(Some(text)).unwrap().as_deref(), Some(text));
        }
        assert_eq!(run_options(Some(" --init\n")).unwrap().as_deref(), Some("--init"));
        assert_eq!(run_options(Some(" ")), Ok(None));
        assert_eq!(run_options(None), Ok(None));
    }

    #[test]
    fn an_option_that_the_run_sets_itself_is_refused_with_what_to_set_instead() {
        for (text, start) in [
            ("--rm --entrypoint=/bin/x", "--entrypoint cannot be set there: set `entryPoint`"),
            ("--entrypoint ''", "--entrypoint cannot be"),
            ("-w /srv", "-w cannot be set there: the commands begin in"),
            ("-itw/srv", "-w cannot"),
            ("'--workdir'=/srv", "--workdir cannot"),
            ("--init --name mine", "--name cannot"),
            ("-u0", "-u cannot be set there: Azure Batch runs the container"),
            ("--user root", "--user cannot"),
        ] {
            let error = run_options(Some(text)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("containerRunOptions: {start}")), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_no_list_of_options_is_refused() {
        for (text, reason) in [
            ("gpus all", "must begin with an option"),
            ("--init -- x", "must begin with an option"),
            ("--init\n--rm", "has a line end"),
            ("-e 'A=b", "a quote in it is not closed"),
        ] {
            let error = run_options(Some(text)).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
