//! Pools that scale automatically.

use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::pools::{create, delete, gone, plain_pool, steady};
use crate::support::{Cloud, merged, until};

/// Fast enough that five minutes are a second.
const FAST: u32 = 300;

async fn cloud(speed: u32) -> Cloud {
    Cloud::start_with(|settings| {
        settings.pools.clear();
        settings.autoscale_speed = speed;
    })
    .await
}

/// Returns the body of a pool with a formula.
fn scaled_pool(formula: &str) -> Value {
    let mut pool = plain_pool("pool");
    pool.as_object_mut().unwrap().remove("targetDedicatedNodes");
    let scaling = json!({
        "enableAutoScale": true,
        "autoScaleFormula": formula,
        "autoScaleEvaluationInterval": "PT5M",
    });
    merged(pool, scaling)
}

async fn ask(cloud: &Cloud, operation: &str, body: Value) -> Reply {
    cloud.client.post(&format!("/pools/pool/{operation}")).json(&body).send().await
}

async fn enable(cloud: &Cloud, formula: &str) -> Reply {
    ask(cloud, "enableautoscale", json!({"autoScaleFormula": formula})).await
}

/// Enables scaling as soon as the service allows it again.
async fn enabled_with(cloud: &Cloud, body: Value) -> Reply {
    until("automatic scaling", || async {
        let reply = ask(cloud, "enableautoscale", body.clone()).await;
        (reply.status == 200).then_some(reply)
    })
    .await
}

async fn evaluate(cloud: &Cloud, formula: &str) -> Reply {
    ask(cloud, "evaluateautoscale", json!({"autoScaleFormula": formula})).await
}

async fn pool(cloud: &Cloud) -> Value {
    cloud.get("/pools/pool").await.expect(200).body
}

async fn has_nodes(cloud: &Cloud, count: usize) {
    until(&format!("a pool of {count} nodes"), || async {
        (steady(cloud, "pool").await["currentDedicatedNodes"] == count).then_some(())
    })
    .await;
}

/// Creates a job and a task without a container.
async fn start(cloud: &Cloud, task: &str, script: &str) {
    cloud
        .client
        .post("/jobs")
        .json(&json!({"id": "job", "poolInfo": {"poolId": "pool"}}))
        .send()
        .await;
    cloud.script_with("job", task, script, json!({"containerSettings": null})).await;
}

#[tokio::test]
async fn a_pool_with_a_formula_is_what_it_says_from_the_beginning() {
    let cloud = cloud(1).await;
    let formula = "$TargetDedicated = 2;";
    let body = merged(scaled_pool(formula), json!({"autoScaleEvaluationInterval": "PT6M"}));
    create(&cloud, &body).await.expect(201);
    let created = pool(&cloud).await;
    assert_eq!(created["allocationState"], "resizing");
    assert_eq!(created["targetDedicatedNodes"], 2);
    assert_eq!(created["enableAutoScale"], true);
    assert_eq!(created["autoScaleFormula"], formula);
    assert_eq!(created["autoScaleEvaluationInterval"], "PT6M");
    assert!(created["autoScaleRun"]["timestamp"].is_string());
    assert_eq!(created["autoScaleRun"]["error"], Value::Null);
    assert_eq!(
        created["autoScaleRun"]["results"],
        "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue"
    );
    let pool = steady(&cloud, "pool").await;
    assert_eq!((&pool["currentDedicatedNodes"], &pool["eTag"]), (&json!(2), &created["eTag"]));
}

#[tokio::test]
async fn automatic_scaling_is_enabled_changed_and_disabled() {
    let cloud = cloud(FAST).await;
    create(&cloud, &plain_pool("pool")).await.expect(201);
    let before = steady(&cloud, "pool").await;
    assert_eq!(before["enableAutoScale"], false);
    let enabled = enable(&cloud, "$TargetDedicatedNodes=2").await.expect(200);
    assert!(enabled.header("dataserviceid").ends_with("/pools/pool/enableautoscale"));
    assert_eq!(enabled.text, "");
    let shown = pool(&cloud).await;
    assert_eq!(
        (&shown["targetDedicatedNodes"], &shown["allocationState"]),
        (&json!(2), &json!("resizing"))
    );
    assert_eq!(shown["autoScaleEvaluationInterval"], "PT15M");
    assert_eq!(shown["eTag"], enabled.header("etag"));
    assert_ne!(shown["eTag"], before["eTag"]);
    let first = shown["autoScaleRun"]["results"].clone();
    steady(&cloud, "pool").await;

    enabled_with(&cloud, json!({"autoScaleEvaluationInterval": "PT168H"})).await;
    let formula = json!({"autoScaleFormula": "$TargetDedicatedNodes=0"});
    let changed = enabled_with(&cloud, formula).await;
    let shown = pool(&cloud).await;
    assert_eq!(shown["targetDedicatedNodes"], 0);
    assert_eq!(shown["autoScaleEvaluationInterval"], "PT168H");
    assert_eq!(
        shown["autoScaleRun"]["results"], first,
        "the run of before stays until the next one"
    );

    let disabled = ask(&cloud, "disableautoscale", json!({})).await.expect(200);
    assert_eq!(disabled.header("etag"), changed.header("etag"));
    let shown = pool(&cloud).await;
    for name in ["autoScaleFormula", "autoScaleEvaluationInterval", "autoScaleRun"] {
        assert_eq!(shown[name], Value::Null, "{name}");
    }
    steady(&cloud, "pool").await;
    ask(&cloud, "resize", json!({"targetDedicatedNodes": 1})).await.expect(202);
    has_nodes(&cloud, 1).await;
}

