//! Batch tasks.

use super::{
    NameValuePair,
    enums::{
        AutoUserScope, BindSource, ContainerWorkingDirectory, ElevationLevel, TaskResult, TaskState,
    },
    file::{OutputFile, ResourceFile},
    iso_duration,
    statistics::{TaskStatistics, lenient},
};
use crate::secret::HIDDEN;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use time::OffsetDateTime;

/// A Batch task to create. Its id: at most 64 of `[A-Za-z0-9_-]`; its JSON: at most 1 MiB.
///
/// [Create Task](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task)
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewTask {
    /// The id, unique in its job without regard to case.
    pub id: String,
    /// Not run in a shell. An empty one runs the image's entry point.
    pub command_line: String,
    /// Needed exactly when the pool runs containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_settings: Option<ContainerSettings>,
    /// Downloaded before the command runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_files: Vec<ResourceFile>,
    /// Uploaded after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output_files: Vec<OutputFile>,
    /// Taken literally.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment_settings: Vec<EnvironmentSetting>,
    /// The account it runs under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_identity: Option<UserIdentity>,
    /// How many of a node's slots it takes; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_slots: Option<i32>,
    /// Limits.
    #[serde(skip_serializing_if = "TaskConstraints::is_empty")]
    pub constraints: TaskConstraints,
}

/// The container of a Batch task. `Debug` hides the options: they may set variables.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerSettings {
    /// The image, with its registry and tag.
    pub image_name: String,
    /// More options for `docker create`. How the service splits them is not documented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_run_options: Option<String>,
    /// The node's directories that it sees. Without a list, all below the node's root; with an empty one, none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_host_batch_bind_mounts: Option<Vec<BindMount>>,
    /// Where a private image comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<ContainerRegistry>,
    /// The directory it starts in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<ContainerWorkingDirectory>,
}

impl fmt::Debug for ContainerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerSettings")
            .field("image_name", &self.image_name)
            .field("container_run_options", &self.container_run_options.as_ref().map(|_| HIDDEN))
            .field("container_host_batch_bind_mounts", &self.container_host_batch_bind_mounts)
            .field("registry", &self.registry)
            .field("working_directory", &self.working_directory)
            .finish()
    }
}

/// A directory of the node that a container sees, under the same path.
///
/// [Isolation of container tasks](https://learn.microsoft.com/azure/batch/batch-container-isolation-task)
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BindMount {
    /// Which one.
    pub source: BindSource,
    /// Whether it cannot be written.
    pub is_read_only: bool,
}

/// A private registry. `Debug` hides the password.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRegistry {
    /// Docker Hub where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_server: Option<String>,
    /// Who pulls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Instead of a user: an identity of the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_reference: Option<IdentityReference>,
}

/// A user-assigned managed identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityReference {
    /// Its whole Azure resource id.
    pub resource_id: String,
}

impl fmt::Debug for ContainerRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerRegistry")
            .field("registry_server", &self.registry_server)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| HIDDEN))
            .field("identity_reference", &self.identity_reference)
            .finish()
    }
}

/// An environment variable. `Debug` hides the value: it may be anybody's secret.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct EnvironmentSetting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl fmt::Debug for EnvironmentSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={HIDDEN}", self.name)
    }
}

/// The account a Batch task runs under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum UserIdentity {
    /// One that Batch makes.
    AutoUser(AutoUser),
    /// One of the pool's user accounts, by its name.
    Username(String),
}

/// An account that Batch makes. Both values are always sent: the documentation contradicts itself
/// on their defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoUser {
    /// Shared or not.
    pub scope: AutoUserScope,
    /// Its rights.
    pub elevation_level: ElevationLevel,
}

/// The limits of a Batch task. Times are sent in whole seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskConstraints {
    /// Counts from the task's start, downloads included, not from its creation.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "iso_duration")]
    pub max_wall_clock_time: Option<Duration>,
    /// How often it is run again after a code other than 0; the loss of a node is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_task_retry_count: Option<i32>,
    /// How long the node keeps its files after its end; 7 days where absent.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "iso_duration")]
    pub retention_time: Option<Duration>,
}

impl TaskConstraints {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A Batch task as the service describes it.
///
/// [Get Task](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task)
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The id.
    pub id: String,
    /// The state. It can go back to `Active` when the node is lost.
    pub state: TaskState,
    /// When it was added to its job.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub creation_time: Option<OffsetDateTime>,
    /// What became of it.
    #[serde(default)]
    pub execution_info: Option<TaskExecutionInfo>,
    /// Where it ran last.
    #[serde(default)]
    pub node_info: Option<NodeInfo>,
    /// What it has used, where the service knows that already.
    #[serde(default, deserialize_with = "lenient")]
    pub stats: Option<TaskStatistics>,
}

/// What became of a Batch task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskExecutionInfo {
    /// When it last began to run, downloads included.
    #[serde(with = "time::serde::rfc3339::option")]
    pub start_time: Option<OffsetDateTime>,
    /// When it completed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub end_time: Option<OffsetDateTime>,
    /// Absent where the command never ran, and possibly 0 although an upload failed.
    pub exit_code: Option<i32>,
    /// What the container engine says of its container.
    pub container_info: Option<ContainerInfo>,
    /// Why it failed.
    pub failure_info: Option<FailureInfo>,
    /// How often it was run again after a code other than 0.
    pub retry_count: u32,
    /// How often it went back to the queue, after the loss of its node for example.
    pub requeue_count: u32,
    /// How it ended.
    pub result: Option<TaskResult>,
}

