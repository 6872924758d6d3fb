//! Compares the emulator with what Azure answered: `tests/fixtures/recorded.json`.
//!
//! Each fact names an exchange, which `recorded/` drives, and what is known of its answer: the
//! status, headers and values of the body. `null` stands for what is absent, and `*` in a text for
//! any text. `same` and `differ` compare values with those of another exchange.

mod exchanges;
mod files;
mod job_schedules;
mod jobs;
mod pools;
mod requests;
mod tasks;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::support::client::Reply;
use exchanges::Exchanges;

/// What is known of the answer of an exchange.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fact {
    exchange: String,
    fact: String,
    /// Short names of the sessions in which it was seen.
    source: Vec<String>,
    /// The group of facts that it belongs to: jobs, tasks, headers, job schedules, pools and so on.
    section: u32,
    sure: Certainty,
    status: Option<u16>,
    text: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    /// By JSON pointer, in which `*` stands for any item of a list.
    #[serde(default)]
    body: BTreeMap<String, Value>,
    #[serde(default)]
    same: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    differ: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
enum Certainty {
    #[serde(rename = "R")]
    Recorded,
    #[serde(rename = "M")]
    Microsoft,
    #[serde(rename = "F")]
    Field,
}

fn facts() -> Vec<Fact> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/recorded.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

impl Fact {
    /// Returns what is otherwise than it was recorded.
    fn differences(&self, exchanges: &Exchanges) -> Vec<String> {
        let reply = exchanges.get(&self.exchange);
        let mut found = Vec::new();
        found.extend(
            self.status
                .filter(|status| *status != reply.status)
                .map(|_| format!("the status is {}: {}", reply.status, reply.text)),
        );
        found.extend(
            self.text
                .as_ref()
                .filter(|text| **text != reply.text)
                .map(|_| format!("the body is {:?}", reply.text)),
        );
        found.extend(self.headers.iter().filter_map(|(name, wanted)| {
            let header = reply.headers.get(name).map(|value| value.to_str().unwrap());
            let fits = match (wanted, header) {
                (Some(wanted), Some(header)) => fits(wanted, header),
                (wanted, header) => wanted.is_none() && header.is_none(),
            };
            (!fits).then(|| format!("the header {name} is {header:?}"))
        }));
        found.extend(self.body.iter().filter_map(|(pointer, wanted)| {
            let values = values(&reply.body, pointer);
            let fits = match wanted {
                Value::Null => values.is_empty(),
                wanted => values.iter().any(|value| equals(wanted, value)),
            };
            (!fits).then(|| format!("{pointer} is {values:?}"))
        }));
        found.extend(self.compared(&self.same, exchanges, true));
        found.extend(self.compared(&self.differ, exchanges, false));
        found
    }

    /// Returns the values that are not as alike to those of other exchanges as they have to be.
    fn compared(
        &self,
        others: &BTreeMap<String, Vec<String>>,
        exchanges: &Exchanges,
        alike: bool,
    ) -> Vec<String> {
        let own = exchanges.get(&self.exchange);
        let pairs = others.iter().flat_map(|(other, pointers)| {
            let other_body = &exchanges.get(other).body;
            pointers.iter().map(move |pointer| (other, pointer, other_body))
        });
        pairs
            .filter_map(|(other, pointer, body)| {
                let (one, two) = (own.body.pointer(pointer), body.pointer(pointer));
                let fits = one.is_some() && two.is_some() && (one == two) == alike;
                (!fits).then(|| format!("{pointer} is {one:?}, and {two:?} in '{other}'"))
            })
            .collect()
    }

    fn title(&self) -> String {
        let sure = match self.sure {
            Certainty::Recorded => "recorded",
            Certainty::Microsoft => "Microsoft",
            Certainty::Field => "field",
        };
        let source = self.source.join(", ");
        format!("{}: {} ({sure}, {source}; section {})", self.exchange, self.fact, self.section)
    }
}

