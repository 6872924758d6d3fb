//! Creates the job with its one task.

use std::time::Duration;

use azure::batch::{
    EnvironmentSetting, IdentityReference, JobConstraints, JobPatch, NewJob, NewTask,
    OnAllTasksComplete, OutputFile, OutputFileBlobContainerDestination, OutputFileDestination,
    OutputFileUploadOptions, PoolInfo, ResourceFile, TaskConstraints, UploadCondition,
};
use azure::blob::SasPermissions;

use crate::command::{self, REPORT_DIR};
use crate::error::RunError;
use crate::limits::Limit;
use crate::names::{LOG_FILES, RunNames};
use crate::outputs::Patterns;
use crate::plan::{Command, Plan};
use crate::storage::Files;

/// What a job may live beyond the run's own limit, which a worker keeps: it is for a job that no worker watches.
const JOB_MARGIN: Duration = Duration::from_secs(60 * 60);

/// What a signature may live beyond the run's own limit. The job ends first, so no task begins or uploads with
/// an expired signature, however long it waited for a node: uploads take time, and clocks differ.
const SIGNATURE_MARGIN: Duration = Duration::from_secs(2 * 60 * 60);

/// Longest list of output files, in characters of its JSON.
const MAX_LIST_CHARS: usize = 32_768;

/// An output file has more characters than a hundredth of [`MAX_LIST_CHARS`], because of its signature.
const MAX_OUTPUT_FILES: usize = 100;

const TASK_MARGIN: Duration = Duration::from_secs(60);

/// What the service calls it that the id of a new job is taken. The id is this run's own, so an attempt whose reply was
/// lost has created the job; one that was deleted since is being deleted for a moment.
const TAKEN: [&str; 4] = ["JobExists", "JobCompleted", "JobBeingTerminated", "JobBeingDeleted"];

/// What came of an attempt to submit.
#[derive(Debug)]
pub(crate) enum Submission {
    /// The job is there, with its task.
    Done,
    /// The account has as many active jobs as it may have; what the service says of it.
    QuotaReached(String),
    /// Another worker goes on with this run's job, or has removed its files; in words.
    TakenOver(String),
}

/// Creates the job.
///
/// Repeating it after a lost reply is safe: nobody else creates a job with this id.
///
/// [Create Job](https://learn.microsoft.com/rest/api/batchservice/jobs/create-job)
pub(crate) async fn create_job(plan: &Plan, names: &RunNames) -> Result<Submission, RunError> {
    let Err(error) = plan.batch.create_job(&new_job(plan, names)).await else {
        return Ok(Submission::Done);
    };
    match error.code() {
        Some(code) if TAKEN.contains(&code) => Ok(Submission::Done),
        Some("ActiveJobAndScheduleQuotaReached") => Ok(Submission::QuotaReached(error.to_string())),
        _ => Err(error.into()),
    }
}

/// Creates the job's task, and sets the job to end by itself once the task is done, so that no worker is needed for
/// that. An empty job counts as complete, therefore in this order.
///
/// [Create Task](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task)
pub(crate) async fn create_task(
    plan: &Plan,
    names: &RunNames,
    file_mode: Option<u32>,
) -> Result<Submission, RunError> {
    let task = new_task(plan, names, file_mode).await?;
    match plan.batch.create_task(&names.job_id(), &task).await {
        // Only a worker that has taken the run over creates a task in its job.
        Err(error) if error.code() == Some("TaskExists") => Ok(Submission::TakenOver(format!(
            "Another worker has taken this task run over and goes on with its job: {error}"
        ))),
        Err(error) => Err(error.into()),
        Ok(()) => {
            end_with_task(plan, names).await?;
            Ok(Submission::Done)
        }
    }
}

/// Does the rest of a submission in the middle of which its worker died.
pub(crate) async fn submit_rest(
    plan: &Plan,
    names: &RunNames,
    file_mode: Option<u32>,
) -> Result<(), RunError> {
    let task = new_task(plan, names, file_mode).await?;
    match plan.batch.create_task(&names.job_id(), &task).await {
        Err(error) if error.code() != Some("TaskExists") => return Err(error.into()),
        _ => {}
    }
    end_with_task(plan, names).await
}

/// Whether Batch takes a list of so many output files: it refuses a longer one, and would do so after the job is created.
pub(crate) fn fits(files: &Files, names: &RunNames, patterns: &Patterns) -> bool {
    // Long before they fill the memory.
    if patterns.len() > MAX_OUTPUT_FILES {
        return false;
    }
    let Ok(url) = files.container.longest_grant() else { return false };
    let list = output_files((&url, files.node_identity.as_ref()), names, patterns);
    serde_json::to_string(&list).is_ok_and(|json| json.chars().count() <= MAX_LIST_CHARS)
}

/// How long the nodes' access to blobs has to last.
pub(crate) fn access_time(limit: Limit) -> Duration {
    limit.time + SIGNATURE_MARGIN
}

/// Sets the job to end by itself once its task is done. One that is over already needs it no more.
async fn end_with_task(plan: &Plan, names: &RunNames) -> Result<(), RunError> {
    let patch = JobPatch { on_all_tasks_complete: Some(OnAllTasksComplete::TerminateJob) };
    match plan.batch.patch_job(&names.job_id(), &patch).await {
        Err(error) if error.code() == Some("JobCompleted") => Ok(()),
        other => Ok(other?),
    }
}