/// What the container engine says of a task's container.
///
/// [TaskContainerExecutionInformation](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task#batchtaskcontainerexecutioninfo)
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerInfo {
    /// That of `docker inspect`: set where the container could not be started. It may hold parts of the command.
    pub error: Option<String>,
}

/// Why a Batch task failed. Its texts are the service's and the node's: pass them through
/// [`crate::without_signatures`] before they are shown.
///
/// [TaskFailureInformation](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task#batchtaskfailureinfo)
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FailureInfo {
    /// `FailureExitCode`, `ContainerInvalidImage`, `TaskEnded` for example.
    #[serde(default)]
    pub code: Option<String>,
    /// A sentence for people.
    #[serde(default)]
    pub message: Option<String>,
    /// More about it.
    #[serde(default)]
    pub details: Vec<NameValuePair>,
}

/// The node of a Batch task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeInfo {
    /// The node's id.
    pub node_id: Option<String>,
    /// The pool's id.
    pub pool_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{
        OutputFileBlobContainerDestination, OutputFileDestination, OutputFileUploadOptions,
        UploadCondition,
    };
    use serde_json::json;

    const SAS: &str = "https://h/c?sig=canary";

    fn full_task() -> NewTask {
        NewTask {
            id: "t".into(),
            command_line: "/bin/sh x".into(),
            container_settings: Some(ContainerSettings {
                image_name: "ubuntu".into(),
                container_run_options: Some("-e A=canary".into()),
                container_host_batch_bind_mounts: Some(vec![BindMount {
                    source: BindSource::VfsMounts,
                    is_read_only: true,
                }]),
                registry: Some(ContainerRegistry {
                    password: Some("canary".into()),
                    ..ContainerRegistry::default()
                }),
                working_directory: Some(ContainerWorkingDirectory::TaskWorkingDirectory),
            }),
            resource_files: vec![ResourceFile {
                http_url: Some(SAS.into()),
                storage_container_url: Some(SAS.into()),
                ..ResourceFile::default()
            }],
            output_files: vec![OutputFile {
                file_pattern: "a.txt".into(),
                destination: OutputFileDestination {
                    container: OutputFileBlobContainerDestination {
                        container_url: SAS.into(),
                        path: Some("out/a.txt".into()),
                        identity_reference: None,
                    },
                },
                upload_options: OutputFileUploadOptions {
                    upload_condition: UploadCondition::TaskCompletion,
                },
            }],
            environment_settings: vec![EnvironmentSetting {
                name: "N".into(),
                value: "canary".into(),
            }],
            user_identity: Some(UserIdentity::AutoUser(AutoUser {
                scope: AutoUserScope::Task,
                elevation_level: ElevationLevel::NonAdmin,
            })),
            required_slots: Some(2),
            constraints: TaskConstraints {
                max_wall_clock_time: Some(Duration::from_secs(60)),
                max_task_retry_count: Some(0),
                retention_time: Some(Duration::from_secs(3600)),
            },
        }
    }

    #[test]
    fn a_new_task_has_the_names_of_the_rest_api() {
        let expected = json!({
            "id": "t",
            "commandLine": "/bin/sh x",
            "containerSettings": {
                "imageName": "ubuntu",
                "containerRunOptions": "-e A=canary",
                "containerHostBatchBindMounts": [{"source": "VfsMounts", "isReadOnly": true}],
                "registry": {"password": "canary"},
                "workingDirectory": "taskWorkingDirectory",
            },
            "resourceFiles": [{"httpUrl": SAS, "storageContainerUrl": SAS}],
            "outputFiles": [{
                "filePattern": "a.txt",
                "destination": {"container": {"containerUrl": SAS, "path": "out/a.txt"}},
                "uploadOptions": {"uploadCondition": "taskcompletion"},
            }],
            "environmentSettings": [{"name": "N", "value": "canary"}],
            "userIdentity": {"autoUser": {"scope": "task", "elevationLevel": "nonadmin"}},
            "requiredSlots": 2,
            "constraints": {"maxWallClockTime": "PT60S", "maxTaskRetryCount": 0, "retentionTime": "PT3600S"},
        });
        assert_eq!(serde_json::to_value(full_task()).unwrap(), expected);
    }

    #[test]
    fn the_debug_text_of_a_task_holds_no_secret() {
        let text = format!("{:?}", full_task());
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("https://h/c?***"), "{text}");
    }

    #[test]
    fn a_failed_task_may_lack_its_exit_code() {
        let task: Task = serde_json::from_value(json!({
            "id": "t", "state": "Completed", "new": true,
            "executionInfo": {
                "startTime": "2026-11-22T17:10:00.5Z", "retryCount": 0, "requeueCount": 1,
                "result": "Failure",
                "failureInfo": {
                    "category": "UserError", "code": "ContainerInvalidImage", "message": "m",
                    "details": [{"name": "Message", "value": "v"}],
                },
            },
            "nodeInfo": {"nodeId": "n", "poolId": "p", "affinityId": "x"},
        }))
        .unwrap();
        let info = task.execution_info.unwrap();
        assert_eq!((info.exit_code, info.requeue_count), (None, 1));
        assert_eq!(info.result, Some(TaskResult::Failure));
        assert_eq!(task.node_info.unwrap().node_id.as_deref(), Some("n"));
    }
}
