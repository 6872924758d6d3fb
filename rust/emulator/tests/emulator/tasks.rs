//! Running tasks and their results.

use azure_batch_emulator::{EndedExitCode, Isolation, Splitting};
use serde_json::{Value, json};

use crate::support::processes::{count, unique_sleep};
use crate::support::{Cloud, merged, shell_task, until};

#[tokio::test]
async fn a_task_that_succeeds_has_exit_code_0_and_its_output() {
    let cloud = Cloud::start().await;
    let task = cloud.run("echo out; echo err >&2").await;
    let execution = &task["executionInfo"];
    assert_eq!(execution["exitCode"], 0);
    assert_eq!(execution["result"], "success");
    assert_eq!(execution["failureInfo"], Value::Null);
    assert_eq!(execution["containerInfo"]["state"], "exited");
    assert_eq!(cloud.output("stdout.txt").await, "out\n");
    assert_eq!(cloud.output("stderr.txt").await, "err\n");
}

#[tokio::test]
async fn a_non_zero_exit_is_a_failure_with_its_code() {
    let cloud = Cloud::start().await;
    let execution = cloud.run("exit 3").await["executionInfo"].clone();
    assert_eq!(execution["exitCode"], 3);
    assert_eq!(execution["result"], "failure");
    assert_eq!(execution["failureInfo"]["category"], "UserError");
    assert_eq!(execution["failureInfo"]["code"], "FailureExitCode");
}

#[tokio::test]
async fn a_signal_has_the_exit_code_that_docker_returns() {
    let cloud = Cloud::start().await;
    for (signal, code) in [("KILL", 137), ("TERM", 143)] {
        cloud.job(signal).await;
        cloud.script(signal, "task", &format!("kill -{signal} $$")).await;
        assert_eq!(cloud.completed(signal, "task").await["executionInfo"]["exitCode"], code);
    }
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named_and_has_no_exit_code() {
    for isolation in [Isolation::detect(), Isolation::None] {
        let cloud = Cloud::start_with(|settings| settings.isolation = isolation).await;
        let execution =
            cloud.run_with("", json!({"commandLine": "no-such-program"})).await["executionInfo"]
                .clone();
        assert_eq!(execution["failureInfo"]["code"], "CommandProgramNotFound");
        assert_eq!(execution["exitCode"], Value::Null);
    }
}

#[tokio::test]
async fn a_command_line_that_cannot_be_split_is_not_started() {
    let cloud = Cloud::start().await;
    for (job, line) in [("open", "sh -c 'open"), ("empty", "")] {
        cloud.job(job).await;
        cloud.script_with(job, "task", "", json!({"commandLine": line})).await;
        let execution = cloud.completed(job, "task").await["executionInfo"].clone();
        assert_eq!(execution["failureInfo"]["code"], "CommandLaunchFailed", "{job}");
    }
}

#[tokio::test]
async fn an_image_that_is_not_registered_fails_as_a_pull_does() {
    let cloud = Cloud::start().await;
    let settings = json!({"containerSettings": {"imageName": "ghcr.io/none"}});
    let execution = cloud.run_with("true", settings).await["executionInfo"].clone();
    assert_eq!(execution["failureInfo"]["code"], "ContainerInvalidImage");
    assert!(
        execution["failureInfo"]["details"][0]["value"].as_str().unwrap().contains("ghcr.io/none")
    );
    assert_eq!(execution["exitCode"], Value::Null);
}

#[tokio::test]
async fn a_task_without_container_settings_fails_on_a_pool_for_containers() {
    let cloud = Cloud::start().await;
    let task = cloud.run_with("true", json!({"containerSettings": null})).await;
    assert_eq!(task["executionInfo"]["failureInfo"]["code"], "ContainerTaskSettingsNotFound");
}

#[tokio::test]
async fn a_task_knows_its_environment() {
    let cloud = Cloud::start().await;
    let settings = json!({"environmentSettings": [{"name": "GREETING", "value": "a $HOME 'b'"}]});
    let task = cloud.run_with("echo \"$GREETING\"; env; pwd", settings).await;
    let output = cloud.output("stdout.txt").await;
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], "a $HOME 'b'");
    let node = task["nodeInfo"]["nodeId"].as_str().unwrap();
    let variable = |name: &str| {
        let start = format!("{name}=");
        lines.iter().find_map(|line| line.strip_prefix(&start)).unwrap_or_default().to_owned()
    };
    assert_eq!(variable("AZ_BATCH_NODE_ID"), node);
    assert_eq!(variable("AZ_BATCH_JOB_ID"), "run");
    assert_eq!(variable("AZ_BATCH_TASK_ID"), "task");
    assert_eq!(variable("AZ_BATCH_POOL_ID"), "pool");
    assert_eq!(variable("AZ_BATCH_ACCOUNT_URL"), cloud.emulator.endpoint());
    let working = variable("AZ_BATCH_TASK_WORKING_DIR");
    assert_eq!(working, format!("{}/wd", variable("AZ_BATCH_TASK_DIR")));
    assert_eq!(lines.last(), Some(&working.as_str()));
}

