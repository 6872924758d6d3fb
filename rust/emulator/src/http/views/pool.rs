//! JSON of pools.

use serde_json::{Map, Value, json};

use super::object;
use super::task::add_environment;
use crate::store::auto_scale::{AutoScaleError, AutoScaleRun};
use crate::store::pool::Pool;
use crate::wire::pool::{ImageReference, StartTask};
use crate::wire::time::instant;

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
    let mut properties = object(&pool.spec);
    properties.append(&mut object(&json!({
        "id": pool.id,
        "url": format!("{endpoint}/pools/{}", pool.id),
        "creationTime": instant(pool.created),
        "allocationState": pool.allocation.state,
        "allocationStateTransitionTime": instant(pool.allocation.since),
        "vmSize": vm_size(&pool.spec.vm_size),
        "currentDedicatedNodes": pool.count(true),
        "currentLowPriorityNodes": pool.count(false),
        "targetDedicatedNodes": pool.target.dedicated,
        "targetLowPriorityNodes": pool.target.low_priority,
        "state": pool.phase.state,
        "stateTransitionTime": instant(pool.phase.since),
    })));
    // The service does not show empty lists.
    properties.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
    let image = image_reference(&pool.spec.virtual_machine_configuration.image_reference);
    properties["virtualMachineConfiguration"]["imageReference"] = json!(image);
    if let Some(task) = &pool.spec.start_task {
        properties.insert("startTask".into(), start_task(task));
    }
    if let Some(run) = &pool.auto_scale.run {
        properties.insert("autoScaleRun".into(), json!(auto_scale_run(run)));
    }
    if !pool.resize_errors.is_empty() {
        properties.insert("resizeErrors".into(), json!(pool.resize_errors));
    }
    if !pool.identities.is_empty() {
        properties.insert("identity".into(), identity(&pool.identities));
    }
    pool.version.add_to(&mut properties);
    properties
}

/// Returns the run of a formula.
pub(crate) fn auto_scale_run(run: &AutoScaleRun) -> Map<String, Value> {
    let mut properties = object(&json!({"timestamp": instant(run.at), "results": run.results}));
    if let Some(AutoScaleError { code, message, detail }) = &run.error {
        let values = json!([{"name": "Message", "value": detail}]);
        let error = json!({"code": code, "message": message, "values": values});
        properties.insert("error".into(), error);
    }
    properties
}

/// Returns a VM size as the service shows it.
pub(super) fn vm_size(given: &str) -> String {
    given.to_lowercase()
}

/// Returns the VM image of every node of a pool.
pub(super) fn image_reference(image: &ImageReference) -> Map<String, Value> {
    let mut properties = object(image);
    if image.publisher.is_some() {
        properties.entry("version").or_insert(json!("latest"));
    }
    properties
}

/// Returns a start task with the values that the service shows where it does not name its own.
pub(super) fn start_task(task: &StartTask) -> Value {
    let mut properties = object(task);
    add_environment(&mut properties);
    Value::Object(properties)
}

fn identity(ids: &[String]) -> Value {
    let identities = ids.iter().map(|id| json!({"resourceId": id}));
    json!({"type": "UserAssigned", "userAssignedIdentities": identities.collect::<Value>()})
}