#[tokio::test]
async fn a_formula_that_is_evaluated_does_not_resize_the_pool() {
    let cloud = cloud(1).await;
    create(&cloud, &scaled_pool("$TargetDedicatedNodes = 1;")).await.expect(201);
    let evaluated = evaluate(&cloud, "x = 3; $TargetDedicatedNodes = x").await.expect(200);
    assert!(evaluated.header("dataserviceid").ends_with("/pools/pool/evaluateautoscale"));
    assert!(
        evaluated.body["odata.metadata"]
            .as_str()
            .unwrap()
            .ends_with("/$metadata#Microsoft.Azure.Batch.Protocol.Entities.AutoScaleRun")
    );
    assert_eq!(
        evaluated.body["results"],
        "$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;x=3"
    );
    assert_eq!(pool(&cloud).await["targetDedicatedNodes"], 1);
    let failed = evaluate(&cloud, "a = avg($CPUPercent.GetSample(1 * TimeInterval_Hour));").await;
    let error = failed.expect(200).body["error"].clone();
    assert_eq!(error["code"], "InsufficientSampleData");
    assert_eq!(error["message"], "Autoscale evaluation failed due to insufficient sample data");
    assert_eq!(
        error["values"],
        json!([{
            "name": "Message",
            "value": "Line 1, Col 21: Insufficient data from data set: $CPUPercent wanted 10%, received 0%",
        }])
    );
}

#[tokio::test]
async fn a_pool_grows_with_its_tasks_and_shrinks_without_them() {
    let cloud = cloud(FAST).await;
    let formula = "
        pending = $PendingTasks.GetSamplePercent(TimeInterval_Minute) < 50
            ? 0 : max($PendingTasks.GetSample(TimeInterval_Minute));
        $TargetDedicatedNodes = min(2, pending);
        $NodeDeallocationOption = taskcompletion;";
    create(&cloud, &scaled_pool(formula)).await.expect(201);
    assert_eq!(steady(&cloud, "pool").await["currentDedicatedNodes"], 0);
    for task in ["one", "two", "three"] {
        start(&cloud, task, "true").await;
    }
    has_nodes(&cloud, 2).await;
    for task in ["one", "two", "three"] {
        cloud.completed("job", task).await;
    }
    has_nodes(&cloud, 0).await;
    delete(&cloud, "pool").await.expect(202);
    gone(&cloud, "pool").await;
}

#[tokio::test]
async fn the_pool_that_a_job_asks_for_can_have_a_formula() {
    let cloud = cloud(1).await;
    let mut scaled = scaled_pool("$TargetDedicatedNodes = 1;");
    scaled.as_object_mut().unwrap().remove("id");
    let auto = json!({"autoPoolIdPrefix": "a", "poolLifetimeOption": "job", "pool": scaled});
    let job = json!({"id": "job", "poolInfo": {"autoPoolSpecification": auto}});
    cloud.client.post("/jobs").json(&job).send().await.expect(201);
    cloud.script_with("job", "task", "true", json!({"containerSettings": null})).await;
    assert_eq!(cloud.completed("job", "task").await["executionInfo"]["exitCode"], 0);
    let pool = cloud.get("/pools").await.expect(200).body["value"][0].clone();
    assert_eq!(
        (&pool["enableAutoScale"], &pool["targetDedicatedNodes"]),
        (&json!(true), &json!(1))
    );
}

