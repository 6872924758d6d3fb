//! The JSON of resources in responses.

pub(super) mod file;
pub(super) mod job;
pub(super) mod node;
pub(super) mod node_tasks;
pub(super) mod pool;
pub(super) mod task;

use serde::Serialize;
use serde_json::{Map, Value};

/// Returns a model as a JSON object. All models are objects; anything else would be a bug and
/// becomes an empty one.
fn object(model: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(model) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}
