//! Names that a run gives to things in Azure. They alone say which Kestra task run a job or a blob belongs to.

use std::path::Path;

use azure::blob::is_kept_as_is;

/// Longest id of a job or a task.
///
/// [Create Job](https://learn.microsoft.com/rest/api/batchservice/jobs/create-job)
const MAX_ID: usize = 64;

/// Lower-case hexadecimal digits of the digest of a task run's labels, and of a run's random token: together with the
/// readable part of a job id they fit into [`MAX_ID`].
const DIGEST_DIGITS: usize = 20;
const TOKEN_DIGITS: usize = 12;
const MAX_READABLE: usize = MAX_ID - DIGEST_DIGITS - TOKEN_DIGITS - 2;

/// What the directory of a run begins with.
const DIRECTORY_START: &str = "kestra-";

/// The two output streams of a task, as files of its directory. They are uploaded too: a node may be gone
/// before its logs are read.
pub(crate) const LOG_FILES: [&str; 2] = ["stdout.txt", "stderr.txt"];

/// The container's output directory, in its working directory. The local one has another name in every
/// attempt, so it cannot serve for a run that is resumed.
pub(crate) const OUTPUT_DIR: &str = "kestra-output";

/// Directory of the inputs that Blob Storage would not keep under their own names.
pub(crate) const RENAMED_DIR: &str = "kestra-renamed";

/// The names of one run: its job is `<readable>-<digest>-<token>`, and its blobs are in the directory
/// `kestra-<digest>-<token>`. All runs of a Kestra task run share the readable part and the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunNames {
    readable: String,
    digest: String,
    token: String,
}

impl RunNames {
    /// The names of the run with this directory. Kestra ends a job name with a part that differs in every attempt.
    /// None for a directory of another form.
    pub(crate) fn new(job_name: &str, directory: &str) -> Option<Self> {
        let name = job_name.rsplit_once('-').map_or(job_name, |(name, _)| name);
        let (digest, token) = parse_ids(directory.strip_prefix(DIRECTORY_START)?)?;
        Some(Self { readable: readable(name), digest, token })
    }

    /// The run of the same task run that this job belongs to, if it is one.
    pub(crate) fn of_job(&self, job_id: &str) -> Option<Self> {
        self.sibling(job_id.strip_prefix(&self.readable)?.strip_prefix('-')?)
    }

    /// The run of the same task run that this directory of blobs belongs to, if it is one.
    pub(crate) fn of_directory(&self, directory: &str) -> Option<Self> {
        self.sibling(directory.trim_end_matches('/').strip_prefix(DIRECTORY_START)?)
    }

    fn sibling(&self, ids: &str) -> Option<Self> {
        let (digest, token) = parse_ids(ids)?;
        (digest == self.digest).then(|| Self { token, ..self.clone() })
    }

    pub(crate) fn job_id(&self) -> String {
        format!("{}{}", self.job_start(), self.token)
    }

    /// The job has one task, and it bears the same id.
    pub(crate) fn task_id(&self) -> String {
        self.job_id()
    }

    /// What the ids of all jobs of the task run begin with, and of no other.
    pub(crate) fn job_start(&self) -> String {
        format!("{}-{}-", self.readable, self.digest)
    }

    /// What the directories of all runs of the task run begin with, and of no other.
    pub(crate) fn directory_start(&self) -> String {
        format!("{DIRECTORY_START}{}-", self.digest)
    }

    /// The directory of the run's blobs, which is also the name of the working directory in the task's `wd`.
    pub(crate) fn directory(&self) -> String {
        format!("{}{}", self.directory_start(), self.token)
    }

    /// What all blobs of the run begin with.
    pub(crate) fn blobs(&self) -> String {
        format!("{}/", self.directory())
    }

    pub(crate) fn inputs(&self) -> String {
        format!("{}in/", self.blobs())
    }

    /// The blob of an input file whose name is kept.
    pub(crate) fn input(&self, file: &Path) -> String {
        format!("{}{}", self.inputs(), file.display())
    }

    /// Whether Blob Storage keeps the name of an input file. Otherwise its blob has a number.
    pub(crate) fn keeps_input(&self, file: &Path) -> bool {
        let is_utf8 = file.to_str().is_some();
        is_utf8 && is_kept_as_is(&self.input(file)) && !file.starts_with(RENAMED_DIR)
    }

    /// The blob of an input file whose name is not kept.
    pub(crate) fn numbered_input(&self, number: usize) -> String {
        format!("{}{RENAMED_DIR}/{number}", self.inputs())
    }

    /// The first blob of a run. Whoever takes the task run over deletes it first.
    pub(crate) fn script(&self) -> String {
        format!("{}run.sh", self.blobs())
    }

    /// What a worker that takes over has to know.
    pub(crate) fn state(&self) -> String {
        format!("{}state.json", self.blobs())
    }

    /// What the task wrote to a stream, uploaded at its end.
    pub(crate) fn log(&self, file: &str) -> String {
        format!("{}logs/{file}", self.blobs())
    }

    /// What the blobs of all output files begin with. Apart from the inputs, so that a requeued task does not download
    /// its own outputs.
    pub(crate) fn outputs(&self) -> String {
        format!("{}out/", self.blobs())
    }

    /// Directory of the output files of the n-th directory.
    pub(crate) fn output(&self, directory: usize) -> String {
        format!("{}{directory}", self.outputs())
    }

