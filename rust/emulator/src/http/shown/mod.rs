//! What resources look like in answers.

pub(super) mod file;
pub(super) mod job;
pub(super) mod node;
pub(super) mod node_tasks;
pub(super) mod pool;
pub(super) mod task;

use serde::Serialize;
use serde_json::{Map, Value};

/// The JSON object of a model. A model that is no object would be a mistake of ours and shows
/// as an empty one.
fn object(model: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(model) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}
