//! Admin requests: list nodes, make them fail, and make allocations fail.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{JsonBody, no_content_or_error, read};
use crate::error::ApiError;
use crate::http::AppState;
use crate::node::faults::NodeEvent;
use crate::service::nodes::NodeView;
use crate::settings::ResizeError;

/// The body of a request that makes a node fail or recover.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEvent {
    pool: String,
    node: String,
    event: NodeEvent,
}

/// The body of a request about the allocations of a pool.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Allocations {
    pool: String,
    /// The error with which allocations fail; without it they succeed.
    failure: Option<ResizeError>,
}

pub(super) async fn list(State(state): State<Arc<AppState>>) -> Json<Value> {
    let pools = state.service.pools().into_iter();
    let nodes = pools.filter_map(|pool| state.service.pool_nodes(&pool.id).ok()).flatten();
    Json(nodes.map(|node| render(&node)).collect())
}

fn render(view: &NodeView) -> Value {
    json!({
        "pool": view.pool_id,
        "node": view.node.id,
        "dedicated": view.node.is_dedicated,
        "state": view.node.phase.state,
        "running-tasks": view.node.running().len(),
    })
}

pub(super) async fn apply_node_event(
    State(state): State<Arc<AppState>>,
    body: JsonBody<NewEvent>,
) -> Response {
    no_content_or_error(match read(body) {
        Ok(body) => {
            let result = state.service.apply_node_event(&body.pool, &body.node, body.event).await;
            result.map_err(error_text)
        }
        Err(reason) => Err(reason),
    })
}

pub(super) async fn allocations(
    State(state): State<Arc<AppState>>,
    body: JsonBody<Allocations>,
) -> Response {
    no_content_or_error(read(body).and_then(|body| {
        state.service.fail_allocations(&body.pool, body.failure).map_err(error_text)
    }))
}

fn error_text(error: ApiError) -> String {
    error.to_string()
}
