use std::path::PathBuf;
use std::time::Duration;

use azure::batch::{BatchClient, ContainerRegistry, ElevationLevel, IdentityReference};
use azure::blob::{BlobContainer, StorageAccount, check_blob_name};
use azure::{RetryPolicy, SharedKey, check_account_name};

use crate::command::{self, Script};
use crate::names::{self, BlobNames, OUTPUT_DIR};
use crate::outputs::Wanted;
use crate::{BlobStorage, Invalid, Registry, Request};

/// Azure Batch ends every task after 180 days.
const LONGEST_LIMIT: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// Small files are bound by the time of a request, so many are under way at once.
pub(crate) const TRANSFERS_AT_ONCE: usize = 32;

/// A shorter pause between two looks at a task would only be throttled.
const SHORTEST_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// A request with every question answered: what will be created, under which names, with which limits.
///
/// It holds clients with secrets in them, so it has no `Debug`.
pub struct Plan {
    pub(crate) batch: BatchClient,
    pub(crate) account: String,
    pub(crate) pool_id: String,
    pub(crate) job_id: String,
    /// What its own job carries, and no other.
    pub(crate) mark: String,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) image: String,
    pub(crate) registry: Option<ContainerRegistry>,
    pub(crate) elevation_level: ElevationLevel,
    pub(crate) command: Command,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) local_dir: PathBuf,
    pub(crate) limit: Duration,
    /// How long the task may wait for a node.
    pub(crate) start_limit: Option<Duration>,
    pub(crate) check_interval: Duration,
    pub(crate) delete: bool,
    pub(crate) resume: bool,
    pub(crate) stream_logs: bool,
    /// Things that the flow's author should know before the run starts.
    pub(crate) warnings: Vec<String>,
}

/// How the command reaches the node.
pub(crate) enum Command {
    /// On the Batch command line itself; no files go in or out.
    Inline(String),
    /// As a script in blob storage, with the files.
    Staged(Box<Staged>),
}

/// What goes through blob storage.
pub(crate) struct Staged {
    pub(crate) container: BlobContainer,
    pub(crate) names: BlobNames,
    pub(crate) script: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) wanted: Wanted,
}

/// How both services are reached.
#[derive(Clone, Copy)]
struct Network<'a> {
    http: &'a reqwest::Client,
    retry: RetryPolicy,
}

impl Plan {
    /// Plans the run without asking any service.
    ///
    /// # Errors
    /// The first property that is missing, malformed or contradicts another.
    pub fn new(request: Request, http: &reqwest::Client) -> Result<Self, Invalid> {
        Self::with_retry(request, http, RetryPolicy::default())
    }

    /// The same, with another idea of how often and how long to try again.
    ///
    /// # Errors
    /// Those of [`Plan::new`].
    pub fn with_retry(
        request: Request,
        http: &reqwest::Client,
        retry: RetryPolicy,
    ) -> Result<Self, Invalid> {
        let network = Network { http, retry };
        check_target_os(&request.target_os)?;
        let image = required("containerImage", request.container_image.as_deref())?;
        let pool_id = required("poolId", Some(&request.pool_id))?;
        let account = required("account", Some(&request.account))?;
        let names = blob_names(&request.staging_prefix)?;
        let mark = names.directory().to_owned();
        let (command, warnings) = plan_command(&request, names, network)?;
        Ok(Self {
            batch: batch_client(&account, &request, network)?,
            job_id: names::job_id(&request.job_name),
            metadata: request.labels.into_iter().collect(),
            environment: request.environment.into_iter().collect(),
            local_dir: request.local_working_dir,
            limit: limit("waitUntilCompletion", request.wait_until_completion_millis)?,
            start_limit: request
                .wait_until_running_millis
                .map(|millis| limit("waitUntilRunning", millis))
                .transpose()?,
            check_interval: Duration::from_millis(request.completion_check_interval_millis)
                .max(SHORTEST_CHECK_INTERVAL),
            account,
            registry: request.registry.as_ref().map(container_registry).transpose()?,
            elevation_level: match request.elevation_level {
                crate::ElevationLevel::NonAdmin => ElevationLevel::NonAdmin,
                crate::ElevationLevel::Admin => ElevationLevel::Admin,
            },
            delete: request.delete,
            resume: request.resume,
            stream_logs: request.stream_logs,
            pool_id,
            image,
            mark,
            command,
            warnings,
        })
    }

    pub(crate) fn staged(&self) -> Option<&Staged> {
        match &self.command {
            Command::Inline(_) => None,
            Command::Staged(staged) => Some(staged),
        }
    }

