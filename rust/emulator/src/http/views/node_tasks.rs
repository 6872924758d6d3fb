//! JSON of the preparation and release tasks of a job on a node.

use serde_json::{Map, Value, json};

use super::object;
use super::task::execution;
use crate::store::node_task::{NodeTask, NodeTasks};

/// Every property that `$select` may name.
pub(crate) const PROPERTIES: &[&str] = &[
    "poolId",
    "nodeId",
    "nodeUrl",
    "jobPreparationTaskExecutionInfo",
    "jobReleaseTaskExecutionInfo",
];

/// Returns the two tasks as the service shows them.
pub(crate) fn render(node: &str, tasks: &NodeTasks, endpoint: &str) -> Map<String, Value> {
    let pool = tasks.all().next().map_or("", |task| task.placement.pool_id.as_str());
    let node_url = format!("{endpoint}/pools/{pool}/nodes/{node}");
    let mut properties = object(&json!({"poolId": pool, "nodeId": node, "nodeUrl": node_url}));
    let both = [
        ("jobPreparationTaskExecutionInfo", &tasks.preparation),
        ("jobReleaseTaskExecutionInfo", &tasks.release),
    ];
    for (name, task) in both {
        if let Some(task) = task {
            properties.insert(name.into(), info(task, &node_url));
        }
    }
    properties
}

fn info(task: &NodeTask, node_url: &str) -> Value {
    let mut properties = execution(&task.execution);
    if let Some(properties) = properties.as_object_mut() {
        properties.remove("requeueCount");
    }
    let directory = &task.placement.task_root_directory;
    let over = task.execution.ended.is_some();
    properties["state"] = json!(if over { "completed" } else { "running" });
    properties["taskRootDirectory"] = json!(directory);
    properties["taskRootDirectoryUrl"] = json!(format!("{node_url}/files/{directory}"));
    properties
}
