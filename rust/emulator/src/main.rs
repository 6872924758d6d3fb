//! The command line program.

mod entra_arguments;

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use azure_batch_emulator::{
    AuthenticationMode, BlobPrefix, Consistency, Emulator, EndedExitCode, Fault, Isolation,
    LinkedStorage, Logs, PoolSettings, RequeueCount, Settings, Splitting, StartTask, StateDelays,
    WildcardBase,
};
use clap::{Parser, ValueEnum};
use entra_arguments::{EntraArguments, renew_token_files, write_token_files};
use tokio::signal::unix::{SignalKind, signal};

/// A local Azure Batch account: answers the REST API and runs tasks on this machine
#[derive(Parser)]
#[command(name = "azure-batch-emulator", version)]
struct Arguments {
    /// The loopback address to listen on; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The name of the Batch account
    #[arg(long, value_name = "NAME", default_value = "emulator")]
    account: String,
    /// The account's key in base64
    #[arg(long, value_name = "BASE64")]
    key: String,
    /// How clients may authenticate; the default is in every way
    #[arg(long, value_enum, value_delimiter = ',', value_name = "MODE,…")]
    authentication_modes: Vec<AuthenticationMode>,
    #[command(flatten)]
    entra: EntraArguments,
    /// A pool; repeatable. The default has one dedicated node with 4 task slots, and containers
    // Named explicitly: clap would use `From<&str>`, which does not parse the options.
    #[arg(
        long = "pool",
        value_name = "NAME[:nodes=1,low-priority=0,slots=4,containers=yes|no,identity=ID,user=NAME,admin=NAME,start-delay=MILLIS]",
        value_parser = PoolSettings::from_str
    )]
    pools: Vec<PoolSettings>,
    /// The start task of a pool's nodes, which must succeed; repeatable
    #[arg(long = "start-task", value_name = "POOL=COMMAND", value_parser = parse_start_task)]
    start_tasks: Vec<(String, StartTask)>,
    /// The connection string of the storage account that is linked to the Batch account
    #[arg(long, value_name = "CONNECTION-STRING")]
    auto_storage: Option<LinkedStorage>,
    /// A container image; repeatable. A path with bin/sh in it becomes the task's root file system,
    /// any other is mounted at /opt/image with its bin first in PATH. A file entrypoint.json in it,
    /// a JSON array, is the image's ENTRYPOINT
    #[arg(long = "image", value_name = "NAME=PATH", value_parser = parse_image)]
    images: Vec<(String, PathBuf)>,
    /// How tasks are isolated from this machine's files; the default is bwrap where it works
    #[arg(long, value_enum)]
    isolation: Option<IsolationArgument>,
    /// Write one JSON line per request to this file
    #[arg(long, value_name = "FILE")]
    request_log: Option<PathBuf>,
    /// The directory of the nodes' files; the default is a temporary directory, removed at the end
    #[arg(long, value_name = "DIR")]
    node_root: Option<PathBuf>,
    /// When a task's output can be read
    #[arg(long, value_enum, default_value_t)]
    logs: Logs,
    /// The syntax of command lines
    #[arg(long, value_enum, default_value_t)]
    command_line: Splitting,
    /// How the blobPrefix of resource files is treated
    #[arg(long, value_enum, default_value_t)]
    blob_prefix: BlobPrefix,
    /// Where the path begins that an output file with a wildcard keeps
    #[arg(long, value_enum, default_value_t)]
    wildcard_base: WildcardBase,
    /// Whether a task that is ended while its command runs has an exit code
    #[arg(long, value_enum, default_value_t)]
    ended_exit_code: EndedExitCode,
    /// Which requeues of a task its requeueCount counts
    #[arg(long, value_enum, default_value_t)]
    requeue_count: RequeueCount,
    /// The minimum time in each state before jobs and tasks change state by themselves
    #[arg(long, value_name = "MILLIS|STATE=MILLIS,…", default_value = "0")]
    state_delay: StateDelays,
    /// When reads see what was written
    #[arg(long, value_enum, default_value_t)]
    consistency: Consistency,
    /// How many requests per second the account answers; others get 429
    #[arg(long, value_name = "N")]
    rate_limit: Option<NonZeroU32>,
    /// A fault to inject, create-job#1=503 for example; repeatable
    #[arg(long = "fault", value_name = "EVENT[#N]=FAILURE")]
    faults: Vec<Fault>,
    /// How many minutes the service's clock is ahead of this machine's; negative if it is behind
    #[arg(long, value_name = "MINUTES", default_value = "0", allow_negative_numbers = true)]
    clock_offset: i32,
    /// The quota of active jobs and job schedules of the account
    #[arg(long, value_name = "N", default_value_t = Settings::JOB_QUOTA)]
    job_quota: usize,
    /// How late the statistics of tasks, jobs and job schedules are
    #[arg(long, value_name = "MILLIS", default_value_t = 0)]
    stats_delay: u64,
    /// The shortest recurrenceInterval and startWindow of a job schedule; Azure's is a minute
    #[arg(long, value_name = "MILLIS", default_value_t = Settings::SCHEDULE_MINIMUM.as_millis() as u64)]
    schedule_minimum: u64,
    /// How many times faster than on Azure pools are sampled and autoscale formulas evaluated
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=3000))]
    autoscale_speed: u32,
    /// How long the id of a job cannot be reused after the job is deleted
    #[arg(long, value_name = "MILLIS", default_value_t = Settings::DELETED_ID_DELAY.as_millis() as u64)]
    deleted_id_delay: u64,
    /// How long a client may be silent before its connection is closed
    #[arg(long, value_name = "SECONDS", default_value_t = Settings::CLIENT_TIMEOUT.as_secs())]
    client_timeout: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum IsolationArgument {
    /// A sandbox (bubblewrap)
    Bwrap,
    /// Plain processes
    None,
}

