//! The client on answers of the shape that Azure was recorded to give.

use crate::{
    recorded_answers::{RecordedAnswer, recorded_answers},
    scripted_service::{KEY, Reply, ScriptedService},
};
use azure::{
    Error, RetryPolicy, SharedKey,
    batch::{BatchClient, FailureInfo, Job, JobPatch, NewJob, NewTask, Node, Pool, Task, Throttle},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// So many recorded exchanges, at least, are of requests that the client makes.
const SENT: usize = 60;

/// What was asked for is the case already.
const AS_GOOD_AS_DONE: [&str; 1] = ["terminate a completed task"];

/// A file of four bytes, as the recorded length says.
const FILE: &str = "1234";

const LENGTH: &str = "content-length";
const CODING: &str = "transfer-encoding";

/// The answer with the frame that the service puts around it: a success comes in chunks, an error
/// with its length and its message as reason phrase, and bodies are indented with CRLF.
fn reply(answer: &RecordedAnswer, body: &Value) -> Reply {
    let body = match body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        body => serde_json::to_string_pretty(body).unwrap().replace('\n', "\r\n"),
    };
    let headers = answer.headers.iter().filter(|(name, _)| ![LENGTH, CODING].contains(&&***name));
    let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let framed = match (answer.status, answer.headers.get(LENGTH)) {
        (204, _) => "\r\n".to_owned(),
        // Of a HEAD.
        (_, Some(length)) if body.is_empty() => format!("{LENGTH}: {length}\r\n\r\n"),
        (200..300, _) => format!("{CODING}: chunked\r\n\r\n{}0\r\n\r\n", chunk(&body)),
        _ => format!("{LENGTH}: {}\r\n\r\n{body}", body.len()),
    };
    let message = answer.body.pointer("/message/value").and_then(Value::as_str).unwrap_or("OK");
    let reason = message.lines().next().unwrap();
    Reply::Answer(format!("HTTP/1.1 {} {reason}\r\n{headers}{framed}", answer.status).into_bytes())
}

fn chunk(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("{:x}\r\n{body}\r\n", body.len()) }
}

/// Returns the body of an answer. A resource has what no fact is about, too: its id and its state.
fn body(answer: &RecordedAnswer) -> Value {
    let mut body = answer.body.clone();
    if answer.status >= 300 || !["get", "list"].contains(&subject(&answer.exchange).0) {
        return body;
    }
    let resources = match body.get_mut("value").and_then(Value::as_array_mut) {
        Some(items) => items.iter_mut().collect(),
        None => vec![&mut body],
    };
    for resource in resources {
        for (name, value) in [("id", "recorded"), ("state", "active")] {
            if resource[name].is_null() {
                resource[name] = json!(value);
            }
        }
    }
    body
}

