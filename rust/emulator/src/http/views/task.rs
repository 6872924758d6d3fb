//! JSON of tasks.

use serde_json::{Map, Value, json};

use super::object;
use crate::store::task::{Execution, Task};
use crate::wire::duration::{UNLIMITED, in_days};
use crate::wire::task::TaskConstraints;
use crate::wire::time::instant;

/// Every property of a task that `$select` may name.
pub(crate) const PROPERTIES: &[&str] = &[
    "id",
    "displayName",
    "url",
    "eTag",
    "lastModified",
    "creationTime",
    "exitConditions",
    "state",
    "stateTransitionTime",
    "previousState",
    "previousStateTransitionTime",
    "commandLine",
    "containerSettings",
    "resourceFiles",
    "outputFiles",
    "environmentSettings",
    "affinityInfo",
    "constraints",
    "requiredSlots",
    "userIdentity",
    "executionInfo",
    "nodeInfo",
    "multiInstanceSettings",
    "stats",
    "dependsOn",
    "applicationPackageReferences",
    "authenticationTokenSettings",
];

/// Returns a task as the service shows it.
pub(crate) fn render(task: &Task, job_id: &str, endpoint: &str) -> Map<String, Value> {
    let url = format!("{endpoint}/jobs/{job_id}/tasks/{}", task.spec.id);
    let mut properties = object(&task.spec);
    add_defaults(&mut properties, task.spec.constraints.as_ref(), task.max_retries);
    task.version.add_to(&mut properties);
    task.phase.add_to(&mut properties);
    properties.insert("creationTime".into(), json!(instant(task.created)));
    properties.insert("executionInfo".into(), execution(&task.execution));
    if let Some(placement) = &task.placement {
        let node_url =
            format!("{endpoint}/pools/{}/nodes/{}", placement.pool_id, placement.node_id);
        properties.insert(
            "nodeInfo".into(),
            json!({
                "affinityId": affinity_id(&placement.node_id),
                "nodeUrl": node_url,
                "poolId": placement.pool_id,
                "nodeId": placement.node_id,
                "taskRootDirectory": placement.task_root_directory,
                "taskRootDirectoryUrl": format!("{node_url}/files/{}", placement.task_root_directory),
            }),
        );
    }
    if task.placement.is_none() && task.result().is_some() {
        properties.insert("nodeInfo".into(), json!({}));
    }
    properties.insert("url".into(), json!(url));
    properties
}

/// Returns the id with which a task can ask for a node.
pub(super) fn affinity_id(node: &str) -> String {
    format!("TVM:{node}")
}

/// Adds the values that the service shows where a task does not name its own.
pub(super) fn add_defaults(
    properties: &mut Map<String, Value>,
    given: Option<&TaskConstraints>,
    max_retries: i32,
) {
    properties.insert("constraints".into(), constraints(given, max_retries));
    properties.entry("requiredSlots").or_insert(json!(1));
    add_environment(properties);
}

/// Adds the user and the directory of a container, which also a start task shows.
pub(super) fn add_environment(properties: &mut Map<String, Value>) {
    let user = json!({"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}});
    properties.entry("userIdentity").or_insert(user);
    let container = properties.get_mut("containerSettings").and_then(Value::as_object_mut);
    if let Some(container) = container {
        container.entry("workingDirectory").or_insert(json!("taskWorkingDirectory"));
    }
}

fn constraints(given: Option<&TaskConstraints>, max_retries: i32) -> Value {
    let limit = given.and_then(|given| given.max_wall_clock_time.as_deref());
    let retention = given.and_then(|given| given.retention_time.as_deref());
    json!({
        "maxWallClockTime": in_days(limit.unwrap_or(UNLIMITED)),
        "retentionTime": in_days(retention.unwrap_or("P7D")),
        "maxTaskRetryCount": max_retries,
    })
}

pub(super) fn execution(execution: &Execution) -> Value {
    let mut properties = Map::new();
    properties.insert("retryCount".into(), json!(execution.retries));
    properties.insert("requeueCount".into(), json!(execution.requeues));
    let times = [
        ("lastRequeueTime", execution.last_requeue),
        ("startTime", execution.started),
        ("endTime", execution.ended),
        ("lastRetryTime", execution.last_retry),
    ];
    for (name, at) in times {
        if let Some(at) = at {
            properties.insert(name.into(), json!(instant(at)));
        }
    }
    if let Some(end) = &execution.end {
        properties.append(&mut object(end));
    }
    Value::Object(properties)
}
