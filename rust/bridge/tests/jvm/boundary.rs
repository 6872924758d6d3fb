//! What a call answers.

use std::net::TcpListener;

use crate::support::{Jvm, built, line, request};

const CHECK: &str = "BridgeCheck";

#[test]
fn refused_calls_are_one_of_two_exceptions_and_late_ones_are_nothing() {
    let text = Jvm::new().check(CHECK, &["refusals"]);
    assert_eq!(
        line(&text, "unknown field -> ").split(',').next().unwrap(),
        "IllegalArgumentException: request: unknown field `poolId🚀\u{0}`"
    );
    assert!(line(&text, "null request -> ").starts_with("IllegalStateException: "), "{text}");
    assert_eq!(
        line(&text, "unknown run -> "),
        "IllegalStateException: run 4711 is unknown or closed"
    );
    assert_eq!(line(&text, "kill of an unknown run -> "), "nothing");
    assert_eq!(line(&text, "acknowledgement of an unknown run -> "), "nothing");
    assert_eq!(line(&text, "close of an unknown run -> "), "nothing");
    assert_eq!(line(&text, "selection for an unknown run -> "), "nothing");
    let refused = line(&text, "no selection -> ");
    assert!(refused.starts_with("IllegalArgumentException: selection: "), "{refused}");
}

#[test]
fn a_run_ends_with_an_outcome_and_can_be_closed_twice_and_killed_after() {
    let jvm = Jvm::new();
    let closed = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap()
    };
    let text = jvm.check(CHECK, &["run", &jvm.file(&request(&format!("http://{closed}")))]);
    let events: serde_json::Value = serde_json::from_str(line(&text, "outcome: ")).unwrap();
    let outcome = events.as_array().unwrap().last().unwrap();
    assert_eq!(outcome["status"], "failed");
    let message = outcome["message"].as_str().unwrap();
    assert!(
        message.starts_with("endpoint: ") && message.contains(&closed.to_string()),
        "{message}"
    );
    assert_eq!(line(&text, "next before the outcome is acknowledged -> "), "null");
    assert!(line(&text, "next after the end -> ").starts_with("IllegalStateException: "));
    assert!(line(&text, "next after close -> ").starts_with("IllegalStateException: "));
}

#[test]
fn next_gives_null_while_nothing_happens_and_a_kill_ends_the_run() {
    let jvm = Jvm::new();
    // It takes connections and never answers.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", mute.local_addr().unwrap());
    let text = jvm.check(CHECK, &["silence", &jvm.file(&request(&endpoint))]);
    assert_eq!(line(&text, "nothing yet -> "), "null");
    assert!(line(&text, "outcome: ").contains(r#""status":"killed""#), "{text}");
}

#[test]
fn two_class_loaders_of_one_jvm_each_load_the_library() {
    let text = Jvm::new().check(CHECK, &["loaders"]);
    assert_eq!(text.matches("unknown run -> IllegalStateException").count(), 2, "{text}");
}

#[test]
fn a_panic_is_an_exception_that_does_not_quote_it() {
    let library = built("examples/libpanicking.so").display().to_string();
    let text = Jvm::new().check(CHECK, &["panic", &library]);
    let thrown = line(&text, "panic -> ");
    assert!(thrown.starts_with("IllegalStateException: internal error"), "{thrown}");
    assert!(!thrown.contains("canary"), "{thrown}");
}