#[tokio::test]
async fn variables_of_the_job_are_replaced_by_those_of_the_task() {
    let cloud = Cloud::start().await;
    let common = json!([{"name": "A", "value": "job"}, {"name": "B", "value": "job"}]);
    cloud.job_with("job", json!({"commonEnvironmentSettings": common})).await;
    let own = json!({"environmentSettings": [{"name": "B", "value": "task"}]});
    cloud.script_with("job", "task", "echo $A $B", own).await;
    cloud.wait_for_output("job", "task", "job task\n").await;
}

#[tokio::test]
async fn output_grows_while_the_task_runs() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "echo one; while [ ! -e go ]; do sleep 0.05; done; echo two").await;
    cloud.wait_for_output("job", "task", "one\n").await;
    assert_eq!(cloud.get("/jobs/job/tasks/task").await.body["state"], "running");
    cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    cloud.completed("job", "task").await;
    let output = cloud.get("/jobs/job/tasks/task/files/stdout.txt").await.expect(200);
    assert_eq!(output.text, "one\n");
}

#[tokio::test]
async fn terminating_a_task_ends_its_whole_process_tree() {
    for isolation in [Isolation::detect(), Isolation::None] {
        let cloud = Cloud::start_with(|settings| settings.isolation = isolation).await;
        let sleep = unique_sleep();
        cloud.job("job").await;
        let tree = format!(
            "trap '' TERM; sleep {sleep} & setsid sleep {sleep} & (setsid sh -c 'sleep {sleep} & wait' &) ; wait"
        );
        cloud.script("job", "task", &tree).await;
        until("three sleeping processes", || async { (count(&sleep) == 3).then_some(()) }).await;
        cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
        let execution = cloud.completed("job", "task").await["executionInfo"].clone();
        assert_eq!(execution["failureInfo"]["code"], "TaskEnded");
        assert_eq!(execution["result"], "failure");
        until("no sleeping process", || async { (count(&sleep) == 0).then_some(()) }).await;
        let again = cloud.client.post("/jobs/job/tasks/task/terminate").send().await;
        again.expect_error(409, "TaskCompleted");
    }
}

#[tokio::test]
async fn processes_that_a_task_leaves_behind_are_killed() {
    for isolation in [Isolation::detect(), Isolation::None] {
        let cloud = Cloud::start_with(|settings| settings.isolation = isolation).await;
        let sleep = unique_sleep();
        let task = cloud.run(&format!("setsid sleep {sleep} & sleep 0.2")).await;
        assert_eq!(task["executionInfo"]["exitCode"], 0);
        until("no sleeping process", || async { (count(&sleep) == 0).then_some(()) }).await;
    }
}

#[tokio::test]
async fn a_task_ends_when_its_wall_clock_time_is_over() {
    let cloud = Cloud::start().await;
    let limit = json!({"constraints": {"maxWallClockTime": "PT1S"}});
    let execution = cloud.run_with("echo before; sleep 600", limit).await["executionInfo"].clone();
    assert_eq!(execution["failureInfo"]["code"], "TaskEnded");
    assert_eq!(execution["retryCount"], 0);
    assert_eq!(cloud.output("stdout.txt").await, "before\n");
}

