//! What the preparation and release tasks of a job came to on a node.

use serde_json::{Map, Value, json};

use super::object;
use super::task::execution;
use crate::store::node_task::{NodeTask, NodeTasks};

/// Every property of it that `$select` may name.
pub(crate) const PROPERTIES: &[&str] = &[
    "poolId",
    "nodeId",
    "nodeUrl",
    "jobPreparationTaskExecutionInfo",
    "jobReleaseTaskExecutionInfo",
];

/// The two tasks as the service shows them.
pub(crate) fn render(node: &str, tasks: &NodeTasks, endpoint: &str) -> Map<String, Value> {
    let pool = tasks.all().next().map_or("", |task| task.placement.pool_id.as_str());
    let node_url = format!("{endpoint}/pools/{pool}/nodes/{node}");
    let mut shown = object(&json!({"poolId": pool, "nodeId": node, "nodeUrl": node_url}));
    let both = [
        ("jobPreparationTaskExecutionInfo", &tasks.preparation),
        ("jobReleaseTaskExecutionInfo", &tasks.release),
    ];
    for (name, task) in both {
        if let Some(task) = task {
            shown.insert(name.into(), info(task, &node_url));
        }
    }
    shown
}

fn info(task: &NodeTask, node_url: &str) -> Value {
    let mut shown = execution(&task.execution);
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("requeueCount");
    }
    let directory = &task.placement.task_root_directory;
    let over = task.execution.ended.is_some();
    shown["state"] = json!(if over { "completed" } else { "running" });
    shown["taskRootDirectory"] = json!(directory);
    shown["taskRootDirectoryUrl"] = json!(format!("{node_url}/files/{directory}"));
    shown
}
