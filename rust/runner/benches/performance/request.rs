//! What a worker is asked to run.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::azurite;
use crate::services::{BATCH_ACCOUNT, BATCH_KEY, CONTAINER, IMAGE, POOL, Place};

/// A shell command at the defaults of the flow's properties, under names of its own.
pub(crate) fn request(place: &Place, working_dir: &Path, script: &str) -> Value {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let digest = format!("{:020x}", COUNT.fetch_add(1, Ordering::Relaxed));
    let name = format!("kestra-{digest}-0123456789ab");
    json!({
        "account": BATCH_ACCOUNT,
        "accessKey": BATCH_KEY,
        "endpoint": place.batch,
        "poolId": POOL,
        "blobStorage": {
            "containerName": CONTAINER,
            "endpoint": place.blob,
            "sharedKeyAccountName": azurite::ACCOUNT,
            "sharedKeyAccountAccessKey": azurite::KEY,
        },
        "timeout": null,
        "waitUntilCompletion": 3600,
        "waitUntilRunning": null,
        "completionCheckInterval": 5,
        "delete": true,
        "resume": true,
        "registry": null,
        "entryPoint": [""],
        "elevationLevel": "NON_ADMIN",
        "autoUserScope": "TASK",
        "streamLogs": true,
        "syncWorkingDirectory": false,
        "jobName": "company-team-flow-task-1a2b3c4d",
        "labels": {"kestra-namespace": "company.team"},
        "containerImage": IMAGE,
        "targetOs": "AUTO",
        "commands": ["/bin/sh", "-c", script],
        "environment": {},
        "localWorkingDir": working_dir,
        "containerWorkingDir": format!("/tmp/{name}"),
        "stagingPrefix": name,
        "outputFiles": [],
        "outputDir": null,
    })
}