fn new_job(plan: &Plan, names: &RunNames) -> NewJob {
    // The last resort for a job whose creator died between two requests.
    let max_wall_clock_time = Some(plan.limit.time + JOB_MARGIN);
    NewJob {
        id: names.job_id(),
        pool_info: PoolInfo { pool_id: plan.pool_id.clone() },
        display_name: plan.scheduling.display_name.clone(),
        priority: plan.scheduling.priority,
        metadata: plan.scheduling.metadata.clone(),
        constraints: Some(JobConstraints { max_wall_clock_time, ..JobConstraints::default() }),
        ..NewJob::default()
    }
}

async fn new_task(
    plan: &Plan,
    names: &RunNames,
    file_mode: Option<u32>,
) -> Result<NewTask, RunError> {
    let environment = plan.environment.iter().cloned();
    let task = NewTask {
        id: names.task_id(),
        container_settings: Some(plan.container.clone()),
        environment_settings: environment
            .map(|(name, value)| EnvironmentSetting { name, value })
            .collect(),
        user_identity: Some(plan.user.clone()),
        constraints: TaskConstraints {
            // Later than our own limit, whose message says more; it ends the task of a dead worker.
            max_wall_clock_time: Some(plan.limit.time + TASK_MARGIN),
            max_task_retry_count: Some(plan.scheduling.retries),
            retention_time: plan.scheduling.retention_time,
        },
        required_slots: plan.scheduling.required_slots,
        ..NewTask::default()
    };
    match &plan.command {
        Command::Inline(line) => Ok(inline(task, plan.entry_point.command_line(line))),
        Command::Staged(staged) => {
            let identity = staged.files.node_identity.as_ref();
            let urls = urls(&staged.files, access_time(plan.limit), names).await?;
            Ok(NewTask {
                command_line: plan.entry_point.command_line(&command::staged_command_line()),
                resource_files: resource_files(&urls, identity, names, file_mode),
                output_files: output_files(
                    (&urls.outputs, identity),
                    names,
                    staged.wanted.patterns(),
                ),
                ..task
            })
        }
    }
}

fn inline(mut task: NewTask, command_line: String) -> NewTask {
    let (name, value) = command::BACKSLASH;
    let backslash = EnvironmentSetting { name: name.to_owned(), value: value.to_owned() };
    task.environment_settings.push(backslash);
    NewTask { command_line, ..task }
}

/// Where a node finds a task's files, and leaves what comes of it.
struct Urls {
    script: String,
    inputs: String,
    outputs: String,
}

/// Each with as much of a right as it needs, if possible for the run's directory alone; or with none: then the node shows
/// its pool's identity.
async fn urls(files: &Files, time: Duration, names: &RunNames) -> azure::Result<Urls> {
    let script = names.script();
    let container = &files.container;
    if files.node_identity.is_some() {
        let [script, whole] = [Some(script.as_str()), None].map(|blob| container.plain_url(blob));
        let whole: String = whole?.into();
        return Ok(Urls { script: script?.into(), inputs: whole.clone(), outputs: whole });
    }
    let directory = names.directory();
    let grants = container.grants(time).await?.below(&directory).await?;
    Ok(Urls {
        script: grants.url(Some(&script), SasPermissions::READ)?.into(),
        inputs: grants.url(None, SasPermissions::READ_LIST)?.into(),
        outputs: grants.url(None, SasPermissions::WRITE)?.into(),
    })
}

/// All inputs are one resource file: Batch allows 32,768 characters for the whole list, and a signature
/// for each file would end at about 105 files. The script is a second one, so that its place is known. `file_mode` is that
/// of the most inputs; without it there are none.
fn resource_files(
    urls: &Urls,
    identity: Option<&IdentityReference>,
    names: &RunNames,
    file_mode: Option<u32>,
) -> Vec<ResourceFile> {
    let script = ResourceFile {
        http_url: Some(urls.script.clone()),
        file_path: Some(command::SCRIPT_NAME.to_owned()),
        identity_reference: identity.cloned(),
        ..ResourceFile::default()
    };
    let inputs = file_mode.map(|mode| ResourceFile {
        storage_container_url: Some(urls.inputs.clone()),
        blob_prefix: Some(names.inputs()),
        file_path: Some(command::INPUTS_DIR.to_owned()),
        file_mode: Some(format!("{mode:04o}")),
        identity_reference: identity.cloned(),
        ..ResourceFile::default()
    });
    [script].into_iter().chain(inputs).collect()
}

fn output_files(
    place: (&str, Option<&IdentityReference>),
    names: &RunNames,
    patterns: &Patterns,
) -> Vec<OutputFile> {
    let logs = LOG_FILES.map(|file| (format!("../{file}"), names.log(file)));
    let report = (patterns.len() > 0).then(|| (format!("{REPORT_DIR}/*"), names.report()));
    let outputs = patterns.outputs(names).into_iter();
    let files = outputs.map(|output| (output.file_pattern, output.destination));
    let all = logs.into_iter().chain(report).chain(files);
    all.map(|(from, to)| output_file(from, to, place)).collect()
}

/// Uploaded whatever the exit code is: the files of a failed run are those one looks for.
fn output_file(
    file_pattern: String,
    destination: String,
    (container_url, identity): (&str, Option<&IdentityReference>),
) -> OutputFile {
    OutputFile {
        file_pattern,
        destination: OutputFileDestination {
            container: OutputFileBlobContainerDestination {
                container_url: container_url.to_owned(),
                path: Some(destination),
                identity_reference: identity.cloned(),
            },
        },
        upload_options: OutputFileUploadOptions {
            upload_condition: UploadCondition::TaskCompletion,
        },
    }
}