#[tokio::test]
async fn a_task_that_is_ended_while_it_runs_may_have_the_exit_code_of_its_killed_command() {
    let cases = [
        ("pool", EndedExitCode::Present, json!(137)),
        ("pool:containers=no", EndedExitCode::Present, json!(-9)),
        ("pool", EndedExitCode::Absent, Value::Null),
    ];
    for (pool, ended_exit_code, exit_code) in cases {
        let cloud = Cloud::start_with(|settings| {
            settings.pools = vec![pool.parse().unwrap()];
            settings.ended_exit_code = ended_exit_code;
        })
        .await;
        cloud.job("job").await;
        let plain = json!({"containerSettings": null});
        let extra = if pool == "pool" { json!({}) } else { plain };
        cloud.script_with("job", "task", "echo up; sleep 600", extra).await;
        cloud.wait_for_output("job", "task", "up").await;
        cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
        let execution = cloud.completed("job", "task").await["executionInfo"].clone();
        assert_eq!(execution["exitCode"], exit_code, "{pool}");
        assert_eq!(execution["failureInfo"]["message"], "Task Was Ended by User Request");
    }
}

#[tokio::test]
async fn a_non_zero_exit_is_tried_again_as_often_as_allowed() {
    let cloud = Cloud::start().await;
    let retries = json!({"constraints": {"maxTaskRetryCount": 2}});
    let script =
        "echo x >> $AZ_BATCH_NODE_SHARED_DIR/tries; cat $AZ_BATCH_NODE_SHARED_DIR/tries; exit 1";
    let execution = cloud.run_with(script, retries).await["executionInfo"].clone();
    assert_eq!(execution["retryCount"], 2);
    assert_eq!(execution["exitCode"], 1);
    assert_eq!(cloud.output("stdout.txt").await, "x\nx\nx\n");
}

#[tokio::test]
async fn a_retry_finds_what_the_run_before_has_left() {
    let cloud = Cloud::start().await;
    let retries = json!({"constraints": {"maxTaskRetryCount": 1}});
    let execution = cloud.run_with("echo x >>left; cat left; exit 1", retries).await;
    assert_eq!(execution["executionInfo"]["retryCount"], 1);
    assert_eq!(cloud.output("stdout.txt").await, "x\nx\n");
}

#[tokio::test]
async fn the_wall_clock_limit_counts_each_try() {
    let cloud = Cloud::start().await;
    let constraints = json!({"constraints": {"maxTaskRetryCount": 2, "maxWallClockTime": "PT4S"}});
    let execution = cloud.run_with("sleep 2; exit 1", constraints).await["executionInfo"].clone();
    assert_eq!((&execution["retryCount"], &execution["exitCode"]), (&json!(2), &json!(1)));
}

#[tokio::test]
async fn a_retry_that_succeeds_is_a_success() {
    let cloud = Cloud::start().await;
    let retries = json!({"constraints": {"maxTaskRetryCount": -1}});
    let script = "cd $AZ_BATCH_NODE_SHARED_DIR; [ -e second ] || { touch second; exit 1; }";
    let execution = cloud.run_with(script, retries).await["executionInfo"].clone();
    assert_eq!(execution["result"], "success");
    assert_eq!(execution["retryCount"], 1);
}

#[tokio::test]
async fn a_node_runs_as_many_tasks_as_it_has_slots() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    for number in 0..3 {
        cloud.script("job", &format!("small{number}"), "echo up; sleep 600").await;
    }
    cloud.script_with("job", "large", "echo up", json!({"requiredSlots": 2})).await;
    for number in 0..3 {
        cloud.wait_for_output("job", &format!("small{number}"), "up").await;
    }
    assert_eq!(cloud.get("/jobs/job/tasks/large").await.body["state"], "active");
    cloud.client.delete("/jobs/job/tasks/small0").send().await.expect(200);
    cloud.completed("job", "large").await;
}

#[tokio::test]
async fn a_waiting_task_can_be_terminated() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"poolInfo": {"poolId": "later"}})).await;
    cloud.script("job", "task", "true").await;
    cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    let task = cloud.get("/jobs/job/tasks/task").await.expect(200).body;
    assert_eq!(task["state"], "completed");
    assert_eq!(task["executionInfo"]["startTime"], Value::Null);
}

#[tokio::test]
async fn conditions_guard_a_task() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "sleep 600").await;
    let task = cloud.task_in_state("job", "task", "running").await;
    let path = "/jobs/job/tasks/task";
    let end = format!("{path}/terminate");
    let (client, stale) = (&cloud.client, "0x1");
    for request in [client.get(path), client.post(&end), client.delete(path)] {
        let reply = request.header("if-match", stale).send().await;
        reply.expect_error(412, "ConditionNotMet");
    }
    let etag = task["eTag"].as_str().unwrap();
    cloud.client.post(&end).header("if-match", etag).send().await.expect(204);
}

