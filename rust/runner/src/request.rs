use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::Invalid;

/// What the caller sends, as JSON. Unknown fields are refused: a field that nobody reads is a mistake.
///
/// It holds secrets, so it has no `Debug`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Name of the Batch account.
    pub account: Option<String>,
    /// Shared key of the Batch account, base64. Without it, an identity of Entra ID signs in.
    pub access_key: Option<String>,
    /// Tenant of the identity that signs in to Batch.
    pub tenant_id: Option<String>,
    /// Client id of a service principal, or of a managed or workload identity where there is no secret and no certificate.
    pub client_id: Option<String>,
    /// Secret of the service principal.
    pub client_secret: Option<String>,
    /// Certificate and private key of the service principal, in PEM.
    pub pem_certificate: Option<String>,
    /// Base URL of the Batch account.
    pub endpoint: Option<String>,
    /// Pool that the job runs on; it exists already.
    pub pool_id: Option<String>,
    /// Where files are staged; without it no file goes in or out.
    pub blob_storage: Option<BlobStorage>,
    /// Where the image is, if that is not a public registry.
    pub registry: Option<Registry>,
    /// Program that starts the command, and its first arguments; the image's own if empty, none if it is an empty text.
    pub entry_point: Option<Vec<String>>,
    /// More options for `docker create`.
    pub container_run_options: Option<String>,
    /// Directories of the node that the container sees; without them, all of Batch's.
    pub container_host_batch_bind_mounts: Option<Vec<BindMount>>,
    /// Rights of the task's user on the node.
    pub elevation_level: Option<ElevationLevel>,
    /// Whether the task shares the user that Batch makes with others of its node.
    pub auto_user_scope: Option<AutoUserScope>,
    /// An account of the pool, instead of a user that Batch makes.
    pub user_name: Option<String>,
    /// Name of the job for people.
    pub display_name: Option<String>,
    /// Priority of the job among those of its pool.
    pub priority: Option<i32>,
    /// Slots of a node that the task takes.
    pub required_slots: Option<i32>,
    /// How often Batch runs the task again after an exit code other than 0.
    pub max_task_retry_count: Option<i32>,
    /// How long the node keeps the task's files after its end, in seconds.
    pub retention_time: Option<f64>,
    /// The Kestra task's own limit, in seconds. It goes before `wait_until_completion`.
    pub timeout: Option<f64>,
    /// How long the task may take, queue included, in seconds.
    pub wait_until_completion: Option<f64>,
    /// How long the task may wait for a node, in seconds; without it, as long as it may take.
    pub wait_until_running: Option<f64>,
    /// Longest pause between two looks at the task's state, in seconds.
    pub completion_check_interval: Option<f64>,
    /// Remove the job and the staged blobs at the end.
    pub delete: Option<bool>,
    /// Go on with the job that an earlier worker started for the same task run.
    pub resume: Option<bool>,
    /// Deliver log lines while the task runs, not only at its end.
    pub stream_logs: Option<bool>,
    /// Bring the whole working directory back.
    pub sync_working_directory: Option<bool>,
    /// Kestra's name for the job. Its random end is left out.
    pub job_name: String,
    /// Kestra's labels of the task run, kept as metadata of the job.
    pub labels: BTreeMap<String, String>,
    /// The flow's own labels beside them.
    pub extra_labels: Option<BTreeMap<String, String>>,
    /// Image that the task runs in.
    pub container_image: Option<String>,
    /// `LINUX`, `AUTO` or `WINDOWS`.
    pub target_os: Option<String>,
    /// The command, one argument an element.
    pub commands: Vec<String>,
    /// Environment of the task.
    pub environment: BTreeMap<String, String>,
    /// The Kestra task's working directory on this machine. What is in it goes in.
    pub local_working_dir: PathBuf,
    /// The absolute path that stands for the working directory inside the container.
    pub container_working_dir: String,
    /// The directory of the run's blobs, `kestra-<digest of the task run>-<token of the run>`.
    pub staging_prefix: String,
    /// Files to bring back, relative to the working directory; wildcards are allowed.
    pub output_files: Vec<String>,
    /// Directory whose whole content comes back, relative to the working directory. Nothing in it goes in.
    pub output_dir: Option<String>,
}

