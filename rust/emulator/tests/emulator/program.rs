//! The command line program.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::support::blobs::BlobServer;
use crate::support::client::Client;
use crate::support::processes::{count, unique_sleep};
use crate::support::program::{client, program};
use crate::support::tls::TlsFront;
use crate::support::{KEY, shell_task, until};

#[tokio::test]
async fn a_signal_ends_the_program_its_tasks_and_its_files() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let temporary = tempfile::tempdir().unwrap();
        let image = tempfile::tempdir().unwrap();
        let image = format!("image={}", image.path().display());
        let mut command = program(&["--pool", "pool", "--image", &image]);
        let mut child = command.env("TMPDIR", temporary.path()).spawn().unwrap();
        let client = client(&mut child).await;
        let job = json!({"id": "job", "poolInfo": {"poolId": "pool"}});
        client.post("/jobs").json(&job).send().await.expect(201);
        let sleep = unique_sleep();
        let task = shell_task("task", &format!("setsid sleep {sleep} & wait"));
        client.post("/jobs/job/tasks").json(&task).send().await.expect(201);
        until("a sleeping process", || async { (count(&sleep) == 1).then_some(()) }).await;
        assert_eq!(temporary.path().read_dir().unwrap().count(), 1);
        kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), signal).unwrap();
        assert!(child.wait().await.unwrap().success());
        until("no sleeping process", || async { (count(&sleep) == 0).then_some(()) }).await;
        assert_eq!(temporary.path().read_dir().unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_node_root_that_was_given_stays() {
    let root = tempfile::tempdir().unwrap();
    let arguments = ["--pool", "pool", "--node-root", root.path().to_str().unwrap()];
    let mut child = program(&arguments).spawn().unwrap();
    client(&mut child).await.get("/pools/pool").send().await.expect(200);
    kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(child.wait().await.unwrap().success());
    assert_eq!(root.path().read_dir().unwrap().count(), 1);
}

#[tokio::test]
async fn an_entry_point_that_cannot_be_read_is_named() {
    for text in ["bin/tool", r#"{"Entrypoint": []}"#, "[1]", ""] {
        let image = tempfile::tempdir().unwrap();
        std::fs::write(image.path().join("entrypoint.json"), text).unwrap();
        let argument = format!("tool={}", image.path().display());
        let output = program(&["--image", &argument]).output().await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains("entrypoint.json"), "{text}: {error}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused_and_named() {
    let cases: &[(&[&str], &str)] = &[
        (&["--listen", "0.0.0.0:0"], "loopback"),
        (&["--key", "not base64!"], "base64"),
        (&["--pool", "a b"], "a b"),
        (&["--pool", "a", "--pool", "A"], "used twice"),
        (&["--pool", "a:slots=0"], "slots=0"),
        (&["--pool", "a:nodes=101"], "at most"),
        (&["--start-task", "other=true"], "names an unknown pool: other"),
        (&["--state-delay", "1s"], "--state-delay"),
        (&["--state-delay", "running=5,idle=1"], "idle=1"),
        (&["--logs", "never"], "at-end"),
        (&["--consistency", "weak"], "eventual"),
        (&["--rate-limit", "0"], "--rate-limit"),
        (&["--fault", "create-job#0=503"], "#0"),
        (&["--fault", "make-job=503"], "make-job"),
        (&["--fault", "create-job=404"], "404"),
        (&["--clock-offset", "1h"], "--clock-offset"),
        (&["--image", "x=/no/such/directory"], "/no/such/directory"),
        (&["--image", "nothing"], "NAME=PATH"),
    ];
    for (arguments, part) in cases {
        let mut command = Command::new(env!("CARGO_BIN_EXE_azure-batch-emulator"));
        if !arguments.contains(&"--key") {
            command.args(["--key", KEY]);
        }
        let output = command.args(*arguments).output().await.unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(part), "{arguments:?}: {text}");
        assert!(!text.contains(KEY) && !text.contains("not base64!"), "{text}");
    }
}

#[tokio::test]
async fn without_bubblewrap_isolation_is_refused_when_asked_for_and_reported_when_not() {
    let text = {
        let mut command = program(&["--isolation", "bwrap"]);
        let output = command.env("PATH", "/nowhere").output().await.unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(text.contains("bubblewrap"), "{text}");
    let temporary = tempfile::tempdir().unwrap();
    let mut command = program(&[]);
    command.env("TMPDIR", temporary.path());
    let mut child = command.env("PATH", "/nowhere").spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    assert!(line.contains("plain processes"), "{line}");
}

/// Creates a job and a task without a container in a program's pool.
async fn create_plain_task(client: &Client, task: &Value) {
    let job = json!({"id": "job", "poolInfo": {"poolId": "pool"}});
    client.post("/jobs").json(&job).send().await.expect(201);
    client.post("/jobs/job/tasks").json(task).send().await.expect(201);
}

async fn completed(client: &Client) -> Value {
    until("the end of the task", || async {
        let task = client.get("/jobs/job/tasks/task").send().await.expect(200).body;
        (task["state"] == "completed").then_some(task)
    })
    .await
}

/// Returns a task that copies the inputs below `in` to the outputs below `out`.
fn copying_task(container: &str, command_line: &str) -> Value {
    json!({
        "id": "task",
        "commandLine": command_line,
        "resourceFiles": [{"storageContainerUrl": container, "blobPrefix": "run/in/"}],
        "outputFiles": [{
            "filePattern": "out/*",
            "destination": {"container": {"containerUrl": container, "path": "up"}},
            "uploadOptions": {"uploadCondition": "taskcompletion"},
        }],
    })
}

#[tokio::test]
async fn the_switches_decide_what_the_specification_leaves_open() {
    let blobs = BlobServer::start().await;
    blobs.put("run/in/f", "content");
    let switches = "--pool pool:containers=no --logs at-end --command-line argvw \
        --blob-prefix strip --wildcard-base pattern";
    let mut child = program(&switches.split_whitespace().collect::<Vec<_>>()).spawn().unwrap();
    let client = client(&mut child).await;
    let script = r#"sh -c "mkdir out; cp f out; echo 'it''s' c:\\d; touch ready; sleep 600""#;
    create_plain_task(&client, &copying_task(&blobs.container("box", "rlw"), script)).await;
    let file = |name: &str| client.get(&format!("/jobs/job/tasks/task/files/{name}")).send();
    until("a file of the task", || async { (file("wd/ready").await.status == 200).then_some(()) })
        .await;
    file("stdout.txt").await.expect_error(404, "FileNotFound");
    client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    completed(&client).await;
    assert_eq!(file("stdout.txt").await.expect(200).text, "its c:\\d\n");
    assert_eq!(blobs.text("up/f").as_deref(), Some("content"), "{:?}", blobs.names());
}

#[tokio::test]
async fn a_delay_keeps_a_task_in_its_state() {
    let arguments = ["--pool", "pool:containers=no", "--state-delay", "600000"];
    let mut child = program(&arguments).spawn().unwrap();
    let client = client(&mut child).await;
    create_plain_task(&client, &json!({"id": "task", "commandLine": "true"})).await;
    let task = client.get("/jobs/job/tasks/task").send().await.expect(200).body;
    assert_eq!(task["state"], "active");
    kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn faults_a_wrong_clock_and_a_full_quota_can_be_asked_for() {
    let arguments = "--fault list-jobs#1=503 --clock-offset -20 --job-quota 0";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let mut child = program(&arguments).spawn().unwrap();
    let client = client(&mut child).await;
    client.get("/jobs").send().await.expect_error(503, "ServerBusy");
    client.get("/jobs").send().await.expect_error(403, "AuthenticationFailed");
    let theirs = time::OffsetDateTime::now_utc() - time::Duration::minutes(20);
    let job = json!({"id": "job", "poolInfo": {"poolId": "pool"}});
    let reply = client.post("/jobs").json(&job).send_at(theirs).await;
    reply.expect_error(409, "ActiveJobAndScheduleQuotaReached");
}

#[tokio::test]
async fn a_pool_has_the_start_task_that_a_switch_gives_it() {
    let arguments = ["--pool", "pool", "--start-task", "pool=/bin/sh -c 'exit 5'"];
    let mut child = program(&arguments).spawn().unwrap();
    let client = client(&mut child).await;
    let failed = client.get("/pools/pool/nodes").query("$filter", "startTaskInfo/exitCode eq 5");
    until("a start task that failed", || async {
        let nodes = client.get("/pools/pool/nodes").send().await.expect(200).body;
        (nodes["value"][0]["state"] == "starttaskfailed").then_some(())
    })
    .await;
    assert_eq!(failed.send().await.expect(200).ids("id").len(), 1);
}

#[tokio::test]
async fn storage_behind_tls_is_trusted_as_ssl_cert_file_says() {
    let blobs = BlobServer::start().await;
    let front = TlsFront::start(&blobs.address).await;
    blobs.put("run/in/f", "content");
    let container = blobs.container("box", "rlw").replace("http://", "https://");
    let container = container.replace(&blobs.address, &front.address);
    let task = copying_task(&container, "cp -r run/in out");
    for trusted in [false, true] {
        let mut command = program(&["--pool", "pool:containers=no"]);
        if trusted {
            command.env("SSL_CERT_FILE", &front.certificate);
        }
        let mut child = command.spawn().unwrap();
        let client = client(&mut child).await;
        create_plain_task(&client, &task).await;
        let execution = completed(&client).await["executionInfo"].clone();
        let failure = if trusted { Value::Null } else { json!("ResourceContainerListMiscError") };
        assert_eq!(execution["failureInfo"]["code"], failure, "{execution}");
        assert_eq!(blobs.text("up/f").is_some(), trusted);
    }
}

#[tokio::test]
async fn the_program_issues_tokens_to_the_principals_that_switches_name() {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("token").display().to_string();
    let tenant = "--pool pool --tenant 11111111-2222-3333-4444-555555555555 --token-life 60 \
        --authentication-modes AAD --principal \
        client-id=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee,secret=s3cret,federated=me,role=azure-batch-account-reader";
    let mut arguments: Vec<&str> = tenant.split_whitespace().collect();
    let token_file = format!("me={file}");
    arguments.extend(["--federated-token-file", &token_file]);
    let mut child = program(&arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = async || lines.next_line().await.unwrap().unwrap();
    let (endpoint, issuer) = (line().await, line().await);
    let client = Client::new(endpoint.strip_prefix("listening on ").unwrap());
    let issuer = issuer.strip_prefix("issuer on ").unwrap();
    let url = format!("{issuer}/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token");
    let assertion = std::fs::read_to_string(&file).unwrap();
    for (name, value) in [("client_secret", "s3cret"), ("client_assertion", &assertion)] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"),
            (name, value),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("scope", "https://batch.core.windows.net//.default"),
        ];
        let request = client.http.post(&url).form(&form).build().unwrap();
        let token = client.reply(request).await.unwrap().expect(200).body;
        assert_eq!(token["expires_in"], 60);
        let authorization = format!("Bearer {}", token["access_token"].as_str().unwrap());
        client.get("/pools/pool").send_with(&authorization).await.expect(200);
        client.delete("/pools/pool").send_with(&authorization).await.expect(403);
    }
    client.get("/pools/pool").send().await.expect(403);
}

#[tokio::test]
async fn a_principal_that_is_wrong_is_named_without_its_secret() {
    const TENANT: &str = "11111111-2222-3333-4444-555555555555";
    const SECRET: &str = "client-id=11111111-2222-3333-4444-555555555555,secret=s3cret";
    let role = format!("{SECRET},role=owner");
    let certificate = format!("{SECRET},certificate=/dev/null");
    let cases: &[(&[&str], &str)] = &[
        (&["--tenant", "t"], "--tenant"),
        (&["--principal", SECRET], "--tenant"),
        (&["--tenant", TENANT, "--principal", &role], "role=owner"),
        (&["--tenant", TENANT, "--principal", "secret=s3cret"], "client-id=GUID is missing"),
        (&["--tenant", TENANT, "--principal", &certificate], "is not PEM"),
        (&["--tenant", TENANT, "--principal", SECRET, "--principal", SECRET], "used twice"),
        (&["--tenant", TENANT, "--issuer-listen", "0.0.0.0:0"], "--issuer-listen"),
        (&["--authentication-modes", "Key"], "TaskAuthenticationToken"),
    ];
    for (arguments, part) in cases {
        let output = program(arguments).output().await.unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(part), "{arguments:?}: {text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}
