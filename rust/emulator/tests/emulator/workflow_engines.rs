//! What workflow engines send when they create pools, jobs and tasks, in bodies of our own.

use serde_json::{Value, json};

use crate::support::Cloud;
use crate::support::blobs::BlobServer;
use crate::support::pools::{create, empty_cloud, gone, steady};

/// Creates a pool, a job on it and a task, and waits until the task is completed.
async fn run(cloud: &Cloud, pool: &Value, job: &Value, task: &Value) -> Value {
    create(cloud, pool).await.expect(201);
    cloud.client.post("/jobs").json(job).send().await.expect(201);
    let job = job["id"].as_str().unwrap();
    cloud.client.post(&format!("/jobs/{job}/tasks")).json(task).send().await.expect(201);
    let task = cloud.completed(job, task["id"].as_str().unwrap()).await;
    assert_eq!(task["executionInfo"]["exitCode"], 0, "{task}");
    task
}

/// Nextflow: nextflow-io/nextflow, `plugins/nf-azure/…/batch/AzBatchService.groovy`, createPool,
/// createJob, createTask, terminateJobs. It chooses an image of the list, starts a pool with it
/// whose start task copies azcopy, and stages a task's scripts from blobs.
#[tokio::test]
async fn the_pool_the_job_and_the_task_of_nextflow_work() {
    let (cloud, blobs) = (empty_cloud().await, BlobServer::start().await);
    let images = cloud.get("/supportedimages").await.expect(200).body;
    let image = images["value"].as_array().unwrap().iter().find(|image| {
        image["nodeAgentSKUId"] == "batch.node.ubuntu 24.04"
            && image["osType"] == "linux"
            && image["verificationType"] == "verified"
            && image["imageReference"]["publisher"] == "microsoft-dsvm"
    });
    let image = image.unwrap();
    blobs.put("azcopy", "#!/bin/sh");
    blobs.put("work/.command.run", "bash .command.sh; echo 0 > .exitcode");
    blobs.put("work/.command.sh", "$AZ_BATCH_NODE_SHARED_DIR/bin/azcopy && echo nextflow");
    let user = |scope: &str| json!({"autoUser": {"elevationLevel": "nonadmin", "scope": scope}});
    let pool = json!({
        "id": "nf-pool-0123456789abcdef-Standard_D4_v3",
        "vmSize": "Standard_D4_v3",
        "virtualMachineConfiguration": {
            "imageReference": image["imageReference"],
            "nodeAgentSKUId": image["nodeAgentSKUId"],
            "containerConfiguration": {
                "type": "dockerCompatible",
                "containerRegistries": [
                    {"registryServer": "registry.example", "username": "user", "password": "secret"},
                ],
            },
        },
        "taskSlotsPerNode": 4,
        "startTask": {
            "commandLine": "bash -c \"chmod +x azcopy && mkdir \\$AZ_BATCH_NODE_SHARED_DIR/bin/ && cp azcopy \\$AZ_BATCH_NODE_SHARED_DIR/bin/\"",
            "resourceFiles": [{"httpUrl": blobs.blob("azcopy"), "filePath": "azcopy"}],
            "userIdentity": user("pool"),
        },
        "metadata": [{"name": "department", "value": "genomics"}],
        "networkConfiguration": {"subnetId": "/subscriptions/s/subnets/n"},
        "taskSchedulingPolicy": {"nodeFillType": "pack"},
        "targetDedicatedNodes": 1,
    });
    let pool_info = json!({"poolId": pool["id"]});
    let job = json!({"id": "job-0a1b2c-align", "poolInfo": pool_info});
    let file = |name: &str| {
        let blob = blobs.blob(&format!("work/{name}"));
        json!({"httpUrl": blob, "filePath": name})
    };
    let output = |name: &str| {
        let container =
            json!({"containerUrl": blobs.container("box", "w"), "path": format!("work/{name}")});
        let options = json!({"uploadCondition": "taskcompletion"});
        json!({"filePattern": name, "destination": {"container": container}, "uploadOptions": options})
    };
    let task = json!({
        "id": "nf-0123456789abcdef",
        "commandLine": "sh -c 'bash .command.run 2>&1 | tee .command.log'",
        "userIdentity": user("task"),
        "containerSettings": {
            "imageName": "image",
            "containerRunOptions": "-v /etc/ssl/certs:/etc/ssl/certs:ro -v /etc/pki:/etc/pki:ro ",
        },
        "resourceFiles": [file(".command.run"), file(".command.sh")],
        "outputFiles": [output(".exitcode"), output(".command.log")],
        "requiredSlots": 2,
        "constraints": {"maxWallClockTime": "PT1H"},
    });
    run(&cloud, &pool, &job, &task).await;
    assert_eq!(blobs.text("work/.command.log").as_deref(), Some("nextflow\n"));
    assert_eq!(blobs.text("work/.exitcode").as_deref(), Some("0\n"));
    let end = json!({"onAllTasksComplete": "terminatejob", "poolInfo": pool_info});
    cloud.client.patch("/jobs/job-0a1b2c-align").json(&end).send().await.expect(200);
    cloud.job_in_state("job-0a1b2c-align", "completed").await;
    let path = format!("/pools/{}", pool["id"].as_str().unwrap());
    cloud.client.delete(&path).send().await.expect(202);
    gone(&cloud, pool["id"].as_str().unwrap()).await;
}

