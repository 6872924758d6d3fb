//! Nodes: which there are, what happens to them, whether pools get more.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, done, read};
use crate::error::ApiError;
use crate::http::Front;
use crate::node::faults::NodeEvent;
use crate::service::nodes::NodeView;
use crate::settings::ResizeError;

/// Something that is to happen to a node.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEvent {
    pool: String,
    node: String,
    event: NodeEvent,
}

/// Whether a pool gets more nodes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Allocations {
    pool: String,
    /// Why it gets none; without it, it gets what it lacks.
    failure: Option<ResizeError>,
}

pub(super) async fn list(State(front): State<Arc<Front>>) -> Json<Value> {
    let pools = front.service.pools().into_iter();
    let nodes = pools.filter_map(|pool| front.service.pool_nodes(&pool.settings.id).ok()).flatten();
    Json(nodes.map(|node| shown(&node)).collect())
}

fn shown(view: &NodeView) -> Value {
    json!({
        "pool": view.pool_id,
        "node": view.node.id,
        "dedicated": view.node.is_dedicated,
        "state": view.node.phase.state,
        "running-tasks": view.node.running().len(),
    })
}

pub(super) async fn happen(State(front): State<Arc<Front>>, asked: Asked<NewEvent>) -> Response {
    done(match read(asked) {
        Ok(asked) => {
            let happened = front.service.happen(&asked.pool, &asked.node, asked.event).await;
            happened.map_err(in_words)
        }
        Err(reason) => Err(reason),
    })
}

pub(super) async fn allocations(
    State(front): State<Arc<Front>>,
    asked: Asked<Allocations>,
) -> Response {
    done(read(asked).and_then(|asked| {
        front.service.fail_allocations(&asked.pool, asked.failure).map_err(in_words)
    }))
}

fn in_words(error: ApiError) -> String {
    error.to_string()
}
