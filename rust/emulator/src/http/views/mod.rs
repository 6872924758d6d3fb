//! The JSON of resources in responses.

pub(super) mod file;
pub(super) mod image;
pub(super) mod job;
pub(super) mod job_schedule;
pub(super) mod node;
pub(super) mod node_counts;
pub(super) mod node_tasks;
pub(super) mod pool;
pub(super) mod pool_usage;
pub(super) mod statistics;
pub(super) mod task;

use serde::Serialize;
use serde_json::{Map, Value};

/// Returns a model as a JSON object, without what is absent. All models are objects; anything else
/// would be a bug and becomes an empty one.
fn object(model: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(model).map(without_nulls) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let present = object.into_iter().filter(|(_, value)| !value.is_null());
            present.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
