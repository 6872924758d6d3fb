//! Names that a run gives to things in Azure.

/// Longest id of a job or a task.
///
/// [Create Job](https://learn.microsoft.com/rest/api/batchservice/jobs/create-job)
const MAX_ID: usize = 64;

/// A job id made from Kestra's job name: letters, digits, `-` and `_`, at most 64 of them.
///
/// The end of the name is kept, because its random part makes the id unique.
pub(crate) fn job_id(job_name: &str) -> String {
    let safe: String = job_name.chars().map(id_char).collect();
    let start = safe.len().saturating_sub(MAX_ID);
    safe.get(start..).unwrap_or(&safe).to_owned()
}

fn id_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }
}

/// The two output streams of a task, as files of its directory. They are uploaded too: a node may be gone
/// before its logs are read.
pub(crate) const LOG_FILES: [&str; 2] = ["stdout.txt", "stderr.txt"];

/// The container's output directory, in its working directory. The local one has another name in every
/// attempt, so it cannot serve for a run that is resumed.
pub(crate) const OUTPUT_DIR: &str = "kestra-output";

/// Digits of the random part of a prefix, as Java makes it.
const TOKEN_DIGITS: usize = 12;

/// Names of the blobs of one run, all below one prefix: `kestra-` and twelve lower-case hexadecimal digits, drawn
/// for this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlobNames {
    prefix: String,
}

impl BlobNames {
    /// None for a prefix of another form: whatever asks for it, a blob, a job's label or a request, such blobs are
    /// not ours to read, to write or to remove.
    pub(crate) fn parse(prefix: &str) -> Option<Self> {
        let token = prefix.strip_prefix("kestra-")?.as_bytes();
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let ours = token.len() == TOKEN_DIGITS && token.iter().all(is_hex);
        ours.then(|| Self { prefix: prefix.to_owned() })
    }

    /// The prefix, which is also the name of the working directory in `wd`: unique to the run.
    pub(crate) fn directory(&self) -> &str {
        &self.prefix
    }

    /// What all blobs of the run begin with; the `/` keeps a longer sibling's blobs out.
    pub(crate) fn all(&self) -> String {
        format!("{}/", self.prefix)
    }

    pub(crate) fn inputs(&self) -> String {
        format!("{}/in/", self.prefix)
    }

    pub(crate) fn input(&self, file: &str) -> String {
        format!("{}/in/{file}", self.prefix)
    }

    pub(crate) fn script(&self) -> String {
        format!("{}/run.sh", self.prefix)
    }

    /// Written once the outcome is in the caller's books: nobody resumes the run after that.
    pub(crate) fn collected(&self) -> String {
        format!("{}/collected", self.prefix)
    }

    /// What the task wrote to a stream, uploaded at its end.
    pub(crate) fn log(&self, file: &str) -> String {
        format!("{}/logs/{file}", self.prefix)
    }

    /// How far the logs were delivered when the caller went away.
    pub(crate) fn delivered(&self) -> String {
        format!("{}/delivered", self.prefix)
    }

    /// Directory of the blobs that the n-th output pattern brings. Apart from the inputs, so that a
    /// requeued task does not download its own outputs.
    pub(crate) fn output(&self, pattern: usize) -> String {
        format!("{}/out/{pattern}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_has_only_the_characters_that_batch_allows() {
        assert_eq!(job_id("company.team_flow/ä-1"), "company-team_flow---1");
    }

    #[test]
    fn only_prefixes_of_our_own_form_are_names() {
        let names = BlobNames::parse("kestra-0123456789ab").unwrap();
        assert_eq!(names.all(), "kestra-0123456789ab/");
        for other in [
            "",
            "/",
            "kestra-",
            "kestra-1",
            "kestra-0123456789AB",
            "kestra-0123456789ag",
            "kestra-0123456789abc",
            "kestra-0123456789ab/",
            "/kestra-0123456789ab",
            "kestra-0123456789ä",
            "precious",
        ] {
            assert_eq!(BlobNames::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_long_job_name_keeps_its_unique_end() {
        let name = format!("{}-1a2b3c4d", "n".repeat(80));
        let id = job_id(&name);
        assert_eq!(id.len(), 64);
        assert!(id.ends_with("-1a2b3c4d"));
    }
}