    /// Goes on with the job of an earlier worker, and with the blobs that it staged.
    pub(crate) fn adopt(&mut self, job_id: String, names: Option<BlobNames>) {
        self.job_id = job_id;
        if let (Command::Staged(staged), Some(names)) = (&mut self.command, names) {
            staged.names = names;
        }
    }

    /// The job has one task, and it bears the same id.
    pub(crate) fn task_id(&self) -> &str {
        &self.job_id
    }
}

fn plan_command(
    request: &Request,
    names: BlobNames,
    network: Network<'_>,
) -> Result<(Command, Vec<String>), Invalid> {
    if request.commands.is_empty() {
        return Err(Invalid::new("commands", "there is no command to run"));
    }
    match &request.blob_storage {
        Some(storage) => Ok((stage(request, storage, names, network)?, Vec::new())),
        None => inline(request),
    }
}

fn stage(
    request: &Request,
    storage: &BlobStorage,
    names: BlobNames,
    network: Network<'_>,
) -> Result<Command, Invalid> {
    request.input_files.iter().try_for_each(|file| check_input(&names.input(file)))?;
    let inputs = (!request.input_files.is_empty()).then(|| names.inputs());
    let everything = request.sync_working_directory;
    Ok(Command::Staged(Box::new(Staged {
        container: blob_container(storage, network)?,
        script: script(request, inputs.as_deref()).staged_text(),
        wanted: Wanted::new(&request.output_files, request.output_dir.as_deref(), everything)?,
        inputs: request.input_files.clone(),
        names,
    })))
}

/// Java draws it for every run; by another one, the next worker would not find what this one leaves.
fn blob_names(prefix: &str) -> Result<BlobNames, Invalid> {
    let form = "it must be 'kestra-' and twelve lower-case hexadecimal digits";
    BlobNames::parse(prefix).ok_or_else(|| Invalid::new("stagingPrefix", form))
}

/// A file that Blob Storage cannot hold under its name.
fn check_input(blob: &str) -> Result<(), Invalid> {
    check_blob_name(blob).map_err(|error| Invalid::new("inputFiles", error))
}

fn inline(request: &Request) -> Result<(Command, Vec<String>), Invalid> {
    if !request.output_files.is_empty() {
        return Err(Invalid::new("outputFiles", "output files need blobStorage to come back by"));
    }
    if request.output_dir.is_some() {
        return Err(Invalid::new("outputDirectory", "it needs blobStorage to come back by"));
    }
    let line = command::inline_command_line(&script(request, None).text())?;
    let warnings = (!request.input_files.is_empty())
        .then(|| {
            format!(
                "blobStorage is not set: the {} input files are not available to the task",
                request.input_files.len()
            )
        })
        .into_iter()
        .collect();
    Ok((Command::Inline(line), warnings))
}

fn script<'a>(request: &'a Request, inputs: Option<&'a str>) -> Script<'a> {
    Script {
        link: &request.container_working_dir,
        directory: &request.staging_prefix,
        inputs,
        output_dir: request.output_dir.is_some().then_some(OUTPUT_DIR),
        argv: &request.commands,
    }
}

fn check_target_os(target_os: &str) -> Result<(), Invalid> {
    if target_os.eq_ignore_ascii_case("windows") {
        return Err(Invalid::new(
            "targetOS",
            "WINDOWS is not supported: the task runs in a Linux container, use LINUX or AUTO",
        ));
    }
    Ok(())
}

/// What a property says. Blanks around it are not meant: a secret often has a newline at its end.
fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

fn required(property: &'static str, value: Option<&str>) -> Result<String, Invalid> {
    let missing = || Invalid::new(property, "it is required, and empty");
    given(value).map(str::to_owned).ok_or_else(missing)
}

fn limit(property: &'static str, millis: u64) -> Result<Duration, Invalid> {
    let limit = Duration::from_millis(millis);
    if limit.is_zero() || limit > LONGEST_LIMIT {
        let reason = "it must be longer than 0 and at most 180 days (P180D)";
        return Err(Invalid::new(property, reason));
    }
    Ok(limit)
}

fn batch_client(
    account: &str,
    request: &Request,
    network: Network<'_>,
) -> Result<BatchClient, Invalid> {
    let key = required("accessKey", Some(&request.access_key))?;
    let key = shared_key(("account", account), ("accessKey", &key))?;
    let endpoint = required("endpoint", Some(&request.endpoint))?;
    BatchClient::new(&endpoint, key, network.http.clone(), network.retry)
        .map_err(|error| Invalid::new("endpoint", error))
}