#[tokio::test]
async fn the_tasks_of_a_node_that_a_formula_removes_follow_its_option() {
    for (option, code) in [("taskcompletion", json!(0)), ("terminate", json!(-9))] {
        let cloud = cloud(1).await;
        create(&cloud, &plain_pool("pool")).await.expect(201);
        steady(&cloud, "pool").await;
        start(&cloud, "task", "echo up; sleep 1").await;
        cloud.wait_for_output("job", "task", "up").await;
        let formula = format!("$TargetDedicatedNodes = 0; $NodeDeallocationOption = {option};");
        enable(&cloud, &formula).await.expect(200);
        let task = cloud.completed("job", "task").await;
        assert_eq!(task["executionInfo"]["exitCode"], code, "{option}");
        assert_eq!(task["executionInfo"]["requeueCount"], 0);
        has_nodes(&cloud, 0).await;
    }
}

#[tokio::test]
async fn a_formula_has_no_effect_while_the_pool_is_resizing() {
    let cloud = cloud(FAST).await;
    create(&cloud, &plain_pool("pool")).await.expect(201);
    steady(&cloud, "pool").await;
    start(&cloud, "task", "echo up; sleep 600").await;
    cloud.wait_for_output("job", "task", "up").await;
    let formula = "$TargetDedicatedNodes = $CurrentDedicatedNodes.Count() > 0 && $TargetDedicatedNodes == 1 ? 0 : 5;
        $NodeDeallocationOption = taskcompletion;";
    let body = json!({"autoScaleFormula": formula, "autoScaleEvaluationInterval": "PT5M"});
    enabled_with(&cloud, body).await;
    until("another evaluation", || async {
        let results = pool(&cloud).await["autoScaleRun"]["results"].clone();
        results.as_str().unwrap().starts_with("$TargetDedicatedNodes=5;").then_some(())
    })
    .await;
    let shown = pool(&cloud).await;
    assert_eq!(
        (&shown["targetDedicatedNodes"], &shown["allocationState"]),
        (&json!(0), &json!("resizing"))
    );
    cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    has_nodes(&cloud, 5).await;
}

#[tokio::test]
async fn a_formula_that_fails_leaves_the_pool_as_it_is_until_it_succeeds() {
    // Slow enough that the pool is looked at before the second evaluation.
    let cloud = cloud(FAST / 5).await;
    let formula = "$TargetDedicatedNodes = 1 + min($CurrentDedicatedNodes.GetSample(TimeInterval_Minute * 2, 70));";
    create(&cloud, &scaled_pool(formula)).await.expect(201);
    let error = &pool(&cloud).await["autoScaleRun"]["error"];
    assert_eq!(error["code"], "InsufficientSampleData");
    let detail = error["values"][0]["value"].as_str().unwrap();
    assert!(detail.ends_with("$CurrentDedicatedNodes wanted 70%, received 0%"), "{detail}");
    assert_eq!(pool(&cloud).await["targetDedicatedNodes"], 0);
    has_nodes(&cloud, 1).await;
    assert_eq!(pool(&cloud).await["autoScaleRun"]["error"], Value::Null);
}

#[tokio::test]
async fn a_formula_knows_the_tasks_and_nodes_of_its_pool() {
    let cloud = cloud(1).await;
    let body = merged(
        scaled_pool("$TargetDedicatedNodes = 1; $TargetLowPriorityNodes = 1;"),
        json!({"taskSlotsPerNode": 2}),
    );
    create(&cloud, &body).await.expect(201);
    steady(&cloud, "pool").await;
    let low = cloud.emulator.node_ids("pool").unwrap().into_iter().find(|id| id.ends_with("_p"));
    cloud.emulator.preempt_node("pool", &low.unwrap()).unwrap();
    start(&cloud, "good", "true").await;
    start(&cloud, "bad", "exit 1").await;
    for task in ["good", "bad"] {
        cloud.completed("job", task).await;
    }
    for task in ["run1", "run2"] {
        start(&cloud, task, "echo up; sleep 600").await;
        cloud.wait_for_output("job", task, "up").await;
    }
    start(&cloud, "waits", "true").await;
    let results = evaluate(
        &cloud,
        "active = $ActiveTasks + 0; failed = $FailedTasks + 0; pending = $PendingTasks + 0;
        running = $RunningTasks + 0; succeeded = $SucceededTasks + 0; dedicated = $CurrentDedicatedNodes + 0;
        low = $CurrentLowPriorityNodes + 0; preempted = $PreemptedNodeCount + 0; slots = $TaskSlotsPerNode;
        usable = $UsableNodeCount + 0; target = $TargetDedicatedNodes; all = $SampleNodeCount + 0;",
    )
    .await;
    assert_eq!(
        results.expect(200).body["results"].as_str().unwrap().split_once(";active").unwrap().1,
        "=1;all=2;dedicated=1;failed=1;low=1;pending=3;preempted=1;running=2;slots=2;succeeded=1;target=1;usable=1"
    );
}