#[tokio::test]
async fn a_deleted_task_is_gone_with_its_processes_and_files() {
    let root = tempfile::tempdir().unwrap();
    let cloud = Cloud::start_with(|settings| settings.node_root = Some(root.path().into())).await;
    let sleep = unique_sleep();
    cloud.job("job").await;
    cloud.script("job", "task", &format!("echo up; sleep {sleep}")).await;
    cloud.wait_for_output("job", "task", "up").await;
    let node = cloud.get("/jobs/job/tasks/task").await.body["nodeInfo"]["nodeId"].clone();
    let directory = root.path().join(node.as_str().unwrap()).join("workitems/job/job-1/task");
    assert!(directory.join("stdout.txt").exists());
    cloud.client.delete("/jobs/job/tasks/task").send().await.expect(200);
    cloud.get("/jobs/job/tasks/task").await.expect_error(404, "TaskNotFound");
    assert!(!directory.exists());
    until("no sleeping process", || async { (count(&sleep) == 0).then_some(()) }).await;
}

#[tokio::test]
async fn a_task_id_is_unique_in_its_job_without_regard_to_case() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "true").await;
    let reply = cloud.client.post("/jobs/job/tasks").json(&shell_task("TASK", "true")).send().await;
    reply.expect_error(409, "TaskExists");
}

#[tokio::test]
async fn resource_files_of_more_than_32768_characters_are_refused() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let url = format!("http://127.0.0.1:1/c/{}", "x".repeat(32_768));
    let body = json!({
        "id": "task",
        "commandLine": "true",
        "resourceFiles": [{"httpUrl": url, "filePath": "f"}],
    });
    let reply = cloud.client.post("/jobs/job/tasks").json(&body).send().await;
    let reply = reply.expect_error(400, "InvalidPropertyValue");
    assert_eq!(
        reply.value("Reason"),
        "Total size of resourceFiles cannot be more than 32768 characters"
    );
}

#[tokio::test]
async fn the_password_of_a_registry_is_never_shown() {
    let cloud = Cloud::start().await;
    let registry = json!({"registryServer": "x.io", "username": "u", "password": "p4ssw0rd"});
    let settings = json!({"containerSettings": {"imageName": "image", "registry": registry}});
    cloud.run_with("true", settings).await;
    let reply = cloud.get("/jobs/run/tasks/task").await.expect(200);
    assert_eq!(reply.body["containerSettings"]["registry"]["username"], "u");
    assert!(!reply.text.contains("p4ssw0rd"));
}

#[tokio::test]
async fn a_command_line_is_split_by_the_rules_of_the_node() {
    let line = r#"printf %s| "a\\b" 'c d'"#;
    let rules = [(Splitting::Posix, r"a\b|c d|"), (Splitting::Argvw, r"a\\b|'c|d'|")];
    for (rules, output) in rules {
        let cloud = Cloud::start_with(|settings| settings.command_line = rules).await;
        cloud.run_with("", json!({"commandLine": line})).await;
        assert_eq!(cloud.output("stdout.txt").await, output, "{rules:?}");
    }
}

#[tokio::test]
async fn a_registry_is_used_by_a_password_or_by_an_identity() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let identity = json!({"resourceId": "/subscriptions/s/x"});
    let settings = |registry: Value| json!({"containerSettings": {"imageName": "image", "registry": registry}});
    let registry = json!({"registryServer": "x.io", "identityReference": identity});
    cloud.script_with("job", "identity", "true", settings(registry)).await;
    let shown = cloud.completed("job", "identity").await;
    assert_eq!(shown["containerSettings"]["registry"]["identityReference"], identity);
    assert_eq!(shown["executionInfo"]["result"], "success");
    for wrong in [
        json!({"registryServer": "x.io"}),
        json!({"username": "u"}),
        json!({"username": "u", "password": "p", "identityReference": identity}),
        json!({"identityReference": {}}),
    ] {
        let task = merged(shell_task("wrong", "true"), settings(wrong.clone()));
        let reply = cloud.client.post("/jobs/job/tasks").json(&task).send().await;
        let reply = reply.expect_error(400, "InvalidPropertyValue");
        assert!(reply.value("PropertyName").starts_with("containerSettings.registry"), "{wrong}");
    }
}
