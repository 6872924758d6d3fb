//! Nodes.

use super::{
    FailureInfo,
    enums::{NodeState, SchedulingState},
};
use serde::Deserialize;

/// A node as the service describes it.
///
/// [Get Node](https://learn.microsoft.com/rest/api/batchservice/nodes/get-node)
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// The id.
    pub id: String,
    /// The state.
    pub state: NodeState,
    /// Whether it takes tasks.
    #[serde(default)]
    pub scheduling_state: Option<SchedulingState>,
    /// How the pool's start task went, where it has one.
    #[serde(default)]
    pub start_task_info: Option<StartTaskInfo>,
    /// What is wrong with it.
    #[serde(default)]
    pub errors: Vec<NodeError>,
}

/// How the start task of a pool went on one of its nodes. Its output files are the node's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StartTaskInfo {
    /// Absent as long as it runs, and where it never ran.
    pub exit_code: Option<i32>,
    /// Why it failed.
    pub failure_info: Option<FailureInfo>,
}

/// What is wrong with a node. Its texts are the service's: pass them through
/// [`crate::without_signatures`] before they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeError {
    /// The code.
    pub code: Option<String>,
    /// A sentence for people.
    pub message: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_with_what_is_there() {
        let node: Node = serde_json::from_str(
            r#"{"id":"n","state":"startTaskFailed","schedulingState":"enabled",
                "startTaskInfo":{"state":"completed","exitCode":3,"retryCount":0,"startTime":"t",
                "failureInfo":{"category":"UserError","code":"FailureExitCode"}},
                "errors":[{"code":"StartTaskFailure","message":"m"}]}"#,
        )
        .unwrap();
        assert_eq!(node.state, NodeState::StartTaskFailed);
        assert_eq!(node.scheduling_state, Some(SchedulingState::Enabled));
        assert_eq!(node.start_task_info.unwrap().exit_code, Some(3));
        assert_eq!(node.errors[0].code.as_deref(), Some("StartTaskFailure"));
        let node: Node = serde_json::from_str(r#"{"id":"n","state":"idle"}"#).unwrap();
        assert_eq!((node.start_task_info, node.errors), (None, Vec::new()));
    }
}
