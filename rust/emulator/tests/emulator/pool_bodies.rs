//! The properties of pools: those that are shown, and those that are refused.

use serde_json::{Value, json};

use crate::support::merged;
use crate::support::pools::{create, empty_cloud, plain_pool};

#[tokio::test]
async fn a_pool_shows_what_it_was_given_and_the_defaults_of_the_rest() {
    let cloud = empty_cloud().await;
    let given = json!({
        "displayName": "a pool",
        "metadata": [{"name": "n", "value": "v"}],
        "networkConfiguration": {"enableAcceleratedNetworking": true},
        "startTask": {"commandLine": "true"},
        "userAccounts": [{"name": "user", "password": "pass-word-1"}],
        "upgradePolicy": {"mode": "Automatic", "automaticOSUpgradePolicy": {"enableAutomaticOSUpgrade": true}},
    });
    create(&cloud, &merged(plain_pool("pool"), given.clone())).await.expect(201);
    let reply = cloud.get("/pools/pool").await.expect(200);
    assert!(!reply.text.contains("pass-word-1") && !reply.text.contains("null"), "{}", reply.text);
    let pool = reply.body;
    for name in ["displayName", "metadata"] {
        assert_eq!(pool[name], given[name], "{name}");
    }
    let image = &pool["virtualMachineConfiguration"]["imageReference"];
    let shown = [
        (&pool["vmSize"], json!("standard_d2s_v3")),
        (&image["version"], json!("latest")),
        (&pool["resizeTimeout"], json!("PT15M")),
        (&pool["enableAutoScale"], json!(false)),
        (&pool["enableInterNodeCommunication"], json!(false)),
        (&pool["taskSlotsPerNode"], json!(1)),
        (
            &pool["taskSchedulingPolicy"],
            json!({"nodeFillType": "Spread", "jobDefaultOrder": "none"}),
        ),
        (
            &pool["networkConfiguration"],
            json!({"dynamicVNetAssignmentScope": "none", "enableAcceleratedNetworking": true}),
        ),
        (&pool["userAccounts"], json!([{"name": "user", "elevationLevel": "nonadmin"}])),
        (&pool["startTask"]["userIdentity"]["autoUser"]["elevationLevel"], json!("nonadmin")),
        (&pool["startTask"]["maxTaskRetryCount"], json!(0)),
        (&pool["startTask"]["waitForSuccess"], json!(true)),
        (&pool["upgradePolicy"]["mode"], json!("automatic")),
    ];
    for (value, wanted) in shown {
        assert_eq!(*value, wanted, "{pool}");
    }
}

#[tokio::test]
async fn a_wrong_value_of_a_pool_is_named() {
    let cloud = empty_cloud().await;
    let start = |extra: Value| json!({"startTask": merged(json!({"commandLine": "true"}), extra)});
    let user = |extra: Value| json!({"userAccounts": [merged(json!({"name": "u", "password": "p"}), extra)]});
    let cases = [
        (json!({"id": "a b"}), "id"),
        (json!({"vmSize": ""}), "vmSize"),
        (json!({"displayName": "x".repeat(1025)}), "displayName"),
        (json!({"resizeTimeout": "PT4M"}), "resizeTimeout"),
        (json!({"taskSlotsPerNode": 0}), "taskSlotsPerNode"),
        (json!({"taskSlotsPerNode": 257}), "taskSlotsPerNode"),
        (json!({"autoScaleFormula": "$TargetDedicated=1;"}), "autoScaleFormula"),
        (start(json!({"maxTaskRetryCount": -2})), "startTask.maxTaskRetryCount"),
        (start(json!({"resourceFiles": [{"filePath": "f"}]})), "startTask.resourceFiles.httpUrl"),
        (user(json!({"name": "x".repeat(21)})), "userAccounts.name"),
        (
            user(json!({"linuxUserConfiguration": {"uid": 7}})),
            "userAccounts.linuxUserConfiguration",
        ),
        (
            json!({"virtualMachineConfiguration": {
                "imageReference": {"publisher": "p"}, "nodeAgentSKUId": "batch.node.ubuntu 22.04",
            }}),
            "virtualMachineConfiguration.imageReference",
        ),
        (
            json!({"virtualMachineConfiguration": {
                "imageReference": {"virtualMachineImageId": "/i"}, "nodeAgentSKUId": "ubuntu",
            }}),
            "virtualMachineConfiguration.nodeAgentSKUId",
        ),
    ];
    for (extra, property) in cases {
        let refused = create(&cloud, &merged(plain_pool("pool"), extra)).await;
        let refused = refused.expect_error(400, "InvalidPropertyValue");
        assert_eq!(refused.value("PropertyName"), property);
    }
    let empty = json!([{"name": "", "value": "v"}]);
    let refused = create(&cloud, &merged(plain_pool("pool"), json!({"metadata": empty}))).await;
    refused.expect_error(400, "EmptyMetadataKey");
    for name in ["id", "vmSize", "virtualMachineConfiguration"] {
        let mut body = plain_pool("pool");
        body.as_object_mut().unwrap().remove(name);
        let refused = create(&cloud, &body).await.expect_error(400, "MissingRequiredProperty");
        assert_eq!(refused.value("PropertyName"), name);
    }
    assert_eq!(cloud.get("/pools").await.body["value"], json!([]));
}