/// Airflow: apache/airflow, `providers/microsoft/azure/…/hooks/batch.py` and `operators/batch.py`,
/// AzureBatchOperator. It sends the version 2024-02-01.19.0, takes PoolExists and JobExists for
/// success, and waits for the nodes before it adds the task.
#[tokio::test]
async fn the_pool_the_job_and_the_task_of_airflow_work() {
    let cloud = empty_cloud().await;
    let verified = "verificationType eq 'verified'";
    let images = cloud.client.get("/supportedimages").query("$filter", verified).send().await;
    let images = images.expect(200).body;
    let image = images["value"].as_array().unwrap().iter().find(|image| {
        let reference = &image["imageReference"];
        reference["publisher"] == "canonical"
            && reference["sku"].as_str().unwrap().starts_with("22")
    });
    let image = image.unwrap();
    let pool = json!({
        "id": "airflow",
        "displayName": "Airflow's pool",
        "vmSize": "standard_d2_v3",
        "virtualMachineConfiguration": {
            "imageReference": image["imageReference"],
            "nodeAgentSKUId": image["nodeAgentSKUId"],
        },
        "targetDedicatedNodes": 1,
        "startTask": {"commandLine": "/bin/sh -c 'echo ready'", "waitForSuccess": true, "maxTaskRetryCount": 1},
    });
    let old = cloud.client.post("/pools").query("api-version", "2024-02-01.19.0").json(&pool);
    old.send().await.expect(201);
    create(&cloud, &pool).await.expect_error(409, "PoolExists");
    let shown = steady(&cloud, "airflow").await;
    assert_eq!((shown.get("resizeErrors"), &shown["targetDedicatedNodes"]), (None, &json!(1)));
    let job = json!({"id": "airflow", "displayName": "a job", "poolInfo": {"poolId": "airflow"}});
    cloud.client.post("/jobs").json(&job).send().await.expect(201);
    cloud.client.post("/jobs").json(&job).send().await.expect_error(409, "JobExists");
    let task = json!({
        "id": "airflow",
        "displayName": "a task",
        "commandLine": "/bin/bash -c 'set -e; set -o pipefail; echo hello; wait'",
        "environmentSettings": [{"name": "A", "value": "b"}],
        "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "admin"}},
        "constraints": {"maxTaskRetryCount": 0},
    });
    cloud.client.post("/jobs/airflow/tasks").json(&task).send().await.expect(201);
    let task = cloud.completed("airflow", "airflow").await;
    assert_eq!(task["executionInfo"]["result"], "success");
    let list = cloud.get("/jobs/airflow/tasks").await.expect(200);
    assert_eq!(list.ids("state"), ["completed"]);
}

/// Snakemake: snakemake/snakemake-executor-plugin-azure-batch, `__init__.py` and `build.py`. Its pool
/// is created through Azure Resource Manager, which is not part of Batch: here is the same pool in
/// a body of Batch. Job and task are those that it sends.
#[tokio::test]
async fn the_job_and_the_task_of_snakemake_work_on_a_pool_like_its_own() {
    let cloud = empty_cloud().await;
    let user = json!({"autoUser": {"elevationLevel": "admin", "scope": "pool"}});
    let pool = json!({
        "id": "snakepool-2026-11-25T10-00-00",
        "displayName": "snakepool-2026-11-25T10-00-00",
        "vmSize": "Standard_D2_v3",
        "virtualMachineConfiguration": {
            "imageReference": {
                "publisher": "microsoft-azure-batch",
                "offer": "ubuntu-server-container",
                "sku": "20-04-lts",
                "version": "latest",
            },
            "nodeAgentSKUId": "batch.node.ubuntu 20.04",
            "containerConfiguration": {"type": "dockerCompatible", "containerImageNames": ["image"]},
        },
        "targetDedicatedNodes": 1,
        "startTask": {"commandLine": "/bin/sh -c 'echo up'", "userIdentity": user},
        "taskSlotsPerNode": 1,
        "taskSchedulingPolicy": {"nodeFillType": "spread"},
        "targetNodeCommunicationMode": "Default",
    });
    let job = json!({
        "id": "snakejob-2026-11-25T10-00-00",
        "constraints": {"maxTaskRetryCount": 0},
        "poolInfo": {"poolId": pool["id"]},
    });
    let task = json!({
        "id": "a-fa1e3fc4-8c1b-4b3e-8f0e-0b7b6e0d1c2a",
        "displayName": "a",
        "commandLine": "/bin/bash -c 'export RESULT=done && echo $RESULT $GIVEN'",
        "userIdentity": user,
        "containerSettings": {"imageName": "image", "containerRunOptions": "--rm"},
        "environmentSettings": [{"name": "GIVEN", "value": "text"}],
    });
    run(&cloud, &pool, &job, &task).await;
    let stdout = format!(
        "/jobs/{}/tasks/{}/files/stdout.txt",
        job["id"].as_str().unwrap(),
        task["id"].as_str().unwrap()
    );
    assert_eq!(cloud.get(&stdout).await.expect(200).text, "done text\n");
    let shown = cloud.get("/pools/snakepool-2026-11-25T10-00-00").await.expect(200).body;
    assert_eq!(shown["targetNodeCommunicationMode"], "default");
    assert_eq!(shown.get("resizeErrors"), None);
    cloud.client.delete("/jobs/snakejob-2026-11-25T10-00-00").send().await.expect(202);
    let path = "/pools/snakepool-2026-11-25T10-00-00";
    cloud.client.delete(path).send().await.expect(202);
    cloud.client.delete(path).send().await.expect_error(409, "PoolBeingDeleted");
}
