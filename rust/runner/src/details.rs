//! Where a run took place, and what it took.

use std::time::Duration;

use azure::batch::{Task, TaskStatistics, Traffic};
use serde::{Deserialize, Serialize};

use crate::names::RunNames;
use crate::plan::Plan;

/// Where a task ran, and what it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct Details {
    pub job_id: String,
    pub task_id: String,
    pub pool_id: String,
    pub node_id: Option<String>,
    /// Azure's name for the size of the pool's nodes.
    pub node_size: Option<String>,
    /// Whether an earlier worker had begun the run.
    pub resumed: bool,
    /// Whether the job and the staged files are removed once the outcome is acknowledged.
    pub deletion_triggered: bool,
    #[serde(flatten)]
    pub times: Times,
    #[serde(flatten)]
    pub transfers: Transfers,
    #[serde(flatten)]
    pub requests: Requests,
    #[serde(flatten)]
    pub usage: Option<Usage>,
}

/// How long the parts of a run took, in milliseconds; absent where it did not come to that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// Uploading the input files.
    pub stage_millis: Option<u64>,
    /// From the task's creation to its start.
    pub queue_millis: Option<u64>,
    /// From the task's start, download of its files included, to its end, upload included.
    pub run_millis: Option<u64>,
    /// Downloading the output files.
    pub collect_millis: Option<u64>,
}

/// The files of a run; absent where it did not come to that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transfers {
    /// Input files that were uploaded.
    pub stage_files: Option<u64>,
    /// Their bytes.
    pub stage_bytes: Option<u64>,
    /// Output files that were downloaded, without those that were here already.
    pub collect_files: Option<u64>,
    /// Their bytes.
    pub collect_bytes: Option<u64>,
}

/// What a run asked of the Batch account and of the storage account, up to its outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requests {
    /// Requests, those that were made again included.
    pub batch_requests: u64,
    /// Requests that were made again.
    pub batch_retries: u64,
    /// For how long requests were held back because of the rate that the account takes, over all of them.
    pub batch_throttled_millis: u64,
    /// Requests to Blob Storage, those that were made again included; absent without it.
    pub blob_requests: Option<u64>,
    /// Requests to Blob Storage that were made again.
    pub blob_retries: Option<u64>,
}

/// What a task used, as the service says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct Usage {
    pub user_cpu_millis: u64,
    pub kernel_cpu_millis: u64,
    pub wall_clock_millis: u64,
    pub read_operations: u64,
    pub write_operations: u64,
    pub read_bytes: u64,
    pub write_bytes: u64,
}

impl Requests {
    fn of(plan: &Plan) -> Self {
        let Traffic { requests, retries, throttled } = plan.batch.traffic();
        let blobs = plan.staged().map(|staged| staged.files.container.requests());
        Self {
            batch_requests: requests,
            batch_retries: retries,
            batch_throttled_millis: millis(throttled),
            blob_requests: blobs.map(|(requests, _)| requests),
            blob_retries: blobs.map(|(_, retries)| retries),
        }
    }
}

impl From<&TaskStatistics> for Usage {
    fn from(stats: &TaskStatistics) -> Self {
        Self {
            user_cpu_millis: millis(stats.user_cpu_time),
            kernel_cpu_millis: millis(stats.kernel_cpu_time),
            wall_clock_millis: millis(stats.wall_clock_time),
            read_operations: stats.reads,
            write_operations: stats.writes,
            read_bytes: stats.bytes_read,
            write_bytes: stats.bytes_written,
        }
    }
}

/// What is known of a run so far.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) node_size: Option<String>,
    pub(crate) resumed: bool,
    node_id: Option<String>,
    pub(crate) times: Times,
    pub(crate) transfers: Transfers,
    usage: Option<Usage>,
}

impl Known {
    /// Learns from the task, which has completed.
    pub(crate) fn learn(&mut self, task: &Task) {
        self.node_id = task.node_info.as_ref().and_then(|node| node.node_id.clone());
        self.usage = task.stats.as_ref().map(Usage::from);
        let Some(info) = &task.execution_info else { return };
        let between =
            |from: Option<_>, to: Option<_>| Duration::try_from(to? - from?).ok().map(millis);
        self.times.queue_millis = between(task.creation_time, info.start_time);
        self.times.run_millis = between(info.start_time, info.end_time);
    }

    pub(crate) fn details(&self, plan: &Plan, names: &RunNames) -> Details {
        Details {
            job_id: names.job_id(),
            task_id: names.task_id(),
            pool_id: plan.pool_id.clone(),
            node_id: self.node_id.clone(),
            node_size: self.node_size.clone(),
            resumed: self.resumed,
            deletion_triggered: plan.delete,
            times: self.times.clone(),
            transfers: self.transfers.clone(),
            requests: Requests::of(plan),
            usage: self.usage.clone(),
        }
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