#[tokio::test]
async fn what_would_change_what_a_task_sees_is_refused_and_an_empty_list_is_not() {
    let cloud = empty_cloud().await;
    let machine = |extra: Value| {
        let machine = plain_pool("x")["virtualMachineConfiguration"].clone();
        json!({"virtualMachineConfiguration": merged(machine, extra)})
    };
    let cases = [
        (
            json!({"applicationPackageReferences": [{"applicationId": "a"}]}),
            "applicationPackageReferences[0]",
        ),
        (json!({"mountConfiguration": [{"nfsMountConfiguration": {}}]}), "mountConfiguration[0]"),
        (json!({"certificateReferences": [{}]}), "certificateReferences[0]"),
        (json!({"cloudServiceConfiguration": {"osFamily": "6"}}), "cloudServiceConfiguration"),
        (machine(json!({"extensions": [{}]})), "virtualMachineConfiguration.extensions[0]"),
        (
            machine(json!({"windowsConfiguration": {}})),
            "virtualMachineConfiguration.windowsConfiguration",
        ),
        (
            machine(json!({"nodeAgentSKUId": "batch.node.windows amd64"})),
            "virtualMachineConfiguration.nodeAgentSKUId",
        ),
    ];
    for (extra, property) in cases {
        let refused = create(&cloud, &merged(plain_pool("pool"), extra)).await;
        let refused = refused.expect_error(400, "UnsupportedProperty");
        assert_eq!(refused.value("PropertyName"), property);
    }
    let unknown = create(&cloud, &merged(plain_pool("pool"), json!({"colour": 1}))).await;
    unknown.expect_error(400, "InvalidRequestBody");
    let empty = json!({"applicationPackageReferences": [], "mountConfiguration": []});
    create(&cloud, &merged(plain_pool("pool"), empty)).await.expect(201);
}

#[tokio::test]
async fn disks_and_security_are_only_shown() {
    let cloud = empty_cloud().await;
    let mut body = plain_pool("pool");
    let machine = &mut body["virtualMachineConfiguration"];
    machine["dataDisks"] = json!([{"lun": 1, "diskSizeGB": 50, "caching": "ReadOnly"}]);
    machine["osDisk"] =
        json!({"diskSizeGB": 30, "managedDisk": {"storageAccountType": "premium_lrs"}});
    machine["securityProfile"] =
        json!({"encryptionAtHost": true, "uefiSettings": {"vTpmEnabled": true}});
    machine["nodePlacementConfiguration"] = json!({"policy": "zonal"});
    create(&cloud, &body).await.expect(201);
    let shown = &cloud.get("/pools/pool").await.body["virtualMachineConfiguration"];
    assert_eq!(shown["dataDisks"], json!([{"lun": 1, "diskSizeGB": 50, "caching": "readonly"}]));
    assert_eq!(shown["nodePlacementConfiguration"]["policy"], "Zonal");
    for name in ["osDisk", "securityProfile"] {
        assert_eq!(shown[name], body["virtualMachineConfiguration"][name]);
    }
}

#[tokio::test]
async fn the_slots_of_a_pool_have_another_name_in_old_versions() {
    let cloud = empty_cloud().await;
    let body = merged(plain_pool("pool"), json!({"maxTasksPerNode": 3}));
    let old = cloud.client.post("/pools").query("api-version", "2019-08-01.10.0").json(&body);
    old.send().await.expect(201);
    assert_eq!(cloud.get("/pools/pool").await.body["taskSlotsPerNode"], 3);
}
