//! Pools.

use serde_json::{Map, Value, json};

use super::object;
use crate::wire::time::instant;

use crate::store::pool::Pool;

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

/// A pool as the service shows it: steady, with the Linux nodes it was started with.
pub(crate) fn render(pool: &Pool, endpoint: &str) -> Map<String, Value> {
    let created = instant(pool.created);
    let mut shown = object(&json!({
        "id": pool.settings.id,
        "url": format!("{endpoint}/pools/{}", pool.settings.id),
        "creationTime": created,
        "state": "active",
        "stateTransitionTime": created,
        "allocationState": "steady",
        "allocationStateTransitionTime": created,
        "vmSize": "standard_d2s_v3",
        "virtualMachineConfiguration": virtual_machine(pool.images.as_deref()),
        "resizeTimeout": "PT15M",
        "currentDedicatedNodes": pool.count(true),
        "currentLowPriorityNodes": pool.count(false),
        "targetDedicatedNodes": pool.settings.nodes,
        "targetLowPriorityNodes": pool.settings.low_priority,
        "enableAutoScale": false,
        "enableInterNodeCommunication": false,
        "taskSlotsPerNode": pool.settings.slots,
        "taskSchedulingPolicy": { "nodeFillType": "spread" },
    }));
    pool.stamp.show(&mut shown);
    shown
}

fn virtual_machine(images: Option<&[String]>) -> Value {
    let mut shown = json!({
        "imageReference": {
            "publisher": "microsoft-dsvm",
            "offer": "ubuntu-hpc",
            "sku": "2204",
            "version": "latest",
        },
        "nodeAgentSKUId": "batch.node.ubuntu 22.04",
    });
    if let Some(images) = images {
        shown["containerConfiguration"] =
            json!({"type": "dockerCompatible", "containerImageNames": images});
    }
    shown
}
