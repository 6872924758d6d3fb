//! JSON of the numbers of nodes of a pool.

use serde_json::{Map, Value, json};

use super::object;
use crate::store::node::NodeState;
use crate::store::pool::Pool;

/// The states by the names of their numbers.
const STATES: [(&str, NodeState); 13] = [
    ("creating", NodeState::Creating),
    ("idle", NodeState::Idle),
    ("leavingPool", NodeState::LeavingPool),
    ("offline", NodeState::Offline),
    ("preempted", NodeState::Preempted),
    ("rebooting", NodeState::Rebooting),
    ("reimaging", NodeState::Reimaging),
    ("running", NodeState::Running),
    ("starting", NodeState::Starting),
    ("startTaskFailed", NodeState::StartTaskFailed),
    ("unknown", NodeState::Unknown),
    ("unusable", NodeState::Unusable),
    ("waitingForStartTask", NodeState::WaitingForStartTask),
];

/// The states that no node of the emulator has.
const OTHERS: [&str; 3] = ["deallocated", "deallocating", "upgradingOS"];

/// Returns the numbers of a pool's nodes as the service shows them.
pub(crate) fn render(pool: &Pool) -> Map<String, Value> {
    object(&json!({
        "poolId": pool.id,
        "dedicated": counts(pool, true),
        "lowPriority": counts(pool, false),
    }))
}

fn counts(pool: &Pool, is_dedicated: bool) -> Map<String, Value> {
    let in_state = |state| {
        let nodes = pool.nodes.iter().filter(|node| node.is_dedicated == is_dedicated);
        nodes.filter(|node| node.phase.state == state).count()
    };
    let states = STATES.iter().map(|(name, state)| (*name, in_state(*state)));
    let others = OTHERS.iter().map(|name| (*name, 0));
    let all = states.chain(others).chain([("total", pool.count(is_dedicated))]);
    all.map(|(name, count)| (name.to_owned(), json!(count))).collect()
}
