//! Why a task waits: the state of its pool and nodes, in words.

use std::collections::BTreeMap;
use std::time::Duration;

use azure::batch::{Node, NodeState, Pool, ResizeError, SchedulingState};
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::event::{Detached, EventSender, Level};
use crate::plan::Plan;

/// How long a task waits before the log says why.
const SILENT_WAIT: Duration = Duration::from_secs(10);
/// Longest pause between two looks at the pool; each is twice the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// How old what is said of a pool may be.
const POOL_AGE: Duration = Duration::from_secs(5);
/// How long the pool may take to answer.
const ANSWER: Duration = Duration::from_secs(20);
/// Nodes whose trouble is reported; the others have the same one more often than not.
const MOST_NODES: usize = 3;

/// Says why the task waits whenever it does so for a while, and again when the reason is another. Runs beside the look
/// at the task, which it must not delay, and returns only where the caller has gone.
pub(crate) async fn explain(
    plan: &Plan,
    events: &EventSender,
    mut waits: watch::Receiver<bool>,
) -> Detached {
    loop {
        if waits.wait_for(|waits| *waits).await.is_err() {
            // Nobody follows the task any more.
            return std::future::pending().await;
        }
        tokio::select! {
            _ = waits.wait_for(|waits| !*waits) => {}
            detached = explain_one_wait(plan, events) => return detached,
        }
    }
}

async fn explain_one_wait(plan: &Plan, events: &EventSender) -> Detached {
    let (mut pause, mut last_reason) = (SILENT_WAIT, None);
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let (level, reason) = look(plan).await;
        if last_reason.as_ref() != Some(&reason) {
            let message = format!("poolId: the task waits for a node: {reason}");
            if let Err(detached) = events.note(level, message).await {
                return detached;
            }
            last_reason = Some(reason);
        }
    }
}

/// Why no node has taken the task.
pub(crate) async fn reason(plan: &Plan) -> String {
    look(plan).await.1
}

/// The pool as it was a moment ago, for all runs that wait for it.
async fn look(plan: &Plan) -> (Level, String) {
    let pool = plan.shared.pool(&plan.pool_id).await;
    pool.get(POOL_AGE, async || Some(ask(plan).await), Clone::clone)
        .await
        .unwrap_or((Level::Warn, format!("nothing is known about the pool '{}'", plan.pool_id)))
}

/// The pool as it is now. A failed query does not end the run.
async fn ask(plan: &Plan) -> (Level, String) {
    let asked = async {
        let pool = plan.batch.get_pool(&plan.pool_id).await?;
        let nodes = plan.batch.list_nodes(&plan.pool_id).await?;
        azure::Result::Ok((pool, nodes))
    };
    match timeout(ANSWER, asked).await {
        Ok(Ok((pool, nodes))) => (level(&nodes), in_words(&pool, &nodes)),
        Ok(Err(error)) => {
            (Level::Warn, format!("the pool '{}' could not be read: {error}", plan.pool_id))
        }
        Err(_elapsed) => (Level::Warn, format!("the pool '{}' does not answer", plan.pool_id)),
    }
}

/// A busy pool only takes time; one without a node that can run the task needs somebody to act.
fn level(nodes: &[Node]) -> Level {
    if nodes.iter().any(may_run) { Level::Info } else { Level::Warn }
}

fn may_run(node: &Node) -> bool {
    use NodeState::{Creating, Idle, Rebooting, Reimaging, Running, Starting, WaitingForStartTask};
    let comes = matches!(
        node.state,
        Idle | Running | Creating | Starting | WaitingForStartTask | Rebooting | Reimaging
    );
    comes && !is_disabled(node)
}

fn is_disabled(node: &Node) -> bool {
    node.scheduling_state == Some(SchedulingState::Disabled)
}

/// What the pool has: how many nodes in which state, and what is wrong with them and with it.
pub(crate) fn in_words(pool: &Pool, nodes: &[Node]) -> String {
    let mut words = vec![count(pool, nodes)];
    let troubles = nodes.iter().filter_map(trouble).take(MOST_NODES);
    words.extend(troubles);
    words.extend(pool.resize_errors.iter().map(|error| resize_failure(error, pool)));
    azure::without_signatures(&words.join("; "))
}

fn count(pool: &Pool, nodes: &[Node]) -> String {
    let id = &pool.id;
    if nodes.is_empty() {
        let target = pool.target_dedicated_nodes + pool.target_low_priority_nodes;
        return format!("the pool '{id}' has no nodes now, its target is {target}");
    }
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for node in nodes {
        *states.entry(state(node)).or_default() += 1;
    }
    let states: Vec<String> =
        states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    format!("the pool '{id}' has {} node(s): {}", nodes.len(), states.join(", "))
}

