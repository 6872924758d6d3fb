//! Which blobs belong to which Kestra task run, from the first of them on.
//!
//! A job's metadata names its blobs, but blobs come before the job, and a worker may die in between. So a run
//! first writes a claim, an empty blob `kestra-runs/<task run>/<prefix>`, and the next worker of the same task
//! run finds what has no job. The claim goes last.

use std::fmt::Write;

use azure::blob::BlobContainer;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::labels;
use crate::names::BlobNames;
use crate::plan::Plan;

/// Bytes of the digest: enough to tell the task runs of one container apart.
const DIGEST_BYTES: usize = 10;

/// The claims of one task run.
pub(crate) struct Claims<'a> {
    container: &'a BlobContainer,
    directory: String,
}

impl<'a> Claims<'a> {
    /// None where nobody would look for them, or where blobs are to stay.
    pub(crate) fn of(plan: &'a Plan) -> Option<Self> {
        let staged = plan.staged().filter(|_| plan.resume && plan.delete)?;
        let directory = directory(&plan.metadata)?;
        Some(Self { container: &staged.container, directory })
    }

    pub(crate) async fn add(&self, names: &BlobNames) -> azure::Result<()> {
        self.container.put_bytes(&self.name(names), Bytes::new()).await
    }

    /// Whether the claim still stands: whoever takes the task run over removes it with the blobs.
    pub(crate) async fn holds(&self, names: &BlobNames) -> azure::Result<bool> {
        Ok(self.all().await?.contains(names))
    }

    pub(crate) async fn remove(&self, names: &BlobNames) -> azure::Result<()> {
        self.container.delete(&self.name(names)).await
    }

    /// The blobs of all runs of this task run that were not cleaned up. Others can write to the container too, so
    /// only names of our own form count.
    pub(crate) async fn all(&self) -> azure::Result<Vec<BlobNames>> {
        let claims = self.container.list(&self.directory).await?;
        let prefixes = claims.iter().filter_map(|claim| claim.name.strip_prefix(&self.directory));
        Ok(prefixes.filter_map(BlobNames::parse).collect())
    }

    fn name(&self, names: &BlobNames) -> String {
        format!("{}{}", self.directory, names.directory())
    }
}

/// Nothing where no label says whose run it is.
fn directory(labels: &[(String, String)]) -> Option<String> {
    let mut digest = Sha256::new();
    let mut labels = labels::of_task_run(labels).peekable();
    labels.peek()?;
    for (name, value) in labels {
        for text in [name, value] {
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
    }
    let mut directory = "kestra-runs/".to_owned();
    for byte in &digest.finalize()[..DIGEST_BYTES] {
        let _ = write!(directory, "{byte:02x}");
    }
    Some(directory + "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: &[(&str, &str)]) -> Option<String> {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        directory(&labels)
    }

    #[test]
    fn all_attempts_of_a_task_run_share_a_directory_and_no_other_does() {
        let first = of(&[("kestra-taskrun-attempt", "0"), ("kestra-taskrun-id", "a")]);
        assert_eq!(first, of(&[("kestra-taskrun-attempt", "1"), ("kestra-taskrun-id", "a")]));
        assert_ne!(first, of(&[("kestra-taskrun-attempt", "0"), ("kestra-taskrun-id", "b")]));
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert!(
            first.is_some_and(|name| name.len() == "kestra-runs/".len() + 2 * DIGEST_BYTES + 1)
        );
    }

    #[test]
    fn a_run_without_labels_has_no_claims() {
        assert_eq!(of(&[("kestra-taskrun-attempt", "0")]), None);
    }
}
