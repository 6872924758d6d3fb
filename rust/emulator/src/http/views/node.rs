//! JSON of nodes.

use serde_json::{Map, Value, json};

use super::pool::{image_reference, start_task, vm_size};
use super::task::execution;
use super::{object, task};
use crate::service::nodes::NodeView;
use crate::store::start_task::StartTaskInfo;
use crate::wire::pool::ImageReference;
use crate::wire::time::instant;

/// What `latest` is as the version of an image.
const LATEST: &str = "22.04.2025052701";

/// Every property of a node that `$select` may name.
pub(crate) const PROPERTIES: &[&str] = &[
    "id",
    "url",
    "state",
    "schedulingState",
    "stateTransitionTime",
    "lastBootTime",
    "allocationTime",
    "ipAddress",
    "ipv6Address",
    "affinityId",
    "vmSize",
    "totalTasksRun",
    "runningTasksCount",
    "runningTaskSlotsCount",
    "totalTasksSucceeded",
    "recentTasks",
    "startTask",
    "startTaskInfo",
    "errors",
    "isDedicated",
    "endpointConfiguration",
    "nodeAgentInfo",
    "virtualMachineInfo",
];

/// Returns a node as the service shows it.
pub(crate) fn render(view: &NodeView, endpoint: &str) -> Map<String, Value> {
    let node = &view.node;
    let mut properties = object(&json!({
        "id": node.id,
        "url": format!("{endpoint}/pools/{}/nodes/{}", view.pool_id, node.id),
        "state": node.phase.state,
        "schedulingState": if node.scheduling_enabled { "enabled" } else { "disabled" },
        "stateTransitionTime": instant(node.phase.since),
        "allocationTime": instant(node.allocated),
        "ipAddress": "127.0.0.1",
        "affinityId": task::affinity_id(&node.id),
        "vmSize": vm_size(&view.vm_size),
        "totalTasksRun": node.total_run,
        "runningTasksCount": node.running().len(),
        "runningTaskSlotsCount": node.running_slots(),
        "totalTasksSucceeded": node.total_succeeded,
        "isDedicated": node.is_dedicated,
        "virtualMachineInfo": {"imageReference": exact_image(&view.image)},
    }));
    if let Some(booted) = node.booted.map(instant) {
        let agent = json!({"version": env!("CARGO_PKG_VERSION"), "lastUpdateTime": booted});
        properties.insert("lastBootTime".into(), json!(booted));
        properties.insert("nodeAgentInfo".into(), agent);
    }
    if !view.recent.is_empty() {
        properties.insert("recentTasks".into(), recent_tasks(view, endpoint));
    }
    if let Some(task) = &view.start_task {
        properties.insert("startTask".into(), start_task(task));
    }
    if let Some(info) = &node.start_task_info {
        properties.insert("startTaskInfo".into(), start_task_info(info));
    }
    if !node.errors.is_empty() {
        properties.insert("errors".into(), json!(node.errors));
    }
    properties
}

/// Returns the image of a node, with the version that `latest` was when the node was created.
fn exact_image(image: &ImageReference) -> Map<String, Value> {
    let mut properties = image_reference(image);
    let exact = match properties.get("version").and_then(Value::as_str) {
        Some("latest") => Some(LATEST.to_owned()),
        version => version.map(str::to_owned),
    };
    properties.extend(exact.map(|exact| ("exactVersion".to_owned(), json!(exact))));
    properties
}

fn start_task_info(info: &StartTaskInfo) -> Value {
    let mut properties = json!({
        "state": if info.end.is_some() { "completed" } else { "running" },
        "startTime": instant(info.started),
        "retryCount": info.retries,
    });
    for (name, at) in [("endTime", info.ended), ("lastRetryTime", info.last_retry)] {
        if let Some(at) = at {
            properties[name] = json!(instant(at));
        }
    }
    let end = info.end.as_ref().map(object).unwrap_or_default();
    end.into_iter().for_each(|(name, value)| properties[name] = value);
    properties
}

fn recent_tasks(view: &NodeView, endpoint: &str) -> Value {
    let tasks = view.recent.iter().map(|(job, task)| {
        json!({
            "taskUrl": format!("{endpoint}/jobs/{job}/tasks/{}", task.spec.id),
            "jobId": job,
            "taskId": task.spec.id,
            "taskState": task.phase.state,
            "executionInfo": execution(&task.execution),
        })
    });
    tasks.collect()
}