fn shared_key(
    (name_property, name): (&'static str, &str),
    (key_property, key): (&'static str, &str),
) -> Result<SharedKey, Invalid> {
    check_account_name(name).map_err(|error| Invalid::new(name_property, error))?;
    SharedKey::new(name, key).map_err(|error| Invalid::new(key_property, error))
}

fn container_registry(registry: &Registry) -> Result<ContainerRegistry, Invalid> {
    let identity = registry.identity_reference.as_ref();
    let user = given(registry.user_name.as_deref());
    let password = given(registry.password.as_deref());
    let resource_id = given(identity.and_then(|identity| identity.resource_id.as_deref()));
    let missing = match (user, password, resource_id) {
        (Some(_), Some(_), None) | (None, None, Some(_)) => None,
        (Some(_), None, None) => Some("registry.password"),
        (None, Some(_), None) => Some("registry.userName"),
        (None, None, None) => Some("registry.identityReference.resourceId"),
        (_, _, Some(_)) => {
            let reason = "it is set together with userName or password; keep one of the two forms";
            return Err(Invalid::new("registry.identityReference", reason));
        }
    };
    if let Some(property) = missing {
        let reason = "it is missing; set userName and password, or identityReference.resourceId";
        return Err(Invalid::new(property, reason));
    }
    Ok(ContainerRegistry {
        registry_server: given(registry.registry_server.as_deref()).map(str::to_owned),
        username: user.map(str::to_owned),
        password: password.map(str::to_owned),
        identity_reference: resource_id
            .map(|resource_id| IdentityReference { resource_id: resource_id.to_owned() }),
    })
}

fn blob_container(storage: &BlobStorage, network: Network<'_>) -> Result<BlobContainer, Invalid> {
    let container = required("blobStorage.containerName", storage.container_name.as_deref())?;
    let account = storage_account(storage)?;
    BlobContainer::new(account, &container, network.http.clone(), network.retry)
        .map_err(|error| Invalid::new("blobStorage.containerName", error))
}

fn storage_account(storage: &BlobStorage) -> Result<StorageAccount, Invalid> {
    let connection = given(storage.connection_string.as_deref());
    let parts = [
        ("blobStorage.endpoint", given(storage.endpoint.as_deref())),
        ("blobStorage.sharedKeyAccountName", given(storage.shared_key_account_name.as_deref())),
        (
            "blobStorage.sharedKeyAccountAccessKey",
            given(storage.shared_key_account_access_key.as_deref()),
        ),
    ];
    match (connection, parts.iter().find(|(_, value)| value.is_some())) {
        (Some(connection), None) => StorageAccount::from_connection_string(connection)
            .map_err(|error| Invalid::new("blobStorage.connectionString", error)),
        (Some(_), Some((property, _))) => Err(Invalid::new(
            "blobStorage.connectionString",
            format!("it is set together with {property}; keep one of the two forms"),
        )),
        (None, None) => Err(Invalid::new(
            "blobStorage.connectionString",
            "it is missing; set it, or endpoint, sharedKeyAccountName and sharedKeyAccountAccessKey",
        )),
        (None, Some(_)) => storage_account_of_parts(parts),
    }
}

fn storage_account_of_parts(
    parts: [(&'static str, Option<&str>); 3],
) -> Result<StorageAccount, Invalid> {
    let [endpoint, name, key] = parts.map(|(property, _)| property);
    let [endpoint_value, name_value, key_value] =
        parts.map(|(property, value)| required(property, value));
    let (endpoint_value, name_value, key_value) = (endpoint_value?, name_value?, key_value?);
    let key = shared_key((name, &name_value), (key, &key_value))?;
    StorageAccount::new(&endpoint_value, key).map_err(|error| Invalid::new(endpoint, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(json: serde_json::Value) -> Registry {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn blanks_around_what_a_registry_needs_are_not_meant() {
        let of_user = container_registry(&registry(serde_json::json!({
            "registryServer": " contoso.azurecr.io\n", "userName": "puller\n", "password": "secret\r\n",
            "identityReference": {"resourceId": " \n"},
        })))
        .unwrap();
        assert_eq!(of_user.registry_server.as_deref(), Some("contoso.azurecr.io"));
        assert_eq!(of_user.username.as_deref(), Some("puller"));
        assert_eq!(of_user.password.as_deref(), Some("secret"));
        assert_eq!(of_user.identity_reference, None);
        let of_identity = container_registry(&registry(serde_json::json!({
            "registryServer": " ", "userName": "", "identityReference": {"resourceId": "/subscriptions/x\n"},
        })))
        .unwrap();
        assert_eq!(of_identity.registry_server, None);
        assert_eq!(of_identity.identity_reference.unwrap().resource_id, "/subscriptions/x");
    }
}
