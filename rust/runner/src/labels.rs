//! The labels of a job: Kestra's tell to which task run it belongs, and our own tell which run made it.

use azure::batch::Job;

use crate::names::BlobNames;

/// Our own label: the mark of the run that created the job, unique to it.
pub(crate) const MARK: &str = "kestra-run";

/// Our own label: the prefix of the job's blobs. Absent where it has none.
pub(crate) const PREFIX: &str = "kestra-staging-prefix";

/// The label for the attempt. It is not compared: it differs for a retry and for a worker that takes over alike.
const ATTEMPT: &str = "kestra-taskrun-attempt";

/// What all attempts at a task run have in common.
pub(crate) fn of_task_run(labels: &[(String, String)]) -> impl Iterator<Item = &(String, String)> {
    labels.iter().filter(|(name, _)| name != ATTEMPT)
}

/// Whether the job is one of this task run. One that bears no mark of ours, or names blobs of another form, was not
/// made by this plugin.
pub(crate) fn are_on(job: &Job, labels: &[(String, String)]) -> bool {
    let has_our_form = |name| value_of(job, name).map(|value| BlobNames::parse(value).is_some());
    if has_our_form(MARK) != Some(true) || has_our_form(PREFIX) == Some(false) {
        return false;
    }
    let mut compared = of_task_run(labels).peekable();
    compared.peek().is_some()
        && compared.all(|(name, value)| {
            job.metadata.iter().any(|item| item.name == *name && item.value == *value)
        })
}

/// Whether the run with this mark created the job. Its id alone does not tell: another may have taken it before.
pub(crate) fn is_marked(job: &Job, mark: &str) -> bool {
    value_of(job, MARK) == Some(mark)
}

/// The names of a job's blobs, if it has any.
pub(crate) fn blob_names(job: &Job) -> Option<BlobNames> {
    value_of(job, PREFIX).and_then(BlobNames::parse)
}

fn value_of<'a>(job: &'a Job, name: &str) -> Option<&'a str> {
    job.metadata.iter().find(|item| item.name == name).map(|item| item.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    const OUR_MARK: (&str, &str) = (MARK, "kestra-0123456789ab");

    fn job(labels: &[(&str, &str)]) -> Job {
        let metadata: Vec<_> = labels
            .iter()
            .map(|(name, value)| serde_json::json!({"name": name, "value": value}))
            .collect();
        let job = serde_json::json!({"id": "j", "state": "active", "metadata": metadata});
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn a_retry_finds_the_job_of_the_attempt_before() {
        let ours = labels(&[("kestra-taskrun-id", "a"), (ATTEMPT, "1")]);
        let first = [OUR_MARK, ("kestra-taskrun-id", "a"), (ATTEMPT, "0"), ("x", "y")];
        assert!(are_on(&job(&first), &ours));
        assert!(!are_on(&job(&first[1..]), &ours), "it bears no mark");
    }

    #[test]
    fn somebody_elses_job_is_not_ours() {
        let ours = labels(&[("kestra-taskrun-id", "a"), ("kestra-flow-id", "f")]);
        let is_ours = |labels: &[_]| are_on(&job(&[&[OUR_MARK], labels].concat()), &ours);
        let (id, flow) = (("kestra-taskrun-id", "a"), ("kestra-flow-id", "f"));
        assert!(is_ours(&[id, flow]));
        assert!(!is_ours(&[("kestra-taskrun-id", "b"), flow]));
        assert!(!is_ours(&[id]));
        assert!(!is_ours(&[]));
        assert!(!is_ours(&[id, flow, (PREFIX, "precious")]), "we name no such blobs");
        let nobodys = labels(&[(ATTEMPT, "0")]);
        assert!(!are_on(&job(&[OUR_MARK]), &nobodys), "no label says whose job it is");
    }

    #[test]
    fn a_job_bears_the_mark_of_the_run_that_made_it_and_no_other() {
        assert!(is_marked(&job(&[("x", "y"), (MARK, "kestra-1")]), "kestra-1"));
        assert!(!is_marked(&job(&[(MARK, "kestra-2"), (PREFIX, "kestra-1")]), "kestra-1"));
        assert!(!is_marked(&job(&[]), "kestra-1"));
    }
}