fn state(node: &Node) -> String {
    let disabled = if is_disabled(node) { " (scheduling disabled)" } else { "" };
    format!("{}{disabled}", node.state.as_str())
}

/// What is wrong with a node that does not run tasks for a reason of its own.
fn trouble(node: &Node) -> Option<String> {
    let failed = node
        .start_task_info
        .as_ref()
        .filter(|_| matches!(node.state, NodeState::StartTaskFailed | NodeState::Unusable));
    let start_task = failed.and_then(|info| match (info.exit_code, &info.failure_info) {
        (Some(code), _) if code != 0 => Some(format!("its start task exited with code {code}")),
        (_, Some(failure)) => {
            Some(format!("its start task failed: {}", said(&failure.code, &failure.message)))
        }
        _ => None,
    });
    let errors = node.errors.iter().map(|error| said(&error.code, &error.message));
    let all: Vec<String> = start_task.into_iter().chain(errors).collect();
    (!all.is_empty()).then(|| format!("node '{}': {}", node.id, all.join(", ")))
}

/// The service keeps the errors until the next resize, so they may be old.
fn resize_failure(error: &ResizeError, pool: &Pool) -> String {
    let time = pool.allocation_state_transition_time.and_then(|time| time.format(&Rfc3339).ok());
    let time = time.map(|time| format!(" ({time})")).unwrap_or_default();
    format!("its last resize{time} failed: {}", said(&error.code, &error.message))
}

fn said(code: &Option<String>, message: &Option<String>) -> String {
    [code.as_deref(), message.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pool(rest: Value) -> Pool {
        let mut pool = json!({"id": "p", "state": "active"});
        pool.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        serde_json::from_value(pool).unwrap()
    }

    fn nodes(nodes: Value) -> Vec<Node> {
        serde_json::from_value(nodes).unwrap()
    }

    #[test]
    fn a_pool_without_nodes_says_its_target_and_why_its_resize_failed() {
        let full = json!({"code": "AccountCoreQuotaReached", "message": "no cores left"});
        let time = "2026-11-24T08:00:00.5Z";
        let pool = pool(json!({
            "targetDedicatedNodes": 2, "resizeErrors": [full], "allocationStateTransitionTime": time,
        }));
        assert_eq!(
            in_words(&pool, &[]),
            "the pool 'p' has no nodes now, its target is 2; \
             its last resize (2026-11-24T08:00:00.5Z) failed: AccountCoreQuotaReached: no cores left"
        );
        assert_eq!(level(&[]), Level::Warn);
    }

    #[test]
    fn nodes_are_counted_by_state_and_their_trouble_is_told() {
        let failed = json!({"exitCode": 3, "failureInfo": {"category": "usererror"}});
        let nodes = nodes(json!([
            {"id": "a", "state": "starttaskfailed", "startTaskInfo": failed},
            {"id": "b", "state": "unusable", "errors": [{"code": "DiskFull", "message": "no space"}]},
            {"id": "c", "state": "idle", "schedulingState": "disabled"},
            {"id": "d", "state": "idle", "schedulingState": "disabled"},
        ]));
        assert_eq!(
            in_words(&pool(json!({})), &nodes),
            "the pool 'p' has 4 node(s): 2 idle (scheduling disabled), 1 starttaskfailed, 1 unusable; \
             node 'a': its start task exited with code 3; node 'b': DiskFull: no space"
        );
        assert_eq!(level(&nodes), Level::Warn);
    }

    #[test]
    fn a_start_task_that_never_ran_is_told_by_its_failure_without_signatures() {
        let failure = json!({
            "category": "usererror", "code": "BlobAccessDenied", "message": "https://h/c?sig=canary",
        });
        let nodes = nodes(json!([
            {"id": "a", "state": "starttaskfailed", "startTaskInfo": {"failureInfo": failure}},
        ]));
        let text = in_words(&pool(json!({})), &nodes);
        assert!(text.contains("its start task failed: BlobAccessDenied: https://h/c"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn a_node_that_is_busy_or_comes_is_worth_waiting_for() {
        for state in ["running", "idle", "starting", "rebooting"] {
            assert_eq!(level(&nodes(json!([{"id": "a", "state": state}]))), Level::Info);
        }
        for state in ["unknown", "preempted", "offline", "leavingpool"] {
            assert_eq!(level(&nodes(json!([{"id": "a", "state": state}]))), Level::Warn);
        }
    }
}