/// Returns whether a value is the one that is known. A text is a pattern, which fits numbers too.
fn equals(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::String(pattern), Value::String(text)) => fits(pattern, text),
        (Value::String(pattern), other) => fits(pattern, &other.to_string()),
        (wanted, value) => wanted == value,
    }
}

/// Returns whether a text fits a pattern, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    (0..=text.len()).any(|at| text.is_char_boundary(at) && fits(rest, &text[at..]))
}

/// Returns the values at a JSON pointer, in which `*` stands for any item of a list.
fn values<'a>(body: &'a Value, pointer: &str) -> Vec<&'a Value> {
    match pointer.split_once("/*") {
        None => body.pointer(pointer).into_iter().collect(),
        Some((list, rest)) => {
            let items = body.pointer(list).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(|item| item.pointer(rest)).collect()
        }
    }
}

#[tokio::test]
async fn the_emulator_answers_as_azure_was_recorded() {
    let (facts, exchanges) = (facts(), exchanges::all().await);
    let mut wrong = Vec::new();
    for fact in &facts {
        let differences = fact.differences(&exchanges);
        if !differences.is_empty() {
            wrong.push(format!("{}: {}", fact.title(), differences.join("; ")));
        }
    }
    println!("{} facts, {} held", facts.len(), facts.len() - wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unused: Vec<_> = exchanges.names().filter(|name| !is_known(&facts, name)).collect();
    assert!(unused.is_empty(), "there is no fact of {unused:?}");
}

#[test]
fn the_page_says_how_many_facts_there_are() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/emulator.md");
    let count = format!("has {} facts about answers of the real service", facts().len());
    assert!(std::fs::read_to_string(page).unwrap().contains(&count), "{count}");
}

fn is_known(facts: &[Fact], exchange: &str) -> bool {
    facts.iter().any(|fact| fact.mentions(exchange))
}

impl Fact {
    fn mentions(&self, exchange: &str) -> bool {
        let others = || self.same.keys().chain(self.differ.keys());
        self.exchange == exchange || others().any(|other| other == exchange)
    }
}

#[test]
fn a_difference_from_a_recorded_answer_is_found() {
    let body = serde_json::json!({"eTag": "0x1", "values": [{"key": "a"}, {"key": "b"}]});
    let reply = |status| Reply {
        status,
        headers: [("etag".parse().unwrap(), "0x1".parse().unwrap())].into_iter().collect(),
        text: body.to_string(),
        body: body.clone(),
    };
    let exchanges = Exchanges::from([("one", reply(200)), ("two", reply(404))]);
    let differences = |exchange: &str, known: Value| {
        let mut fact = serde_json::json!(
            {"exchange": exchange, "fact": "", "source": [], "section": 1, "sure": "R"}
        );
        fact.as_object_mut().unwrap().extend(known.as_object().unwrap().clone());
        serde_json::from_value::<Fact>(fact).unwrap().differences(&exchanges).len()
    };
    let cases = [
        (serde_json::json!({"status": 200}), [0, 1]),
        (serde_json::json!({"headers": {"etag": "0x*", "age": null}}), [0, 0]),
        (serde_json::json!({"headers": {"etag": null, "age": "*"}}), [2, 2]),
        (serde_json::json!({"body": {"/values/*/key": "b", "/code": null}}), [0, 0]),
        (serde_json::json!({"body": {"/values/*/key": "c", "/eTag": null}}), [2, 2]),
        (serde_json::json!({"same": {"two": ["/eTag"]}}), [0, 0]),
        (serde_json::json!({"differ": {"two": ["/eTag", "/none"]}}), [2, 2]),
        (serde_json::json!({"text": ""}), [1, 1]),
    ];
    for (known, expected) in cases {
        let found = ["one", "two"].map(|exchange| differences(exchange, known.clone()));
        assert_eq!(found, expected, "{known}");
    }
}
