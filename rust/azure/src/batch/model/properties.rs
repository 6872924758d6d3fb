//! Whatever a service sends is read or refused.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use super::{Job, Node, Page, Pool, Task};

fn read_as_everything(body: &[u8]) {
    drop(serde_json::from_slice::<Page<Job>>(body));
    drop(serde_json::from_slice::<Page<Task>>(body));
    drop(serde_json::from_slice::<Page<Node>>(body));
    drop(serde_json::from_slice::<Pool>(body));
    drop(serde_json::from_slice::<Task>(body));
}

/// JSON with names and values that answers have, in any places.
fn answer() -> impl Strategy<Value = Value> {
    let names = [
        "value",
        "odata.nextLink",
        "id",
        "state",
        "creationTime",
        "executionInfo",
        "exitCode",
        "failureInfo",
        "category",
        "details",
        "name",
        "nodeInfo",
        "metadata",
        "poolInfo",
        "resizeErrors",
        "startTaskInfo",
        "retryCount",
        "targetDedicatedNodes",
    ];
    let texts = [
        "active",
        "COMPLETED",
        "2026-11-02T07:05:09.5Z",
        "9999-99-99T99:99:99Z",
        "",
        "https://h/jobs?x",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(texts.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 32, 6, move |inner| {
        let pairs = prop::collection::vec((select(names.to_vec()), inner.clone()), 0..6);
        prop_oneof![
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::from),
            3 => pairs.prop_map(|pairs| {
                let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
                Value::Object(pairs.collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(answer in answer()) {
        read_as_everything(answer.to_string().as_bytes());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn an_answer_that_is_cut_short_is_refused(length in 0..80_usize) {
        let whole = r#"{"id":"t","state":"completed","executionInfo":{"exitCode":3,"retryCount":0}}"#;
        prop_assert_eq!(serde_json::from_str::<Task>(&whole[..length.min(whole.len())]).is_ok(), length >= whole.len());
    }
}
