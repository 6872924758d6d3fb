//! Creates the job with its one task.

use std::time::Duration;

use azure::batch::{
    AutoUser, AutoUserScope, ContainerSettings, ContainerWorkingDirectory, ElevationLevel,
    EnvironmentSetting, JobConstraints, JobPatch, MetadataItem, NewJob, NewTask,
    OnAllTasksComplete, OutputFile, OutputFileBlobContainerDestination, OutputFileDestination,
    OutputFileUploadOptions, PoolInfo, ResourceFile, TaskConstraints, UploadCondition,
    UserIdentity,
};
use azure::blob::SasRights;

use crate::Invalid;
use crate::command;
use crate::halt::Halt;
use crate::labels;
use crate::names::LOG_FILES;
use crate::plan::{Command, Plan, Staged};

/// What a job may live beyond the run's own limit, which a worker keeps: it is for a job that no worker watches.
const JOB_MARGIN: Duration = Duration::from_secs(60 * 60);

/// What a signature may live beyond the run's own limit. The job ends first, so no task begins or uploads with
/// a signature that is over, however long it waited for a node: uploads take time, and clocks differ.
const SIGNATURE_MARGIN: Duration = Duration::from_secs(2 * 60 * 60);

/// Longest list of output files, in characters of its JSON.
pub(crate) const MAX_LIST_CHARS: usize = 32_768;

const TASK_MARGIN: Duration = Duration::from_secs(60);

/// What the service calls it that the id of a new job is taken. One that is gone already is still being deleted for
/// a moment.
const TAKEN: [&str; 4] = ["JobExists", "JobCompleted", "JobBeingTerminated", "JobBeingDeleted"];

/// Creates the job. It is ours once this succeeds; after a failure only its mark tells whose it is.
///
/// Repeating it after a lost reply is safe: whatever an attempt was answered, the mark says whether it had its effect.
pub(crate) async fn create_job(plan: &Plan) -> Result<(), Halt> {
    let Err(error) = plan.batch.create_job(&new_job(plan)).await else { return Ok(()) };
    match error.code() {
        Some(code) if TAKEN.contains(&code) => require_own_job(plan, &error).await,
        Some("ActiveJobAndScheduleQuotaReached") => Err(Halt::NoRoom(error.to_string())),
        _ => Err(error.into()),
    }
}

async fn require_own_job(plan: &Plan, taken: &azure::Error) -> Result<(), Halt> {
    if has_own_job(plan).await? {
        return Ok(());
    }
    Err(Halt::Taken(format!(
        "The Batch account has a job '{}' already, which is not of this run and is left alone; run the task again, \
         it gets another id: {taken}",
        plan.job_id
    )))
}