    /// Directory of what the script reports of the working directory after the command. In a list it is before the files.
    pub(crate) fn report(&self) -> String {
        format!("{}-report", self.outputs())
    }
}

/// `<digest>-<token>`. Names come from outside, from a list of blobs say: any other form is not ours.
fn parse_ids(text: &str) -> Option<(String, String)> {
    let (digest, token) = text.split_once('-')?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_id = |id: &str, digits| id.len() == digits && id.bytes().all(is_hex);
    (is_id(digest, DIGEST_DIGITS) && is_id(token, TOKEN_DIGITS))
        .then(|| (digest.to_owned(), token.to_owned()))
}

/// The end of a name, which says flow and task, in the characters that Batch allows. It begins with a whole word.
fn readable(name: &str) -> String {
    let safe: String = name.chars().map(id_char).collect();
    let (start, end) = safe.split_at(safe.len().saturating_sub(MAX_READABLE));
    let is_cut = !start.is_empty() && !start.ends_with('-');
    let words = end.split_once('-').filter(|_| is_cut).map_or(end, |(_, words)| words);
    match words.trim_matches('-') {
        "" => "kestra".to_owned(),
        readable => readable.to_owned(),
    }
}

fn id_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    const DIRECTORY: &str = "kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0ff";

    fn names(job_name: &str) -> RunNames {
        RunNames::new(job_name, DIRECTORY).unwrap()
    }

    #[test]
    fn a_job_is_named_after_its_task_run_and_its_blobs() {
        let names = names("companyteam-flow-task-1a2b3c4d");
        assert_eq!(names.job_id(), "companyteam-flow-task-3f9a0c5e7b1d2468ace0-5c0ffee5c0ff");
        assert_eq!(names.directory(), DIRECTORY);
        assert_eq!(names.script(), "kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0ff/run.sh");
    }

    #[test]
    fn the_readable_part_of_a_job_id_begins_with_a_whole_word() {
        assert_eq!(readable("companyteam-namespace-file-read"), "namespace-file-read");
        assert_eq!(
            readable("team-azure-batch-runner-scrape-environment-info"),
            "runner-scrape-environment-info"
        );
        assert_eq!(readable(&"x".repeat(40)), "x".repeat(30));
        assert_eq!(readable("a-"), "a");
        assert_eq!(readable(&format!("{}-", "x".repeat(40))), "kestra");
    }

    #[test]
    fn only_directories_of_our_own_form_are_names() {
        for other in [
            "",
            "/",
            "kestra-",
            "kestra-5c0ffee5c0ff",
            "kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0fF",
            "kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0fg",
            "kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0ff0",
            "kestra-3f9a0c5e7b1d2468ace05c0ffee5c0ff",
            "kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0ff/",
            "/kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0ff",
            "kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0é",
            "precious",
        ] {
            assert_eq!(RunNames::new("a-1", other), None, "{other}");
        }
    }

    #[test]
    fn what_belongs_to_the_task_run_is_known_by_its_name() {
        let names = names("team-flow-task-1a2b3c4d");
        let sibling = |token: &str| RunNames { token: token.to_owned(), ..names.clone() };
        let earlier = sibling("0123456789ab");
        assert_eq!(names.of_job(&earlier.job_id()), Some(earlier.clone()));
        assert_eq!(names.of_directory(&earlier.blobs()), Some(earlier.clone()));
        for other in [
            "team-flow-task-1a2b3c4d",
            "team-flow-task-ffffffffffffffffffff-0123456789ab",
            "team-flow-other-3f9a0c5e7b1d2468ace0-0123456789ab",
            "team-flow-task-3f9a0c5e7b1d2468ace0-0123456789ab-x",
            "team-flow-task-3f9a0c5e7b1d2468ace0",
        ] {
            assert_eq!(names.of_job(other), None, "{other}");
        }
        for other in ["kestra-0123456789ab/", "kestra-runs/", "kestra-3f9a0c5e7b1d2468ace0/"] {
            assert_eq!(names.of_directory(other), None, "{other}");
        }
    }

    #[test]
    fn an_input_that_blob_storage_would_rename_has_a_number() {
        let names = names("a-1");
        assert!(names.keeps_input(Path::new("a b/c")));
        assert_eq!(names.input(Path::new("a b/c")), format!("{DIRECTORY}/in/a b/c"));
        // The last is shorter than the longest name, but not with what is before it.
        for changed in ["a\\b", "a.", "kestra-renamed/0", &"x".repeat(1000)] {
            assert!(!names.keeps_input(Path::new(changed)), "{changed}");
        }
        assert!(!names.keeps_input(Path::new(OsStr::from_bytes(b"\xff"))));
        assert_eq!(names.numbered_input(7), format!("{DIRECTORY}/in/kestra-renamed/7"));
        assert!(is_kept_as_is(&names.numbered_input(usize::MAX)));
    }

    proptest! {
        #[test]
        fn any_name_makes_an_id_that_batch_takes_and_that_is_found_again(name in "\\PC{0,80}", end in "[a-z0-9]{8}") {
            let first = names(&format!("{name}-{end}"));
            let id = first.job_id();
            prop_assert!(id.len() <= MAX_ID && id.chars().all(|c| id_char(c) == c), "{}", id);
            let next = names(&format!("{name}-00000000"));
            prop_assert!(id.starts_with(&next.job_start()));
            prop_assert_eq!(next.of_job(&id), Some(first));
        }
    }
}
