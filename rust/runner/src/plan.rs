use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use azure::batch::{BatchClient, ContainerSettings, UserIdentity};
use azure::{RetryPolicy, SharedKey, check_account_name};

use crate::account::Account;
use crate::command::{self, Argv, Report, Script};
use crate::container::container_settings;
use crate::entry_point::EntryPoint;
use crate::limits::Limit;
use crate::names::{OUTPUT_DIR, RunNames};
use crate::network::Network;
use crate::outputs::OutputSpec;
use crate::scheduling::Scheduling;
use crate::sign_in::batch_credential;
use crate::storage::Files;
use crate::submit::fits;
use crate::user::user_identity;
use crate::{Invalid, Request};

/// Azure Batch ends every task after 180 days.
const LONGEST_LIMIT: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// Small files are bound by the time of a request, so many are under way at once: as many of these as the service takes.
pub(crate) const TRANSFERS_AT_ONCE: usize = 64;

/// A shorter pause between two looks at a task would only be throttled.
const SHORTEST_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// A request with every question answered: what will be created, under which names, with which limits.
///
/// It holds clients with secrets in them, so it has no `Debug`.
pub struct Plan {
    pub(crate) batch: BatchClient,
    pub(crate) account: String,
    /// What this run has in common with others of the account.
    pub(crate) shared: Arc<Account>,
    pub(crate) pool_id: String,
    /// Of the run's own job and blobs. A run that goes on with an earlier one takes over the names of that.
    pub(crate) names: RunNames,
    pub(crate) scheduling: Scheduling,
    pub(crate) container: ContainerSettings,
    pub(crate) entry_point: EntryPoint,
    pub(crate) user: UserIdentity,
    pub(crate) command: Command,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) local_working_dir: PathBuf,
    /// Relative to the working directory. It is for outputs only.
    pub(crate) local_output_dir: Option<PathBuf>,
    pub(crate) limit: Limit,
    /// How long the task may wait for a node.
    pub(crate) start_limit: Option<Limit>,
    pub(crate) check_interval: Duration,
    pub(crate) delete: bool,
    pub(crate) resume: bool,
    pub(crate) stream_logs: bool,
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
    pub(crate) files: Files,
    pub(crate) script: Script,
    pub(crate) wanted: OutputSpec,
}

/// How both services are reached.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) network: &'a Network,
    pub(crate) retry: RetryPolicy,
}

impl Plan {
    /// Plans the run without asking any service.
    ///
    /// # Errors
    /// The first property that is missing, malformed or contradicts another.
    pub fn new(request: Request, network: &Network) -> Result<Self, Invalid> {
        Self::with_retry(request, network, RetryPolicy::default())
    }

    /// The same, with another idea of how often and how long to try again.
    ///
    /// # Errors
    /// Those of [`Plan::new`].
    pub fn with_retry(
        request: Request,
        network: &Network,
        retry: RetryPolicy,
    ) -> Result<Self, Invalid> {
        let way = Way { network, retry };
        check_target_os(request.target_os.as_deref())?;
        let (names, limit) = (run_names(&request)?, limit(&request)?);
        let command = plan_command(&request, &names, limit, way)?;
        let (batch, shared) = batch_client(&request, way)?;
        let entry_point = EntryPoint::new(&required("entryPoint", request.entry_point.clone())?)?;
        let account = required_text("account", request.account.as_deref())?;
        Ok(Self {
            batch,
            account,
            shared,
            pool_id: required_text("poolId", request.pool_id.as_deref())?,
            names,
            container: container_settings(&request, &entry_point)?,
            entry_point,
            user: user_identity(&request)?,
            limit,
            start_limit: start_limit(&request)?,
            check_interval: check_interval(&request)?,
            delete: required("delete", request.delete)?,
            resume: required("resume", request.resume)?,
            stream_logs: required("streamLogs", request.stream_logs)?,
            scheduling: Scheduling::new(&request)?,
            environment: request.environment.into_iter().collect(),
            local_working_dir: request.local_working_dir,
            local_output_dir: request.output_dir.map(PathBuf::from),
            command,
        })
    }

    pub(crate) fn staged(&self) -> Option<&Staged> {
        match &self.command {
            Command::Inline(_) => None,
            Command::Staged(staged) => Some(staged),
        }
    }

    /// Whether the next worker of the task run may take this one for dead and remove its blobs.
    pub(crate) fn may_be_taken_over(&self) -> bool {
        self.resume && self.delete
    }
}

fn plan_command(
    request: &Request,
    names: &RunNames,
    limit: Limit,
    way: Way<'_>,
) -> Result<Command, Invalid> {
    if request.commands.is_empty() {
        return Err(Invalid::new("commands", "there is no command to run"));
    }
    match &request.blob_storage {
        Some(storage) => stage(request, Files::new(request, storage, limit, way)?, names),
        None => inline(request, names),
    }
}