#[tokio::test]
async fn a_pool_with_a_formula_cannot_be_resized_by_request_and_another_not_evaluated() {
    let cloud = cloud(1).await;
    create(&cloud, &scaled_pool("$TargetDedicatedNodes = 1;")).await.expect(201);
    steady(&cloud, "pool").await;
    let node = cloud.emulator.node_ids("pool").unwrap().remove(0);
    for (operation, body) in [
        ("resize", json!({"targetDedicatedNodes": 2})),
        ("removenodes", json!({"nodeList": [node]})),
    ] {
        ask(&cloud, operation, body).await.expect_error(409, "OperationNotValidOnPool");
    }
    ask(&cloud, "disableautoscale", json!({})).await.expect(200);
    evaluate(&cloud, "a = 1").await.expect_error(409, "OperationNotValidOnPool");
}

#[tokio::test]
async fn automatic_scaling_cannot_be_enabled_during_a_resize_or_twice_in_30_seconds() {
    let cloud = cloud(1).await;
    create(&cloud, &plain_pool("pool")).await.expect(201);
    enable(&cloud, "$TargetDedicatedNodes = 1;").await.expect_error(409, "PoolBeingResized");
    steady(&cloud, "pool").await;
    let stale = cloud
        .client
        .post("/pools/pool/enableautoscale")
        .header("if-match", "0x1")
        .json(&json!({"autoScaleFormula": "$TargetDedicatedNodes = 1;"}));
    stale.send().await.expect_error(412, "ConditionNotMet");
    enable(&cloud, "$TargetDedicatedNodes = 1;").await.expect(200);
    let again = enable(&cloud, "$TargetDedicatedNodes = 1;").await;
    again.expect_error(503, "TooManyEnableAutoScaleRequests");
}

#[tokio::test]
async fn what_is_wrong_in_the_scaling_of_a_pool_is_named() {
    let cloud = cloud(1).await;
    let long = format!("a = 1;{}", " ".repeat(8_187));
    let name = |reply: Reply| reply.value("PropertyName").to_owned();
    for (extra, code, property) in [
        (json!({"autoScaleFormula": null}), "MissingRequiredProperty", "autoScaleFormula"),
        (json!({"targetDedicatedNodes": 1}), "InvalidPropertyValue", "targetDedicatedNodes"),
        (json!({"targetLowPriorityNodes": 0}), "InvalidPropertyValue", "targetLowPriorityNodes"),
        (
            json!({"autoScaleEvaluationInterval": "PT4M59S"}),
            "InvalidPropertyValue",
            "autoScaleEvaluationInterval",
        ),
        (
            json!({"autoScaleEvaluationInterval": "P7DT1S"}),
            "InvalidPropertyValue",
            "autoScaleEvaluationInterval",
        ),
        (
            json!({"autoScaleEvaluationInterval": "5m"}),
            "InvalidPropertyValue",
            "autoScaleEvaluationInterval",
        ),
        (
            json!({"enableAutoScale": false, "targetDedicatedNodes": 0}),
            "InvalidPropertyValue",
            "autoScaleFormula",
        ),
    ] {
        let reply = create(&cloud, &merged(scaled_pool("a = 1;"), extra.clone())).await;
        assert_eq!(name(reply.expect_error(400, code)), property, "{extra}");
    }
    let reply = create(&cloud, &scaled_pool("$TargetDedicatedNodes = (1;")).await;
    let reply = reply.expect_error(400, "AutoScalingFormulaSyntaxError");
    assert_eq!(reply.value("Reason"), "Line 1, Col 27: expected ')', found ';'");
    let reply = create(&cloud, &scaled_pool(&long)).await;
    assert_eq!(reply.expect_error(400, "AutoScalingFormulaTooLong").value("MaxLimit"), "8192");

    create(&cloud, &plain_pool("pool")).await.expect(201);
    steady(&cloud, "pool").await;
    for body in [json!({}), json!({"autoScaleEvaluationInterval": "PT5M"})] {
        let reply = ask(&cloud, "enableautoscale", body).await;
        assert_eq!(name(reply.expect_error(400, "MissingRequiredProperty")), "autoScaleFormula");
    }
    enable(&cloud, "a =").await.expect_error(400, "AutoScalingFormulaSyntaxError");
    assert_eq!(pool(&cloud).await["enableAutoScale"], false);
    enable(&cloud, "a = 1").await.expect(200);
    evaluate(&cloud, "a =").await.expect_error(400, "AutoScalingFormulaSyntaxError");
    evaluate(&cloud, &long).await.expect_error(400, "AutoScalingFormulaTooLong");
}
