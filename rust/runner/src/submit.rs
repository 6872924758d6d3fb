//! Creates the job with its one task.

use std::time::Duration;

use azure::batch::{
    AutoUser, AutoUserScope, ContainerSettings, ContainerWorkingDirectory, ElevationLevel,
    EnvironmentSetting, JobConstraints, JobPatch, MetadataItem, NewJob, NewTask,
    OnAllTasksComplete, OutputFile, OutputFileBlobContainerDestination, OutputFileDestination,
    OutputFileUploadOptions, PoolInfo, ResourceFile, TaskConstraints, UploadCondition,
    UserIdentity,
};
use azure::blob::{BlobContainer, SasPermissions};

use crate::command::{self, REPORT_DIR};
use crate::error::RunError;
use crate::limits::Limit;
use crate::names::{LOG_FILES, RunNames};
use crate::outputs::Patterns;
use crate::plan::{Command, Plan, Staged};

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
    match plan.batch.create_task(&names.job_id(), &new_task(plan, names, file_mode)?).await {
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
    match plan.batch.create_task(&names.job_id(), &new_task(plan, names, file_mode)?).await {
        Err(error) if error.code() != Some("TaskExists") => return Err(error.into()),
        _ => {}
    }
    end_with_task(plan, names).await
}

/// Whether Batch takes a list of so many output files: it refuses a longer one, and would do so after the job is created.
pub(crate) fn fits(
    container: &BlobContainer,
    limit: Limit,
    names: &RunNames,
    patterns: &Patterns,
) -> bool {
    // Long before they fill the memory.
    patterns.len() <= MAX_OUTPUT_FILES
        && output_files(container, limit, names, patterns).is_ok_and(|files| {
            let json = serde_json::to_string(&files);
            json.is_ok_and(|json| json.chars().count() <= MAX_LIST_CHARS)
        })
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
    let item = |(name, value): &(String, String)| MetadataItem {
        name: name.clone(),
        value: value.clone(),
    };
    // The last resort for a job whose creator died between two requests.
    let max_wall_clock_time = Some(plan.limit.time + JOB_MARGIN);
    NewJob {
        id: names.job_id(),
        pool_info: PoolInfo { pool_id: plan.pool_id.clone() },
        metadata: plan.metadata.iter().map(item).collect(),
        constraints: Some(JobConstraints { max_wall_clock_time, ..JobConstraints::default() }),
        ..NewJob::default()
    }
}

fn new_task(plan: &Plan, names: &RunNames, file_mode: Option<u32>) -> Result<NewTask, RunError> {
    let environment = plan.environment.iter().cloned();
    let task = NewTask {
        id: names.task_id(),
        container_settings: Some(ContainerSettings {
            image_name: plan.image.clone(),
            registry: plan.registry.clone(),
            working_directory: Some(ContainerWorkingDirectory::TaskWorkingDirectory),
        }),
        environment_settings: environment
            .map(|(name, value)| EnvironmentSetting { name, value })
            .collect(),
        user_identity: Some(task_user(plan.elevation_level.clone())),
        constraints: TaskConstraints {
            // Later than our own limit, whose message says more; it ends the task of a dead worker.
            max_wall_clock_time: Some(plan.limit.time + TASK_MARGIN),
            max_task_retry_count: Some(0),
        },
        ..NewTask::default()
    };
    match &plan.command {
        Command::Inline(line) => Ok(inline(task, line)),
        Command::Staged(staged) => Ok(NewTask {
            command_line: command::staged_command_line(),
            resource_files: resource_files(plan, staged, names, file_mode)?,
            output_files: output_files(
                &staged.container,
                plan.limit,
                names,
                staged.wanted.patterns(),
            )?,
            ..task
        }),
    }
}

fn inline(mut task: NewTask, command_line: &str) -> NewTask {
    let (name, value) = command::BACKSLASH;
    let backslash = EnvironmentSetting { name: name.to_owned(), value: value.to_owned() };
    task.environment_settings.push(backslash);
    NewTask { command_line: command_line.to_owned(), ..task }
}

/// The documentation contradicts itself on the default, so both are said.
///
/// [Auto-user](https://learn.microsoft.com/azure/batch/batch-user-accounts)
fn task_user(elevation_level: ElevationLevel) -> UserIdentity {
    UserIdentity { auto_user: AutoUser { scope: AutoUserScope::Task, elevation_level } }
}

/// All inputs are one resource file: Batch allows 32,768 characters for the whole list, and a signature
/// for each file would end at about 105 files. The script is a second one, so that its place is known. `file_mode` is that
/// of the most inputs; without it there are none.
fn resource_files(
    plan: &Plan,
    staged: &Staged,
    names: &RunNames,
    file_mode: Option<u32>,
) -> Result<Vec<ResourceFile>, RunError> {
    let life = plan.limit.time + SIGNATURE_MARGIN;
    let container = &staged.container;
    let script = ResourceFile {
        http_url: Some(container.blob_url_with_sas(&names.script(), SasPermissions::READ, life)?),
        file_path: Some(command::SCRIPT_NAME.to_owned()),
        ..ResourceFile::default()
    };
    let Some(mode) = file_mode else { return Ok(vec![script]) };
    let inputs = ResourceFile {
        storage_container_url: Some(
            container.container_url_with_sas(SasPermissions::READ_LIST, life)?,
        ),
        blob_prefix: Some(names.inputs()),
        file_path: Some(command::INPUTS_DIR.to_owned()),
        file_mode: Some(format!("{mode:04o}")),
        ..ResourceFile::default()
    };
    Ok(vec![script, inputs])
}

fn output_files(
    container: &BlobContainer,
    limit: Limit,
    names: &RunNames,
    patterns: &Patterns,
) -> Result<Vec<OutputFile>, RunError> {
    let url =
        container.container_url_with_sas(SasPermissions::WRITE, limit.time + SIGNATURE_MARGIN)?;
    let logs = LOG_FILES.map(|file| (format!("../{file}"), names.log(file)));
    let report = (patterns.len() > 0).then(|| (format!("{REPORT_DIR}/*"), names.report()));
    let outputs = patterns.outputs(names).into_iter();
    let files = outputs.map(|output| (output.file_pattern, output.destination));
    let all = logs.into_iter().chain(report).chain(files);
    Ok(all.map(|(from, to)| output_file(from, to, &url)).collect())
}

/// Uploaded whatever the exit code is: the files of a failed run are those one looks for.
fn output_file(file_pattern: String, destination: String, container_url: &str) -> OutputFile {
    OutputFile {
        file_pattern,
        destination: OutputFileDestination {
            container: OutputFileBlobContainerDestination {
                container_url: container_url.to_owned(),
                path: Some(destination),
            },
        },
        upload_options: OutputFileUploadOptions {
            upload_condition: UploadCondition::TaskCompletion,
        },
    }
}
