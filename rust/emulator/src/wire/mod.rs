//! The wire format: request models, what resources look like, filters and times.

pub(crate) mod body;
pub(crate) mod common;
pub(crate) mod duration;
pub(crate) mod file;
pub(crate) mod filter;
pub(crate) mod job;
pub(crate) mod pool;
pub(crate) mod task;
pub(crate) mod time;

use serde::Serialize;
use serde_json::{Map, Value};

/// The JSON object of a model. A model that is no object would be a mistake of ours and shows
/// as an empty one.
pub(crate) fn object(model: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(model) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}