fn stage(request: &Request, files: Files, names: &RunNames) -> Result<Command, Invalid> {
    let argv = Argv::new(request.commands.clone())?;
    command::check_environment(request.environment.iter(), &argv.words)?;
    let everything = required("syncWorkingDirectory", request.sync_working_directory)?;
    let wanted = OutputSpec::new(
        &request.output_files,
        (request.output_dir.as_deref(), everything),
        &request.local_working_dir,
        |patterns| fits(&files, names, patterns),
    );
    let report = (!wanted.is_empty())
        .then(|| Report { directories: wanted.everything(), deep: wanted.is_deep() });
    Ok(Command::Staged(Box::new(Staged {
        files,
        script: Script { report, ..script(request, names, argv) },
        wanted,
    })))
}

/// Java makes them: by another one, the next worker would not find what this one leaves.
fn run_names(request: &Request) -> Result<RunNames, Invalid> {
    let form = "it must be 'kestra-', 20 and, after a '-', 12 lower-case hexadecimal digits";
    RunNames::new(&request.job_name, &request.staging_prefix)
        .ok_or_else(|| Invalid::new("stagingPrefix", form))
}

fn inline(request: &Request, names: &RunNames) -> Result<Command, Invalid> {
    refuse_outputs(request)?;
    let argv = Argv { words: request.commands.clone(), script: None };
    let line = command::inline_command_line(&script(request, names, argv).inline_text())?;
    command::check_environment(request.environment.iter(), &request.commands)?;
    Ok(Command::Inline(line))
}

fn refuse_outputs(request: &Request) -> Result<(), Invalid> {
    let everything = request.sync_working_directory == Some(true);
    if request.output_files.is_empty() && request.output_dir.is_none() && !everything {
        return Ok(());
    }
    let reason = "`outputFiles`, `{{ outputDir }}` and `syncWorkingDirectory` come back through a blob container, \
                  so the task runner needs a `blobStorage`";
    Err(Invalid::new("blobStorage", reason))
}

fn script(request: &Request, names: &RunNames, argv: Argv) -> Script {
    Script {
        link: request.container_working_dir.clone(),
        directory: names.directory(),
        output_dir: request.output_dir.is_some().then_some(OUTPUT_DIR),
        argv,
        report: None,
    }
}

fn check_target_os(target_os: Option<&str>) -> Result<(), Invalid> {
    if target_os.is_some_and(|target_os| target_os.eq_ignore_ascii_case("windows")) {
        return Err(Invalid::new(
            "targetOS",
            "WINDOWS is not supported: the task runs in a Linux container, use LINUX or AUTO",
        ));
    }
    Ok(())
}

/// What a property says. Blanks around it are not meant: a secret often has a newline at its end.
pub(crate) fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

/// A property that every run needs.
pub(crate) fn required<T>(property: &'static str, value: Option<T>) -> Result<T, Invalid> {
    value.ok_or_else(|| Invalid::new(property, "it is required, and empty"))
}

pub(crate) fn required_text(
    property: &'static str,
    value: Option<&str>,
) -> Result<String, Invalid> {
    let reason = "it is required, and empty: set it in the flow, or for all flows in the configuration of Kestra's plugins";
    given(value).map(str::to_owned).ok_or_else(|| Invalid::new(property, reason))
}

/// The task's own timeout, or the runner's limit.
fn limit(request: &Request) -> Result<Limit, Invalid> {
    match request.timeout {
        Some(seconds) => checked_limit("timeout", seconds),
        None => {
            let property = "waitUntilCompletion";
            checked_limit(property, required(property, request.wait_until_completion)?)
        }
    }
}

fn start_limit(request: &Request) -> Result<Option<Limit>, Invalid> {
    let limit = |seconds| checked_limit("waitUntilRunning", seconds);
    request.wait_until_running.map(limit).transpose()
}

fn checked_limit(property: &'static str, seconds: f64) -> Result<Limit, Invalid> {
    let time = Duration::try_from_secs_f64(seconds).ok();
    let time = time.filter(|time| !time.is_zero() && *time <= LONGEST_LIMIT);
    let reason = "it must be longer than 0 and at most 180 days (P180D)";
    Ok(Limit { property, time: time.ok_or_else(|| Invalid::new(property, reason))? })
}

fn check_interval(request: &Request) -> Result<Duration, Invalid> {
    let property = "completionCheckInterval";
    let seconds = required(property, request.completion_check_interval)?;
    Ok(checked_limit(property, seconds)?.time.max(SHORTEST_CHECK_INTERVAL))
}

fn batch_client(request: &Request, way: Way<'_>) -> Result<(BatchClient, Arc<Account>), Invalid> {
    let account = required_text("account", request.account.as_deref())?;
    let endpoint = required_text("endpoint", request.endpoint.as_deref())?;
    let credential = batch_credential(request, &account, &endpoint, way)?;
    let shared = way.network.account(&endpoint);
    let (http, throttle) = (way.network.http.clone(), shared.throttle.clone());
    BatchClient::new(&endpoint, credential, http, way.retry, throttle)
        .map(|client| (client, shared))
        .map_err(|error| Invalid::new("endpoint", error))
}

pub(crate) fn shared_key(
    (name_property, name): (&'static str, &str),
    (key_property, key): (&'static str, &str),
) -> Result<SharedKey, Invalid> {
    check_account_name(name).map_err(|error| Invalid::new(name_property, error))?;
    SharedKey::new(name, key).map_err(|error| Invalid::new(key_property, error))
}
