//! Property tests of request bodies.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::{CASES, for_each, is_answer};
use crate::support::client::{Reply, escape};
use crate::support::{Cloud, shell_task};

/// Strings that are significant somewhere.
const WORDS: [&str; 10] = [
    "",
    "a",
    "PT1S",
    "http://127.0.0.1:1/c?sig=x",
    "terminatejob",
    "$HOME",
    "é\0'\"\\",
    "../x",
    "*/**/[",
    "--rm",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3..300_i64).prop_map(Value::from),
        select(WORDS.to_vec()).prop_map(Value::from),
        "\\PC{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        let names = select(vec!["id", "name", "value", "poolId", "commandLine", "x", "imageName"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..4)
                .prop_map(|pairs| pairs
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<Map<_, _>>())
                .prop_map(Value::from),
        ]
    })
}

/// A change at some place in a body.
#[derive(Clone, Debug)]
enum Change {
    /// Another string for a string, another number for a number.
    Alike(String, i64),
    Replace(Value),
    Remove,
    Rename(String),
}

fn change() -> impl Strategy<Value = (Index, Change)> {
    let change = prop_oneof![
        4 => (select(WORDS.to_vec()), -3..300_i64)
            .prop_map(|(text, number)| Change::Alike(text.to_owned(), number)),
        2 => any_json().prop_map(Change::Replace),
        1 => Just(Change::Remove),
        1 => "[a-zA-Z.]{0,5}".prop_map(Change::Rename),
    ];
    (any::<Index>(), change)
}

/// Returns the paths of all values in a body, except the body itself.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(n, item)| (n.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    for (name, value) in inner {
        let at = format!("{at}/{name}");
        places(value, &at, found);
        found.push(at);
    }
}

fn changed(mut body: Value, (index, change): &(Index, Change)) -> Value {
    let mut all = Vec::new();
    places(&body, "", &mut all);
    if all.is_empty() {
        return body;
    }
    let (outer, name) = index.get(&all).rsplit_once('/').unwrap();
    match (body.pointer_mut(outer).unwrap(), change) {
        (outer, Change::Alike(text, number)) => alike(child(outer, name), text, *number),
        (outer, Change::Replace(value)) => *child(outer, name) = value.clone(),
        (Value::Object(object), Change::Remove) => drop(object.remove(name)),
        (Value::Object(object), Change::Rename(new)) => {
            let value = object.remove(name).unwrap();
            object.insert(new.clone(), value);
        }
        (outer, _) => drop(outer.as_array_mut().unwrap().remove(name.parse().unwrap())),
    }
    body
}

fn child<'a>(outer: &'a mut Value, name: &str) -> &'a mut Value {
    outer.pointer_mut(&format!("/{name}")).unwrap()
}

fn alike(value: &mut Value, text: &str, number: i64) {
    match value {
        Value::String(old) => text.clone_into(old),
        Value::Number(old) => *old = number.into(),
        _ => {}
    }
}

