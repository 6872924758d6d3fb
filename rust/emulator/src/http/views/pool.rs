//! JSON of pools.

use serde_json::{Map, Value, json};

use super::object;
use crate::wire::time::instant;

use crate::store::pool::Pool;

/// The VM size of every node.
pub(super) const VM_SIZE: &str = "standard_d2s_v3";

/// Every property of a pool that `$select` may name.
pub(crate) const PROPERTIES: &[&str] = &[
    "id",
    "displayName",
    "url",
    "eTag",
    "lastModified",
    "creationTime",
    "state",
    "stateTransitionTime",
    "allocationState",
    "allocationStateTransitionTime",
    "vmSize",
    "virtualMachineConfiguration",
    "resizeTimeout",
    "resizeErrors",
    "currentDedicatedNodes",
    "currentLowPriorityNodes",
    "targetDedicatedNodes",
    "targetLowPriorityNodes",
    "enableAutoScale",
    "autoScaleFormula",
    "autoScaleEvaluationInterval",
    "autoScaleRun",
    "enableInterNodeCommunication",
    "networkConfiguration",
    "startTask",
    "applicationPackageReferences",
    "taskSlotsPerNode",
    "taskSchedulingPolicy",
    "userAccounts",
    "metadata",
    "stats",
    "mountConfiguration",
    "identity",
    "upgradePolicy",
];

/// Returns a pool as the service shows it.
pub(crate) fn render(pool: &Pool, endpoint: &str) -> Map<String, Value> {
    let created = instant(pool.created);
    let mut properties = object(&json!({
        "id": pool.settings.id,
        "url": format!("{endpoint}/pools/{}", pool.settings.id),
        "creationTime": created,
        "state": "active",
        "stateTransitionTime": created,
        "allocationState": pool.allocation.state,
        "allocationStateTransitionTime": instant(pool.allocation.since),
        "vmSize": VM_SIZE,
        "virtualMachineConfiguration": virtual_machine(pool.images.as_deref()),
        "resizeTimeout": "PT15M",
        "currentDedicatedNodes": pool.count(true),
        "currentLowPriorityNodes": pool.count(false),
        "targetDedicatedNodes": pool.target.dedicated,
        "targetLowPriorityNodes": pool.target.low_priority,
        "enableAutoScale": false,
        "enableInterNodeCommunication": false,
        "taskSlotsPerNode": pool.settings.slots,
        "taskSchedulingPolicy": { "nodeFillType": "Spread" },
    }));
    if let Some(task) = &pool.settings.start_task {
        properties.insert("startTask".into(), json!(task));
    }
    if !pool.resize_errors.is_empty() {
        properties.insert("resizeErrors".into(), json!(pool.resize_errors));
    }
    pool.version.add_to(&mut properties);
    properties
}

/// Returns the VM image of every node.
pub(super) fn image_reference() -> Value {
    json!({
        "publisher": "microsoft-dsvm",
        "offer": "ubuntu-hpc",
        "sku": "2204",
        "version": "latest",
    })
}

fn virtual_machine(images: Option<&[String]>) -> Value {
    let mut properties = json!({
        "imageReference": image_reference(),
        "nodeAgentSKUId": "batch.node.ubuntu 22.04",
    });
    if let Some(images) = images {
        properties["containerConfiguration"] =
            json!({"type": "dockerCompatible", "containerImageNames": images});
    }
    properties
}
