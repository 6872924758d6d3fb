//! The signatures that a task is given: what they allow, and for how long.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use crate::gate::Gate;
use crate::support::Lab;

/// Time for the uploads of a task that was ended with its job.
const UPLOADS: Duration = Duration::from_secs(30 * 60);

/// Job and task of a run with this limit, as they were sent.
async fn submitted(limit: Duration) -> (Value, Value) {
    let lab = Lab::start().await;
    lab.write("in.txt", b"x");
    let mut request = lab.request("true");
    request["waitUntilCompletion"] = json!(limit.as_secs());
    request["outputFiles"] = json!(["*.txt"]);
    let gate = Gate::start().await;
    let report = lab.start_run_with(&request, &gate.client()).ended().await;
    assert_eq!(report.outcome().exit_code, Some(0), "{report:?}");
    (gate.body("POST", "/jobs"), gate.body("POST", "/tasks"))
}

/// The URLs that stand at these places of a task.
fn urls(task: &Value, list: &str, pointer: &str) -> Vec<Url> {
    let entries = task[list].as_array().unwrap().iter();
    let found = entries.filter_map(|entry| entry.pointer(pointer)?.as_str());
    found.map(|url| Url::parse(url).unwrap()).collect()
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

#[tokio::test]
async fn a_signature_allows_what_it_is_for_and_no_more() {
    let (_, task) = submitted(Duration::from_secs(60)).await;
    let table = [
        ("resourceFiles", "/httpUrl", "b", "r"),
        ("resourceFiles", "/storageContainerUrl", "c", "rl"),
        ("outputFiles", "/destination/container/containerUrl", "c", "w"),
    ];
    for (list, pointer, resource, rights) in table {
        let urls = urls(&task, list, pointer);
        assert!(!urls.is_empty(), "{pointer}");
        for url in urls {
            assert_eq!(
                (parameter(&url, "sr"), parameter(&url, "sp")),
                (resource.into(), rights.into())
            );
        }
    }
}

#[tokio::test]
async fn a_signature_outlives_the_job_and_the_job_the_run() {
    for limit in [Duration::from_secs(20), Duration::from_secs(180 * 24 * 60 * 60)] {
        let before = OffsetDateTime::now_utc();
        let (job, task) = submitted(limit).await;
        let after = OffsetDateTime::now_utc();
        let life = job.pointer("/constraints/maxWallClockTime").unwrap().as_str().unwrap();
        let life = Duration::from_secs(life.trim_matches(['P', 'T', 'S']).parse().unwrap());
        assert!(life > limit);
        let all = [
            urls(&task, "resourceFiles", "/httpUrl"),
            urls(&task, "resourceFiles", "/storageContainerUrl"),
            urls(&task, "outputFiles", "/destination/container/containerUrl"),
        ];
        for url in all.concat() {
            let end = OffsetDateTime::parse(&parameter(&url, "se"), &Rfc3339).unwrap();
            assert!(end > after + life + UPLOADS, "{end}");
            assert!(end < before + limit + Duration::from_secs(24 * 60 * 60), "{end}");
        }
    }
}