/// Valid bodies with their methods and paths.
fn right_bodies() -> Vec<(&'static str, &'static str, Value)> {
    let file = json!({"httpUrl": "http://127.0.0.1:1/c/f", "filePath": "f", "fileMode": "0640"});
    let blobs =
        json!({"storageContainerUrl": "http://127.0.0.1:1/c", "blobPrefix": "p", "filePath": "d"});
    let output = json!({
        "filePattern": "*",
        "destination": {"container": {"containerUrl": "http://127.0.0.1:1/c", "path": "p"}},
        "uploadOptions": {"uploadCondition": "taskcompletion"},
    });
    let mut task = shell_task("task", "true");
    task["resourceFiles"] = json!([file, blobs]);
    task["outputFiles"] = json!([output]);
    task["environmentSettings"] = json!([{"name": "A", "value": "b"}]);
    task["constraints"] =
        json!({"maxWallClockTime": "PT1H", "retentionTime": "P1D", "maxTaskRetryCount": 1});
    task["userIdentity"] = json!({"autoUser": {"scope": "task", "elevationLevel": "admin"}});
    task["containerSettings"]["registry"] =
        json!({"username": "u", "password": "p", "registryServer": "r"});
    task["containerSettings"]["containerRunOptions"] = json!("--rm -e A=b");
    task["containerSettings"]["containerHostBatchBindMounts"] =
        json!([{"source": "Task", "isReadOnly": true}]);
    task["dependsOn"] = json!({"taskIds": ["waiting"], "taskIdRanges": [{"start": 1, "end": 3}]});
    let reaction = json!({"jobAction": "terminate", "dependencyAction": "satisfy"});
    task["exitConditions"] = json!({
        "exitCodes": [{"code": 1, "exitOptions": reaction}],
        "exitCodeRanges": [{"start": 2, "end": 4, "exitOptions": reaction}],
        "default": reaction,
    });
    let job = json!({
        "id": "new",
        "priority": 1,
        "poolInfo": {"poolId": "later"},
        "constraints": {"maxWallClockTime": "PT1H", "maxTaskRetryCount": 1},
        "metadata": [{"name": "a", "value": "b"}],
        "commonEnvironmentSettings": [{"name": "A", "value": "b"}],
        "onAllTasksComplete": "noaction",
        "onTaskFailure": "noaction",
        "jobManagerTask": {
            "id": "manager",
            "commandLine": "true",
            "runExclusive": false,
            "authenticationTokenSettings": {"access": ["job"]},
        },
        "jobPreparationTask": {"commandLine": "true", "waitForSuccess": true},
        "jobReleaseTask": {"commandLine": "true", "maxWallClockTime": "PT1M"},
    });
    let mut specification = job.clone();
    specification.as_object_mut().unwrap().remove("id");
    let schedule = json!({
        "id": "new",
        "schedule": {
            "doNotRunUntil": "2050-01-01T00:00:00Z",
            "doNotRunAfter": "2051-01-01T00:00:00Z",
            "startWindow": "PT2M",
            "recurrenceInterval": "PT10M",
        },
        "jobSpecification": specification,
        "metadata": [{"name": "a", "value": "b"}],
    });
    let mut schedule_change = schedule.clone();
    schedule_change.as_object_mut().unwrap().remove("id");
    let start = json!({"commandLine": "true", "resourceFiles": task["resourceFiles"], "userIdentity": task["userIdentity"]});
    let pool = json!({
        "id": "pool2",
        "vmSize": "standard_d2s_v3",
        "virtualMachineConfiguration": {
            "imageReference": {"publisher": "p", "offer": "o", "sku": "s", "version": "latest"},
            "nodeAgentSKUId": "batch.node.ubuntu 24.04",
            "containerConfiguration": {
                "type": "dockerCompatible",
                "containerRegistries": [task["containerSettings"]["registry"]],
            },
            "osDisk": {"caching": "readonly", "diskSizeGB": 30},
        },
        "resizeTimeout": "PT15M",
        "targetDedicatedNodes": 0,
        "startTask": start,
        "taskSchedulingPolicy": {"nodeFillType": "pack"},
        "userAccounts": [{"name": "u", "password": "p", "linuxUserConfiguration": {"uid": 1, "gid": 1}}],
        "networkConfiguration": {"publicIPAddressConfiguration": {"provision": "batchmanaged"}},
    });
    let mut own_pool = job.clone();
    let mut specification = pool.clone();
    specification.as_object_mut().unwrap().remove("id");
    own_pool["poolInfo"] = json!({"autoPoolSpecification": {
        "autoPoolIdPrefix": "p", "poolLifetimeOption": "job", "pool": specification,
    }});
    let update = json!({"priority": 2, "constraints": {"maxTaskRetryCount": 1}, "metadata": []});
    let sizes =
        json!({"targetDedicatedNodes": 1, "targetLowPriorityNodes": 0, "resizeTimeout": "PT15M"});
    let scheduling = json!({"nodeDisableSchedulingOption": "requeue"});
    vec![
        ("POST", "/jobs", job.clone()),
        ("POST", "/jobs", own_pool),
        ("POST", "/pools", pool),
        (
            "PATCH",
            "/pools/pool",
            json!({"startTask": start, "metadata": [{"name": "a", "value": "b"}]}),
        ),
        ("POST", "/pools/none/updateproperties", json!({"startTask": start, "metadata": []})),
        ("POST", "/jobs/job/tasks", task.clone()),
        (
            "POST",
            "/jobs/job/addtaskcollection",
            json!({"value": [task, shell_task("other", "true")]}),
        ),
        ("PUT", "/jobs/job/tasks/waiting", json!({"constraints": task["constraints"]})),
        ("PATCH", "/jobs/job", update),
        ("PUT", "/jobs/job", job),
        ("POST", "/jobschedules", schedule),
        ("PATCH", "/jobschedules/schedule", schedule_change.clone()),
        ("PUT", "/jobschedules/schedule", schedule_change),
        ("POST", "/jobs/none/terminate", json!({"terminateReason": "x"})),
        ("POST", "/jobs/none/disable", json!({"disableTasks": "requeue"})),
        ("POST", "/pools/pool/resize", sizes),
        (
            "POST",
            "/pools/pool/removenodes",
            json!({"nodeList": ["none"], "nodeDeallocationOption": "requeue"}),
        ),
        ("POST", "/pools/pool/nodes/none/disablescheduling", scheduling),
    ]
}

