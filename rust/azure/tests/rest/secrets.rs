//! No secret leaves through an error, whatever the service says.

use crate::scripted_service::{KEY, Reply, ScriptedService, closed_endpoint, container_at, eager};
use azure::{
    Error, SharedKey,
    batch::{BatchClient, NewTask, ResourceFile, Throttle},
};
use bytes::Bytes;

/// What a SAS would hold; the key itself is a canary too.
const SIGNATURE: &str = "canary%2Fsignature%3D";

fn assert_clean(error: &Error) {
    let text = format!("{error} {error:?} {error:#?}");
    for secret in ["canary", KEY] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(!text.replace("sig=***", "").contains("sig="), "a signature in {text}");
}

fn task_with_sas() -> NewTask {
    let sas = format!("https://h.example/c?sv=1&sig={SIGNATURE}");
    let file = ResourceFile { http_url: Some(sas), ..ResourceFile::default() };
    NewTask { id: "t".into(), resource_files: vec![file], ..NewTask::default() }
}

#[tokio::test]
async fn a_service_that_quotes_the_request_does_not_give_its_signature_away() {
    let quote = format!("bad url https://h.example/c?sv=1&sig={SIGNATURE}&se=2");
    let json = format!(
        r#"{{"code":"InvalidPropertyValue","message":{{"value":"{quote}"}},"values":[{{"key":"Url","value":"{quote}"}}]}}"#
    );
    let xml = format!(
        "<Error><Code>InvalidUri</Code><Message>{0}</Message><AuthenticationErrorDetail>{0}</AuthenticationErrorDetail></Error>",
        quote.replace('&', "&amp;")
    );
    let service =
        ScriptedService::start([Reply::new(400, &[], &json), Reply::new(400, &[], &xml)]).await;
    let error = service.batch().create_task("j", &task_with_sas()).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidPropertyValue"));
    assert_clean(&error);
    let container = container_at(&service.endpoint);
    let error = container.put_bytes("a", Bytes::new()).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidUri"));
    assert!(error.to_string().contains("sig=***"), "{error}");
    assert_clean(&error);
}

#[tokio::test]
async fn an_endpoint_that_is_away_does_not_give_the_request_away() {
    let endpoint = closed_endpoint().await;
    let key = SharedKey::new("acct", KEY).unwrap();
    let http = azure::http_client().unwrap();
    let batch = BatchClient::new(&endpoint, key, http, eager(), Throttle::default()).unwrap();
    assert_clean(&batch.create_task("j", &task_with_sas()).await.unwrap_err());
    assert_clean(&container_at(&endpoint).directories("").await.unwrap_err());
    let text = format!("{batch:?} {:?}", container_at(&endpoint));
    assert!(!text.contains(KEY), "{text}");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_not_quoted() {
    let nonsense = Reply::ok("<X>\nsig=canary</X>");
    let service = ScriptedService::start([nonsense.clone(), nonsense]).await;
    assert_clean(&service.batch().get_job("j").await.unwrap_err());
    assert_clean(&container_at(&service.endpoint).list("").await.unwrap_err());
}
