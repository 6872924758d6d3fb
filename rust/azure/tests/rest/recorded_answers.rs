//! Answers of the shape that Azure was recorded to give, made of `tests/fixtures/recorded.json`: all
//! facts about an exchange together are one answer. Where a fact leaves a text open, a sample stands.

use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// A time as the service writes it.
const TIME: &str = "2026-02-11T08:19:42.520259Z";

/// What is known about the answer of an exchange.
#[derive(Deserialize)]
struct Fact {
    exchange: String,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    body: BTreeMap<String, Value>,
}

/// One answer.
pub(crate) struct RecordedAnswer {
    pub(crate) exchange: String,
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// Null where no fact says anything about it.
    pub(crate) body: Value,
}

/// Returns the answer of every exchange, in the order of their names.
pub(crate) fn recorded_answers() -> Vec<RecordedAnswer> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/recorded.json");
    let facts: Vec<Fact> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut answers = BTreeMap::new();
    for fact in facts {
        let exchange = fact.exchange.clone();
        let answer = answers.entry(exchange.clone()).or_insert(RecordedAnswer {
            exchange,
            status: 200,
            headers: BTreeMap::new(),
            body: Value::Null,
        });
        answer.learn(fact);
    }
    answers.into_values().collect()
}

impl RecordedAnswer {
    fn learn(&mut self, fact: Fact) {
        self.status = fact.status.unwrap_or(self.status);
        let present = fact.headers.into_iter().filter_map(|(name, value)| Some((name, value?)));
        self.headers.extend(present.map(|(name, value)| (name, value.replace('*', "sample"))));
        for (pointer, value) in fact.body.into_iter().filter(|(_, value)| !value.is_null()) {
            *place(&mut self.body, &pointer) = sample(&pointer, value);
        }
    }
}

/// Returns the value at a JSON pointer, which it makes where there is none; `*` is the first item.
fn place<'a>(body: &'a mut Value, pointer: &str) -> &'a mut Value {
    pointer.split('/').skip(1).fold(body, |parent, name| {
        match name.replace('*', "0").parse::<usize>() {
            Ok(index) => {
                let items = make(parent, json!([])).as_array_mut().unwrap();
                items.resize(items.len().max(index + 1), json!({}));
                &mut items[index]
            }
            Err(_) => {
                make(parent, json!({})).as_object_mut().unwrap().entry(name).or_insert(Value::Null)
            }
        }
    })
}

fn make(value: &mut Value, empty: Value) -> &mut Value {
    if value.is_null() {
        *value = empty;
    }
    value
}

/// Returns a value that fits a pattern, of the type that its property has.
fn sample(pointer: &str, value: Value) -> Value {
    let name = pointer.rsplit('/').next().unwrap();
    match value.as_str() {
        Some("*") if name.ends_with("Time") => json!(TIME),
        Some("*") if name.ends_with("Count") || name.starts_with("total") => json!(1),
        Some(text) => json!(text.replace("Time:*", &format!("Time:{TIME}")).replace('*', "sample")),
        None => value,
    }
}