/// The container that files are staged in: by connection string, or by endpoint and an account key, a SAS or an identity.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlobStorage {
    /// Name of the container; it exists already.
    pub container_name: Option<String>,
    /// Connection string with an account key.
    pub connection_string: Option<String>,
    /// Blob endpoint, for the form without a connection string.
    pub endpoint: Option<String>,
    /// Name of the storage account.
    pub shared_key_account_name: Option<String>,
    /// Key of the storage account, base64.
    pub shared_key_account_access_key: Option<String>,
    /// SAS of the container or of the account.
    pub sas_token: Option<String>,
    /// An identity of the pool, by which nodes read and write the container.
    pub identity_reference: Option<IdentityReference>,
}

/// A private registry: by user name and password, or by the pool's identity.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registry {
    /// Host of the registry; Docker Hub where absent.
    pub registry_server: Option<String>,
    /// User name.
    pub user_name: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// A user-assigned identity of the pool.
    pub identity_reference: Option<IdentityReference>,
}

/// A user-assigned managed identity.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IdentityReference {
    /// Its whole Azure resource id.
    pub resource_id: Option<String>,
}

/// A directory of the node that the container sees.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BindMount {
    /// Which one.
    pub source: Option<BindSource>,
    /// Whether it cannot be written.
    pub is_read_only: Option<bool>,
}

/// The directories that Batch can mount on their own. That of a job preparation task is left out: a job here has none.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BindSource {
    /// The task's own.
    Task,
    /// That of all tasks of the node.
    Shared,
    /// That of the pool's start task.
    Startup,
    /// The file systems that the pool mounts.
    VfsMounts,
    /// The application packages.
    Applications,
}

/// Rights of the task's user on the node.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ElevationLevel {
    /// An ordinary user.
    NonAdmin,
    /// An administrator: root in the container.
    Admin,
}

/// With whom the task shares the user that Batch makes for it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AutoUserScope {
    /// With nobody.
    Task,
    /// With all tasks of its node that say so.
    Pool,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// Says which field is unknown or missing. Other texts of the JSON reader may quote a value, which can
    /// be a secret: of those only the place is reported.
    pub fn from_json(json: &str) -> Result<Self, Invalid> {
        serde_json::from_str(json).map_err(|error| Invalid::new("request", describe(&error)))
    }
}

fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("unknown field") || text.starts_with("missing field") {
        return text;
    }
    format!("malformed JSON at line {}, column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{OUTPUT_DIR, RunNames};

    const FIXTURE: &str = include_str!("../../../tests/fixtures/request.json");

    #[test]
    fn the_fixture_that_java_writes_is_read() {
        let request = Request::from_json(FIXTURE).unwrap();
        assert_eq!(request.account.as_deref(), Some("contosobatch"));
        assert_eq!(request.output_dir.as_deref(), Some("out"));
        let names = RunNames::new(&request.job_name, &request.staging_prefix).unwrap();
        let output_dir = format!("{}/{OUTPUT_DIR}", request.container_working_dir);
        assert!(request.container_working_dir.ends_with(&names.directory()));
        assert_eq!(request.environment["OUTPUT_DIR"], output_dir);
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        let json = FIXTURE.replace("\"poolId\"", "\"poolid\"");
        let error = Request::from_json(&json).err().unwrap();
        assert!(error.to_string().contains("`poolid`"), "{error}");
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_not_quoted() {
        let json = FIXTURE.replace("\"delete\": true", "\"delete\": \"canary-secret\"");
        let error = Request::from_json(&json).err().unwrap();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