fn parse_image(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.to_owned(), path.into()))
        }
        _ => Err("it must be NAME=PATH".to_owned()),
    }
}

fn parse_start_task(text: &str) -> Result<(String, StartTask), String> {
    let (pool, command) = text.split_once('=').ok_or("it must be POOL=COMMAND")?;
    Ok((pool.to_owned(), command.into()))
}

/// Sets the start tasks of the pools.
///
/// # Errors
/// When a start task names an unknown pool.
fn assign_start_tasks(arguments: &mut Arguments) -> Result<(), String> {
    for (name, task) in arguments.start_tasks.drain(..) {
        let pool = arguments.pools.iter_mut().find(|pool| pool.id.eq_ignore_ascii_case(&name));
        let pool = pool.ok_or_else(|| format!("--start-task names an unknown pool: {name}"))?;
        pool.start_task = Some(task);
    }
    Ok(())
}

impl From<Arguments> for Settings {
    fn from(arguments: Arguments) -> Settings {
        Settings {
            listen: arguments.listen,
            account: arguments.account,
            key: arguments.key,
            authentication_modes: modes(arguments.authentication_modes),
            // Read before, because that can fail.
            entra: None,
            pools: arguments.pools,
            auto_storage: arguments.auto_storage,
            images: arguments.images.into_iter().collect(),
            isolation: isolation(arguments.isolation),
            request_log: arguments.request_log,
            node_root: arguments.node_root,
            logs: arguments.logs,
            command_line: arguments.command_line,
            blob_prefix: arguments.blob_prefix,
            wildcard_base: arguments.wildcard_base,
            ended_exit_code: arguments.ended_exit_code,
            requeue_count: arguments.requeue_count,
            state_delay: arguments.state_delay,
            consistency: arguments.consistency,
            rate_limit: arguments.rate_limit,
            faults: arguments.faults,
            clock_offset: arguments.clock_offset,
            job_quota: arguments.job_quota,
            stats_delay: Duration::from_millis(arguments.stats_delay),
            schedule_minimum: Duration::from_millis(arguments.schedule_minimum),
            autoscale_speed: arguments.autoscale_speed,
            deleted_id_delay: Duration::from_millis(arguments.deleted_id_delay),
            client_timeout: Duration::from_secs(arguments.client_timeout),
        }
    }
}

fn modes(asked: Vec<AuthenticationMode>) -> Vec<AuthenticationMode> {
    if asked.is_empty() { AuthenticationMode::ALL.into() } else { asked }
}

fn isolation(asked: Option<IsolationArgument>) -> Isolation {
    match asked {
        Some(IsolationArgument::Bwrap) => Isolation::Bubblewrap,
        Some(IsolationArgument::None) => Isolation::None,
        None => Isolation::detect(),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    let asked = arguments.isolation.is_some();
    let token_files = arguments.entra.take_token_files();
    let settings = match settings(arguments) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("azure-batch-emulator: {error}");
            return ExitCode::FAILURE;
        }
    };
    if !asked && settings.isolation == Isolation::None {
        eprintln!(
            "bubblewrap does not work here: tasks run as plain processes and see this machine's files"
        );
    }
    match run(settings, &token_files).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("azure-batch-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

/// # Errors
/// Names the argument that cannot be used.
fn settings(mut arguments: Arguments) -> Result<Settings, String> {
    assign_start_tasks(&mut arguments)?;
    let entra = arguments.entra.settings()?;
    Ok(Settings { entra, ..Settings::from(arguments) })
}

/// Serves until SIGINT or SIGTERM.
async fn run(
    settings: Settings,
    token_files: &[(String, PathBuf)],
) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let emulator = Emulator::start(settings).await?;
    write_token_files(&emulator, token_files)?;
    print_endpoint(&emulator)?;
    tokio::select! {
        () = renew_token_files(&emulator, token_files) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    emulator.shutdown().await;
    Ok(())
}

/// Prints the endpoints. Programs that start the emulator read the ports from these lines.
fn print_endpoint(emulator: &Emulator) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on {}", emulator.endpoint())?;
    if let Some(issuer) = emulator.issuer_endpoint() {
        writeln!(stdout, "issuer on {issuer}")?;
    }
    stdout.flush()
}