/// What the client understood: values by JSON pointer.
type Understood = Vec<(&'static str, Value)>;

fn of_job(job: &Job) -> Understood {
    let info = job.execution_info.clone().unwrap_or_default();
    vec![
        ("/state", json!(job.state)),
        ("/onAllTasksComplete", json!(job.on_all_tasks_complete)),
        ("/executionInfo/poolId", json!(info.pool_id)),
        ("/executionInfo/terminateReason", json!(info.terminate_reason)),
        ("/executionInfo/endTime", is_there(info.end_time.is_some())),
    ]
}

fn of_task(task: &Task) -> Understood {
    let info = task.execution_info.clone().unwrap_or_default();
    let failure = info.failure_info.clone();
    let of_failure = |value: fn(&FailureInfo) -> Value| failure.as_ref().map_or(Value::Null, value);
    vec![
        ("/state", json!(task.state)),
        ("/executionInfo/exitCode", json!(info.exit_code)),
        ("/executionInfo/result", json!(info.result)),
        ("/executionInfo/startTime", is_there(info.start_time.is_some())),
        ("/executionInfo/failureInfo/code", of_failure(|failure| json!(failure.code))),
        ("/executionInfo/failureInfo/message", of_failure(|failure| json!(failure.message))),
        (
            "/executionInfo/failureInfo/details/0/name",
            of_failure(|failure| json!(failure.details.first().map(|detail| &detail.name))),
        ),
    ]
}

fn of_pool(pool: &Pool) -> Understood {
    let error = pool.resize_errors.first().map(|error| &error.code);
    vec![("/resizeErrors/0/code", json!(error))]
}

/// A time is only read or not.
fn is_there(value: bool) -> Value {
    if value { json!("*") } else { Value::Null }
}

fn same(understood: &Value, sent: Option<&Value>) -> bool {
    match (understood, sent) {
        (Value::Null, None) => true,
        (Value::String(any), Some(_)) if any == "*" => true,
        (Value::String(one), Some(Value::String(other))) => one.eq_ignore_ascii_case(other),
        (one, other) => Some(one) == other,
    }
}

/// The verb of an exchange, and what it is about.
fn subject(exchange: &str) -> (&str, &str) {
    let (verb, rest) = exchange.split_once(' ').unwrap();
    let words = ["job", "task", "pool", "node", "properties", "file", "stdout", "stderr", "log"];
    (verb, words.into_iter().min_by_key(|word| rest.find(word).unwrap_or(usize::MAX)).unwrap())
}

fn is_about_a_file(exchange: &str) -> bool {
    let (verb, subject) = subject(exchange);
    verb == "get" && ["properties", "file", "stdout", "stderr", "log"].contains(&subject)
}

/// Sends the request of an exchange. None: the client makes no such request.
async fn send(exchange: &str, batch: &BatchClient) -> Option<azure::Result<Understood>> {
    let (job, task) = (NewJob::default(), NewTask::default());
    let nothing = |()| Vec::new();
    Some(match subject(exchange) {
        _ if exchange.contains("schedule") => return None,
        ("create", "job") => batch.create_job(&job).await.map(nothing),
        ("create", "task") => batch.create_task("j", &task).await.map(nothing),
        ("get", "job") => batch.get_job("j").await.map(|job| of_job(&job)),
        ("get", "task") => batch.get_task("j", "t").await.map(|task| of_task(&task)),
        ("get", "pool") => batch.get_pool("p").await.map(|pool| of_pool(&pool)),
        ("list", "job") => {
            batch.list_jobs(None).await.map(|jobs| vec![("/value/0/state", json!(jobs[0].state))])
        }
        ("list", "node") => {
            let first = |all: &[Node]| json!(all.first().map(|node| &node.state));
            batch.list_nodes("p").await.map(|all| vec![("/value/0/state", first(&all))])
        }
        ("update" | "patch", "job") => {
            batch.patch_job("j", &JobPatch::default()).await.map(nothing)
        }
        ("terminate", "job") => batch.terminate_job("j", "reason").await.map(nothing),
        ("terminate", "task") => batch.terminate_task("j", "t").await.map(nothing),
        ("delete", "job") => batch.delete_job("j").await.map(nothing),
        _ => return None,
    })
}

fn assert_told(answer: &RecordedAnswer, error: &Error) {
    let body = |pointer: &str| answer.body.pointer(pointer).and_then(Value::as_str);
    assert_eq!(error.status(), Some(answer.status), "{}: {error}", answer.exchange);
    assert_eq!(error.code(), body("/code"), "{}: {error}", answer.exchange);
    let text = error.to_string();
    let message = body("/message/value").and_then(|message| message.lines().next());
    let values = answer.body["values"].as_array().into_iter().flatten();
    let values = values.filter_map(|value| value["value"].as_str());
    for words in values.chain(message) {
        assert!(text.contains(words), "{}: '{words}' is not in '{text}'", answer.exchange);
    }
}

/// Reading a file: with its recorded body or error, or with its recorded length where the exchange
/// is a HEAD, which the client sends when an answer could be the rest of the file or all of it.
async fn read(answer: &RecordedAnswer) -> Option<String> {
    let is_length =
        !answer.exchange.starts_with("get a file") && !answer.exchange.contains(" log ");
    let body = if answer.status == 200 && !is_length { json!(FILE) } else { answer.body.clone() };
    let recorded = reply(answer, &body);
    let (replies, from) = match is_length {
        true => (vec![Reply::ok(&FILE[2..]), recorded], 2),
        false => (vec![recorded], 0),
    };
    let service = ScriptedService::start(replies).await;
    let bytes = service.batch().get_task_file("j", "t", "stdout.txt", from, 100).await.unwrap();
    bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn every_recorded_answer_is_understood() {
    let answers = recorded_answers().into_iter();
    let mut sent = 0;
    for answer in answers.filter(|answer| !is_about_a_file(&answer.exchange)) {
        let body = body(&answer);
        let service = ScriptedService::start([reply(&answer, &body)]).await;
        match send(&answer.exchange, &service.batch()).await {
            None => continue,
            Some(Ok(understood)) => {
                let is_done = AS_GOOD_AS_DONE.contains(&answer.exchange.as_str());
                assert!(answer.status < 300 || is_done, "{}", answer.exchange);
                for (pointer, value) in understood {
                    let (sent, name) = (body.pointer(pointer), &answer.exchange);
                    assert!(same(&value, sent), "{name}: {pointer}: {value}, {sent:?}");
                }
            }
            Some(Err(error)) => assert_told(&answer, &error),
        }
        assert_eq!(service.calls().len(), 1, "{}", answer.exchange);
        sent += 1;
    }
    assert!(sent >= SENT, "the client was fed only {sent} answers");
}

#[tokio::test]
async fn files_are_read_from_recorded_answers() {
    let expected = [
        ("get a file", Some("1234")),
        ("get a file of an active task", None),
        ("get the properties of a file", Some("34")),
        ("get the properties of a file that does not exist", None),
        ("get the stderr of a task whose program does not exist", Some("")),
        ("get the stdout of a task whose program does not exist", Some("")),
        ("get the upload log of a task that did not start", None),
    ];
    let answers = recorded_answers();
    let files = answers.iter().filter(|answer| is_about_a_file(&answer.exchange));
    let mut read_as = Vec::new();
    for answer in files {
        read_as.push((answer.exchange.as_str(), read(answer).await));
    }
    let read_as: Vec<_> = read_as.iter().map(|(name, text)| (*name, text.as_deref())).collect();
    assert_eq!(read_as, expected);
}

/// The clock is paused: it jumps ahead as soon as there is nothing left to do.
#[tokio::test(start_paused = true)]
async fn the_recorded_wait_is_kept_before_a_request_is_repeated() {
    let answers = recorded_answers();
    let busy = answers.iter().find(|answer| answer.exchange == "a request of too many").unwrap();
    let busy = reply(busy, &busy.body);
    let service = ScriptedService::start([busy, Reply::ok(r#"{"id":"j","state":"active"}"#)]).await;
    let key = SharedKey::new("acct", KEY).unwrap();
    let http = azure::http_client().unwrap();
    let (retry, throttle) = (RetryPolicy::default(), Throttle::default());
    let batch = BatchClient::new(&service.endpoint, key, http, retry, throttle).unwrap();
    let start = Instant::now();
    batch.get_job("j").await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(service.calls().len(), 2);
}
