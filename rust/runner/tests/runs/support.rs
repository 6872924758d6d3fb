//! A local Azure account for one test: an emulator in this process, and Azurite.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use azure::batch::{BatchClient, Job, JobState, Throttle};
use azure::blob::BlobContainer;
use azure::{RetryPolicy, SharedKey};
use azure_batch_emulator::{
    BlobPrefix, Consistency, Emulator, EndedExitCode, Isolation, RequestRecord, RequeueCount,
    Settings, Splitting, WildcardBase,
};
use runner::{Event, EventReceiver, Level, Network, Outcome, Plan, Request, Status, Stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::azurite::{self, Azurite};
use crate::java;

const ACCOUNT: &str = "labbatch";
const KEY: &str = "bGFiLWJhdGNoLWtleQ==";
/// Of the task run and of one run of it.
pub(crate) const DIGEST: &str = "3f9a0c5e7b1d2468ace0";
pub(crate) const TOKEN: &str = "0123456789ab";
pub(crate) const POOL: &str = "pool";
const IMAGE: &str = "ubuntu:latest";
const CONTAINER: &str = "kestra";

pub(crate) struct Lab {
    pub(crate) emulator: Emulator,
    pub(crate) azurite: Azurite,
    /// Runs of a test are those of one worker.
    network: Network,
    /// The node's directories.
    pub(crate) node: TempDir,
    /// The Kestra task's working directory on the worker.
    pub(crate) dir: TempDir,
    /// The image, and Azurite's files where they are on disk.
    _others: [TempDir; 2],
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::start_with(usual()).await
    }

    /// A service that differs from the usual one in some choices.
    pub(crate) async fn start_with(choices: Settings) -> Self {
        Self::start_at(choices, tempfile::tempdir().unwrap(), Azurite::start().await).await
    }

    /// The blobs are on disk.
    pub(crate) async fn start_on_disk() -> Self {
        let blobs = tempfile::tempdir().unwrap();
        let azurite = Azurite::start_with(&["--location", blobs.path().to_str().unwrap()]).await;
        Self::start_at(usual(), blobs, azurite).await
    }

    pub(crate) async fn start_at(choices: Settings, blobs: TempDir, azurite: Azurite) -> Self {
        let image = tempfile::tempdir().unwrap();
        let node = tempfile::tempdir().unwrap();
        let settings = Settings {
            account: ACCOUNT.to_owned(),
            key: KEY.to_owned(),
            images: [choices.images, [(IMAGE.to_owned(), image.path().to_owned())].into()]
                .into_iter()
                .flatten()
                .collect(),
            isolation: Isolation::Bubblewrap,
            node_root: Some(node.path().to_owned()),
            ..choices
        };
        azurite.create_container(CONTAINER).await;
        Self {
            emulator: Emulator::start(settings).await.unwrap(),
            azurite,
            network: Network::new().unwrap(),
            node,
            dir: tempfile::tempdir().unwrap(),
            _others: [image, blobs],
        }
    }

    /// A request for a shell command, to be changed by the test.
    pub(crate) fn request(&self, script: &str) -> Value {
        json!({
            "account": ACCOUNT,
            "accessKey": KEY,
            "endpoint": self.emulator.endpoint(),
            "poolId": POOL,
            "blobStorage": {
                "containerName": CONTAINER,
                "endpoint": self.azurite.endpoint,
                "sharedKeyAccountName": azurite::ACCOUNT,
                "sharedKeyAccountAccessKey": azurite::KEY,
            },
            "timeout": null,
            "waitUntilCompletion": 60,
            "waitUntilRunning": null,
            "completionCheckInterval": 0.2,
            "delete": true,
            "resume": true,
            "registry": null,
            "entryPoint": [""],
            "elevationLevel": "NON_ADMIN",
            "autoUserScope": "TASK",
            "streamLogs": true,
            "syncWorkingDirectory": false,
            "jobName": "company-team-flow-task-1a2b3c4d",
            "labels": {"kestra-namespace": "company.team"},
            "containerImage": IMAGE,
            "targetOs": "AUTO",
            "commands": ["/bin/sh", "-c", script],
            "environment": {"GREETING": "it's \"quoted\" $HOME"},
            "localWorkingDir": self.dir.path(),
            "containerWorkingDir": format!("/tmp/kestra-{DIGEST}-{TOKEN}"),
            "stagingPrefix": format!("kestra-{DIGEST}-{TOKEN}"),
            "outputFiles": [],
            "outputDir": null,
        })
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// The directory `wd` of a run's task, on whatever node it is.
    pub(crate) fn wd(&self, request: &Value) -> PathBuf {
        let task = job_id(request);
        let relative = format!("workitems/{task}/job-1/{task}/wd");
        let nodes = std::fs::read_dir(self.node.path()).unwrap();
        nodes.map(|node| node.unwrap().path().join(&relative)).find(|wd| wd.exists()).unwrap()
    }

    /// Removes the task's directory, as the loss of its node does.
    pub(crate) fn lose_node(&self) {
        for entry in std::fs::read_dir(self.node.path()).unwrap() {
            std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir.path().join(name)).unwrap()
    }

    pub(crate) fn start_run(&self, request: &Value) -> Run {
        Run::retrying(RetryPolicy::default(), request, &self.network)
    }

    pub(crate) fn start_run_with(&self, request: &Value, http: &reqwest::Client) -> Run {
        Run::retrying(RetryPolicy::default(), request, &Network::over(http.clone()))
    }

    pub(crate) async fn run(&self, request: &Value) -> Report {
        self.start_run(request).ended().await
    }

    /// The same by a worker that waits little, also for what it does not find and may be new.
    pub(crate) async fn run_impatiently(&self, request: &Value) -> Report {
        let retry = RetryPolicy { max: Duration::from_millis(100), ..RetryPolicy::default() };
        Run::retrying(retry, request, &self.network).ended().await
    }

    pub(crate) fn batch(&self) -> BatchClient {
        let key = SharedKey::new(ACCOUNT, KEY).unwrap();
        let (endpoint, retry) = (self.emulator.endpoint(), RetryPolicy::default());
        let http = azure::http_client().unwrap();
        BatchClient::new(&endpoint, key, http, retry, Throttle::default()).unwrap()
    }

    pub(crate) async fn jobs(&self) -> Vec<Job> {
        self.batch().list_jobs(None).await.unwrap()
    }

    pub(crate) fn jobs_created(&self) -> usize {
        let requests = self.emulator.requests();
        let created =
            |one: &&RequestRecord| one.operation == Some("Create Job") && one.status == 201;
        requests.iter().filter(created).count()
    }

    /// Waits until every list has this number of jobs, in this state.
    pub(crate) async fn until_jobs(&self, count: usize, state: JobState) {
        until(async || {
            let jobs = self.jobs().await;
            jobs.len() == count && jobs.iter().all(|job| job.state == state)
        })
        .await;
    }

    /// How often anybody has looked for jobs.
    pub(crate) fn searches(&self) -> usize {
        let requests = self.emulator.requests();
        requests.iter().filter(|request| request.operation == Some("List Jobs")).count()
    }

    pub(crate) fn container(&self) -> BlobContainer {
        self.azurite.container(CONTAINER)
    }

    /// Names of all blobs.
    pub(crate) async fn blobs(&self) -> Vec<String> {
        self.blobs_below("").await
    }

    pub(crate) async fn blobs_below(&self, prefix: &str) -> Vec<String> {
        let blobs = self.container().list(prefix).await.unwrap();
        blobs.into_iter().map(|blob| blob.name).collect()
    }

    /// Requests that the emulator saw and that change something.
    pub(crate) fn changes(&self) -> Vec<String> {
        let requests = self.emulator.requests();
        let changing = requests.iter().filter(|r| r.method != "GET" && r.method != "HEAD");
        changing.map(|r| format!("{} {}", r.method, r.path)).collect()
    }
}

/// A service with one pool. With `EMULATOR_VARIANT=other` it does the other thing wherever Azure leaves it open, is not
/// consistent at once, and takes few requests in a second. A test that is about one of these says which.
pub(crate) fn usual() -> Settings {
    let settings = Settings { pools: vec![POOL.into()], ..Settings::default() };
    match std::env::var("EMULATOR_VARIANT").as_deref() {
        Err(_) => settings,
        Ok("other") => Settings {
            // Not the logs at the end: most tests wait for a line of a task that runs.
            command_line: Splitting::Argvw,
            blob_prefix: BlobPrefix::Strip,
            wildcard_base: WildcardBase::WorkingDirectory,
            ended_exit_code: EndedExitCode::Absent,
            requeue_count: RequeueCount::Requests,
            state_delay: Duration::from_millis(300).into(),
            consistency: Consistency::Eventual,
            rate_limit: 25.try_into().ok(),
            ..settings
        },
        Ok(unknown) => panic!("EMULATOR_VARIANT is {unknown}"),
    }
}

/// A request for another task run of the same flow, under names of its own.
pub(crate) fn renamed(request: &Value) -> Value {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    with_names(request, &format!("{number:020x}"), TOKEN)
}

/// The request of the next worker: the same task run, another attempt, another token.
pub(crate) fn next_attempt(request: &Value) -> Value {
    let digest = directory(request)["kestra-".len()..].split('-').next().unwrap().to_owned();
    let mut request = with_names(request, &digest, "ba9876543210");
    request["jobName"] = json!("company-team-flow-task-5e6f7a8b");
    request["labels"]["kestra-taskrun-attempt"] = json!("1");
    request
}

pub(crate) fn with_names(request: &Value, digest: &str, token: &str) -> Value {
    let text = request.to_string().replace(directory(request), &format!("kestra-{digest}-{token}"));
    serde_json::from_str(&text).unwrap()
}

/// Of the run's blobs.
pub(crate) fn directory(request: &Value) -> &str {
    request["stagingPrefix"].as_str().unwrap()
}

pub(crate) fn job_id(request: &Value) -> String {
    format!("company-team-flow-task-{}", &directory(request)["kestra-".len()..])
}

/// Waits for something that is about to happen.
pub(crate) async fn until(happened: impl AsyncFnMut() -> bool) {
    assert!(happens(happened).await, "it did not happen");
}

/// Waits for something that may happen.
pub(crate) async fn happens(mut happened: impl AsyncFnMut() -> bool) -> bool {
    let waiting = async {
        while !happened().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.is_ok()
}

/// A run under way, seen as its caller sees it.
pub(crate) struct Run {
    events: EventReceiver,
    pub(crate) kill: CancellationToken,
    pub(crate) task: JoinHandle<()>,
    report: Report,
}

/// A run whose caller has gone, and what it told before.
pub(crate) struct Left {
    pub(crate) report: Report,
    pub(crate) kill: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

/// What a run told.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
    /// Also those that come with a step.
    pub(crate) notes: Vec<(Level, String)>,
    pub(crate) steps: Vec<String>,
    outcome: Option<Outcome>,
    ended: bool,
}

impl Run {
    pub(crate) fn start(plan: Plan) -> Self {
        let (events, receiver) = runner::channel();
        let kill = CancellationToken::new();
        let task = tokio::spawn(runner::run(plan, events, kill.clone()));
        Self { events: receiver, kill, task, report: Report::default() }
    }

    pub(crate) fn retrying(retry: RetryPolicy, request: &Value, network: &Network) -> Self {
        let request = Request::from_json(&request.to_string()).unwrap();
        Self::start(Plan::with_retry(request, network, retry).unwrap())
    }

    pub(crate) async fn ended(mut self) -> Report {
        while self.pull().await {}
        self.task.await.unwrap();
        self.report
    }

    pub(crate) async fn until_line(&mut self, line: &str) {
        while !self.report.stdout.iter().any(|l| l == line) {
            assert!(self.pull().await, "no line '{line}': {:?}", self.report);
        }
    }

    pub(crate) async fn until_note(&mut self, start: &str) {
        while !self.report.notes.iter().any(|(_, note)| note.starts_with(start)) {
            assert!(self.pull().await, "no note '{start}': {:?}", self.report);
        }
    }

    pub(crate) fn has_outcome(&self) -> bool {
        self.report.has_outcome()
    }

    /// Not pulled any further, so the outcome is not acknowledged.
    pub(crate) async fn until_outcome(&mut self) {
        while !self.has_outcome() {
            assert!(self.pull().await, "no outcome: {:?}", self.report);
        }
    }

    pub(crate) async fn until_end(&mut self) {
        while self.pull().await {}
    }

    /// Cancelled once the run needs this process no more.
    pub(crate) fn left(&self) -> CancellationToken {
        self.events.left()
    }

    /// The outcome is recorded.
    pub(crate) fn acknowledge(&self) {
        self.events.acknowledge();
    }

    /// The caller goes away; the run's future lives on.
    pub(crate) fn leave(self) -> Left {
        Left { report: self.report, kill: self.kill, task: self.task }
    }

    /// A caller records an outcome before it asks for what follows.
    async fn pull(&mut self) -> bool {
        if self.has_outcome() {
            self.acknowledge();
        }
        let events = self.events.next().await;
        let over = events.is_empty();
        events.iter().for_each(|event| self.answer(event));
        events.into_iter().for_each(|event| self.report.take(event));
        !over
    }
}

impl Run {
    /// Kestra's answer to a question.
    fn answer(&self, event: &Event) {
        if let Event::Select { directory, patterns, names } = event {
            let matching = java::matching(Path::new(directory), patterns, names);
            self.events.select(matching.into_iter().map(Option::unwrap_or_default).collect());
        }
    }
}

impl Report {
    fn take(&mut self, event: Event) {
        match event {
            Event::Log { stream: Stream::Stdout, lines, .. } => self.stdout.extend(lines),
            Event::Log { stream: Stream::Stderr, lines, .. } => self.stderr.extend(lines),
            Event::Note { level, message } => self.notes.push((level, message)),
            Event::Progress { step, message } => {
                self.steps.push(step);
                self.notes.push((Level::Info, message));
            }
            Event::Outcome(outcome) => self.outcome = Some(outcome),
            Event::Select { .. } => {}
            Event::End => self.ended = true,
        }
    }

    /// Status and exit code, once everything is over.
    pub(crate) fn result(&self) -> Option<(Status, Option<i32>)> {
        self.told().filter(|_| self.ended)
    }

    /// Status and exit code, as soon as they were told.
    pub(crate) fn told(&self) -> Option<(Status, Option<i32>)> {
        self.outcome.as_ref().map(|outcome| (outcome.status, outcome.exit_code))
    }

    pub(crate) fn has_outcome(&self) -> bool {
        self.outcome.is_some()
    }

    pub(crate) fn outcome(&self) -> &Outcome {
        assert!(self.ended, "{self:?}");
        self.outcome.as_ref().unwrap()
    }

    pub(crate) fn message(&self) -> &str {
        self.outcome().message.as_deref().unwrap_or_default()
    }
}
