//! Kestra's labels: they tell to which task run a job or a blob belongs.

use azure::batch::Job;

/// The label for the attempt. It is not compared: it differs for a retry and for a worker that takes over alike.
const ATTEMPT: &str = "kestra-taskrun-attempt";

/// What all attempts at a task run have in common.
pub(crate) fn of_task_run(labels: &[(String, String)]) -> impl Iterator<Item = &(String, String)> {
    labels.iter().filter(|(name, _)| name != ATTEMPT)
}

/// Whether the job is one of this task run.
pub(crate) fn are_on(job: &Job, labels: &[(String, String)]) -> bool {
    let mut compared = of_task_run(labels).peekable();
    compared.peek().is_some()
        && compared.all(|(name, value)| {
            job.metadata.iter().any(|item| item.name == *name && item.value == *value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

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
        assert!(are_on(&job(&[("kestra-taskrun-id", "a"), (ATTEMPT, "0"), ("x", "y")]), &ours));
    }

    #[test]
    fn somebody_elses_job_is_not_ours() {
        let ours = labels(&[("kestra-taskrun-id", "a"), ("kestra-flow-id", "f")]);
        assert!(!are_on(&job(&[("kestra-taskrun-id", "b"), ("kestra-flow-id", "f")]), &ours));
        assert!(!are_on(&job(&[("kestra-taskrun-id", "a")]), &ours));
        assert!(!are_on(&job(&[]), &ours));
        assert!(!are_on(&job(&[]), &labels(&[(ATTEMPT, "0")])), "no label says whose job it is");
    }
}