/// Whether there is a job that this run has created: under its id, with its mark.
pub(crate) async fn has_own_job(plan: &Plan) -> azure::Result<bool> {
    match plan.batch.get_job(&plan.job_id).await {
        Ok(job) => Ok(labels::is_marked(&job, &plan.mark)),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives the job its task, and sets it to end by itself once the task is done, so that nobody has to be alive for
/// that. An empty job counts as complete, therefore in this order.
pub(crate) async fn create_task(plan: &Plan) -> Result<(), Halt> {
    plan.batch.create_task(&plan.job_id, &new_task(plan)?).await.map_err(|error| {
        match error.code() {
            Some("TaskExists") => Halt::HandedOver(error.to_string()),
            _ => error.into(),
        }
    })?;
    end_with_task(plan).await
}

/// Does the rest of a submission in the middle of which its worker died.
pub(crate) async fn submit_rest(plan: &Plan) -> Result<(), Halt> {
    match plan.batch.create_task(&plan.job_id, &new_task(plan)?).await {
        Err(error) if error.code() != Some("TaskExists") => return Err(error.into()),
        _ => {}
    }
    end_with_task(plan).await
}

/// Batch refuses a longer list of output files, and would do so after the job is created.
pub(crate) fn check_size(plan: &Plan) -> Result<(), Halt> {
    let task = new_task(plan)?;
    let size = serde_json::to_string(&task.output_files).map_or(0, |json| json.chars().count());
    if size <= MAX_LIST_CHARS {
        return Ok(());
    }
    let reason = format!(
        "{} patterns are too many for Batch ({size} characters, at most {MAX_LIST_CHARS}); \
         use fewer, wider patterns or {{{{ outputDir }}}}",
        task.output_files.len()
    );
    Err(Halt::Invalid(Invalid::new("outputFiles", reason)))
}

/// Sets the job to end by itself once its task is done. One that is over already needs it no more.
async fn end_with_task(plan: &Plan) -> Result<(), Halt> {
    let patch = JobPatch { on_all_tasks_complete: Some(OnAllTasksComplete::TerminateJob) };
    match plan.batch.patch_job(&plan.job_id, &patch).await {
        Err(error) if error.code() == Some("JobCompleted") => Ok(()),
        other => Ok(other?),
    }
}

fn new_job(plan: &Plan) -> NewJob {
    let mark = [(labels::MARK, plan.mark.as_str())].into_iter();
    let prefix = plan.staged().map(|staged| (labels::PREFIX, staged.names.directory()));
    let given = plan.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    // Ours first: of two with the same name the first counts.
    let metadata = mark.chain(prefix).chain(given);
    // The last resort for a job whose creator died between two requests.
    let max_wall_clock_time = Some(plan.limit + JOB_MARGIN);
    NewJob {
        id: plan.job_id.clone(),
        pool_info: PoolInfo { pool_id: plan.pool_id.clone() },
        metadata: metadata.map(item).collect(),
        constraints: Some(JobConstraints { max_wall_clock_time, ..JobConstraints::default() }),
        ..NewJob::default()
    }
}

fn item((name, value): (&str, &str)) -> MetadataItem {
    MetadataItem { name: name.to_owned(), value: value.to_owned() }
}

fn new_task(plan: &Plan) -> Result<NewTask, Halt> {
    let environment = plan.environment.iter().cloned();
    let task = NewTask {
        id: plan.task_id().to_owned(),
        container_settings: Some(ContainerSettings {
            image_name: plan.image.clone(),
            registry: plan.registry.clone(),
            working_directory: Some(ContainerWorkingDirectory::TaskWorkingDirectory),
            ..ContainerSettings::default()
        }),
        environment_settings: environment
            .map(|(name, value)| EnvironmentSetting { name, value })
            .collect(),
        user_identity: Some(task_user(plan.elevation_level.clone())),
        constraints: TaskConstraints {
            // Later than our own limit, whose message says more; it ends the task of a dead worker.
            max_wall_clock_time: Some(plan.limit + TASK_MARGIN),
            max_task_retry_count: Some(0),
            ..TaskConstraints::default()
        },
        ..NewTask::default()
    };
    match &plan.command {
        Command::Inline(line) => Ok(inline(task, line)),
        Command::Staged(staged) => Ok(NewTask {
            command_line: command::staged_command_line(),
            resource_files: resource_files(plan, staged)?,
            output_files: output_files(plan, staged)?,
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
/// for each file would end at about 105 files. The script is a second one, so that its place is known.
fn resource_files(plan: &Plan, staged: &Staged) -> Result<Vec<ResourceFile>, Halt> {
    let life = plan.limit + SIGNATURE_MARGIN;
    let (container, names) = (&staged.container, &staged.names);
    let script = ResourceFile {
        http_url: Some(container.blob_url_with_sas(&names.script(), SasRights::READ, life)?),
        file_path: Some(command::SCRIPT_NAME.to_owned()),
        ..ResourceFile::default()
    };
    if staged.inputs.is_empty() {
        return Ok(vec![script]);
    }
    let inputs = ResourceFile {
        storage_container_url: Some(container.container_url_with_sas(SasRights::READ_LIST, life)?),
        blob_prefix: Some(names.inputs()),
        file_path: Some(command::INPUTS_DIR.to_owned()),
        ..ResourceFile::default()
    };
    Ok(vec![script, inputs])
}

fn output_files(plan: &Plan, staged: &Staged) -> Result<Vec<OutputFile>, Halt> {
    let life = plan.limit + SIGNATURE_MARGIN;
    let url = staged.container.container_url_with_sas(SasRights::WRITE, life)?;
    let logs = LOG_FILES.map(|file| (format!("../{file}"), staged.names.log(file)));
    let outputs = staged.wanted.outputs(&staged.names);
    let files = outputs.into_iter().map(|output| (output.file_pattern, output.destination));
    Ok(logs.into_iter().chain(files).map(|(from, to)| output_file(from, to, &url)).collect())
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