async fn send(cloud: &Cloud, verb: &str, path: &str, body: &str) -> Reply {
    let request = match verb {
        "POST" => cloud.client.post(path),
        "PUT" => cloud.client.put(path),
        _ => cloud.client.patch(path),
    };
    request.body(body).send().await
}

/// Sends a body, checks the response, and removes what it created.
async fn try_body(cloud: &Cloud, verb: &str, path: &str, body: &Value) {
    let reply = send(cloud, verb, path, &body.to_string()).await;
    is_answer(reply.status, &reply.body);
    for list in ["/jobs", "/jobschedules", "/jobs/job/tasks", "/pools", "/pools/pool/nodes"] {
        let list = cloud.get(list).await.expect(200);
        assert!(list.body["value"].is_array(), "{}", list.text);
    }
    if let (201, Some(id)) = (reply.status, body["id"].as_str()) {
        let path = format!("{path}/{id}");
        cloud.get(&path).await.expect(200);
        cloud.client.delete(&path).send().await;
    }
    for result in reply.body["value"].as_array().into_iter().flatten() {
        let id = result["taskId"].as_str().unwrap();
        cloud.client.delete(&format!("/jobs/job/tasks/{}", escape(id))).send().await;
    }
}

#[test]
fn a_right_body_with_changes_is_taken_or_refused() {
    let changes = (select(right_bodies()), prop::collection::vec(change(), 1..3));
    for_each(4 * CASES, &changes, async |cloud, ((verb, path, mut body), changes)| {
        if ["/jobs", "/jobschedules", "/pools"].contains(&path) {
            // An id that is being deleted cannot be reused for a moment.
            body["id"] = json!(uuid::Uuid::new_v4().to_string());
        }
        try_body(cloud, verb, path, &changes.iter().fold(body, changed)).await;
    });
}

#[test]
fn any_json_is_taken_or_refused() {
    let paths = right_bodies().into_iter().map(|(verb, path, _)| (verb, path)).collect::<Vec<_>>();
    for_each(CASES, &(select(paths), any_json()), async |cloud, ((verb, path), body)| {
        try_body(cloud, verb, path, &body).await;
    });
}

#[test]
fn a_damaged_body_is_taken_or_refused() {
    let damage = ("[\\[\\]{}\",:0-9eE+-]{0,3}|\\PC{0,3}", any::<Index>(), any::<Index>());
    let bodies = select(right_bodies());
    for_each(CASES, &(bodies, damage), async |cloud, ((verb, path, body), (put, start, end))| {
        let mut text = body.to_string();
        let (start, end) = (start.index(text.len()), end.index(text.len()));
        text.replace_range(start.min(end)..start.max(end), &put);
        let reply = send(cloud, verb, path, &text).await;
        is_answer(reply.status, &reply.body);
    });
}

/// Requests to the admin endpoint.
fn admin_order() -> impl Strategy<Value = Value> {
    let fault = "(any|get-job|node-get-blob)(#[0-9.]{0,3})?=(429|503|cut|denied|lost)(,ms=[0-9]{1,3})?|\\PC{0,9}";
    prop_oneof![
        any_json(),
        fault.prop_map(|fault| json!({"fault": fault})),
        (select(WORDS.to_vec()), "lost|recovered|x")
            .prop_map(|(node, event)| json!({"pool": "pool", "node": node, "event": event})),
        any_json().prop_map(|failure| json!({"pool": "pool", "failure": failure})),
    ]
}

#[test]
fn any_admin_request_is_accepted_or_refused_with_a_reason() {
    let paths = select(vec!["faults", "nodes", "pools", "operations", "x"]);
    for_each(CASES, &(paths, admin_order()), async |cloud, (path, order)| {
        let url = |path: &str| format!("{}/_emulator/{path}", cloud.emulator.endpoint());
        let http = &cloud.client.http;
        let request = http.post(url(path)).header("content-type", "application/json");
        let answer = request.body(order.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        assert!((200..500).contains(&status), "{status}: {text}");
        assert!(status < 400 || body["error"].is_string(), "{status}: {text}");
        http.delete(url("faults")).send().await.unwrap();
        cloud.get("/pools/pool").await.expect(200);
    });
}
