//! The properties of a pool.

use crate::wire::enumeration::enumeration;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::machine::VirtualMachine;
use super::network::Network;
use super::start_task::StartTask;
use super::user::UserAccount;
use crate::wire::common::{MetadataItem, Unsupported};

/// The default of `resizeTimeout`.
pub(crate) const RESIZE_TIMEOUT: &str = "PT15M";

/// The body of
/// [Create Pool](https://learn.microsoft.com/rest/api/batchservice/pools/create-pool), and the pool
/// of an `autoPoolSpecification`, which has no id.
///
/// Absent properties serialize as null, which a response leaves out.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PoolSpec {
    #[serde(skip_serializing)]
    pub(crate) id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) vm_size: String,
    cloud_service_configuration: Option<Unsupported>,
    pub(crate) virtual_machine_configuration: VirtualMachine,
    /// ISO 8601, at least five minutes.
    #[serde(default = "default_timeout")]
    pub(crate) resize_timeout: String,
    /// At the creation.
    pub(crate) target_dedicated_nodes: Option<u32>,
    pub(crate) target_low_priority_nodes: Option<u32>,
    #[serde(default)]
    pub(crate) enable_auto_scale: bool,
    pub(crate) auto_scale_formula: Option<String>,
    pub(crate) auto_scale_evaluation_interval: Option<String>,
    #[serde(default)]
    pub(crate) enable_inter_node_communication: bool,
    pub(crate) network_configuration: Option<Network>,
    pub(crate) start_task: Option<StartTask>,
    /// Tasks would find the files of the packages on their nodes.
    pub(crate) application_package_references: Option<Vec<Unsupported>>,
    pub(crate) certificate_references: Option<Vec<Unsupported>>,
    application_licenses: Option<Vec<Unsupported>>,
    /// Until 2020-09-01.12.0 it has another name.
    #[serde(default = "default_slots", alias = "maxTasksPerNode")]
    pub(crate) task_slots_per_node: u32,
    #[serde(default)]
    pub(crate) task_scheduling_policy: SchedulingPolicy,
    pub(crate) user_accounts: Option<Vec<UserAccount>>,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
    /// Tasks would see the mounted files.
    pub(crate) mount_configuration: Option<Vec<Unsupported>>,
    pub(crate) target_node_communication_mode: Option<CommunicationMode>,
    pub(crate) upgrade_policy: Option<UpgradePolicy>,
    pub(crate) resource_tags: Option<BTreeMap<String, String>>,
}

/// The body of
/// [Update Pool](https://learn.microsoft.com/rest/api/batchservice/pools/update-pool), a PATCH:
/// absent properties stay unchanged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PoolUpdate {
    pub(crate) start_task: Option<StartTask>,
    pub(crate) application_package_references: Option<Vec<Unsupported>>,
    pub(crate) certificate_references: Option<Vec<Unsupported>>,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
    pub(crate) target_node_communication_mode: Option<CommunicationMode>,
    pub(crate) display_name: Option<String>,
    pub(crate) vm_size: Option<String>,
    pub(crate) enable_inter_node_communication: Option<bool>,
    pub(crate) virtual_machine_configuration: Option<VirtualMachine>,
    #[serde(alias = "maxTasksPerNode")]
    pub(crate) task_slots_per_node: Option<u32>,
    pub(crate) task_scheduling_policy: Option<SchedulingPolicy>,
    pub(crate) network_configuration: Option<Network>,
    pub(crate) resource_tags: Option<BTreeMap<String, String>>,
    pub(crate) user_accounts: Option<Vec<UserAccount>>,
    pub(crate) mount_configuration: Option<Vec<Unsupported>>,
    pub(crate) upgrade_policy: Option<UpgradePolicy>,
}

/// The body of
/// [Replace Pool Properties](https://learn.microsoft.com/rest/api/batchservice/pools/replace-pool-properties):
/// absent properties are removed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PoolReplace {
    pub(crate) start_task: Option<StartTask>,
    pub(crate) application_package_references: Option<Vec<Unsupported>>,
    pub(crate) certificate_references: Option<Vec<Unsupported>>,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
    pub(crate) target_node_communication_mode: Option<CommunicationMode>,
    /// Sent by clients that read a pool, change it and send it back.
    #[serde(default, rename = "odata.metadata")]
    _annotation: IgnoredAny,
}

/// How tasks are distributed over the nodes.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SchedulingPolicy {
    pub(crate) node_fill_type: NodeFillType,
    #[serde(default)]
    pub(crate) job_default_order: JobOrder,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NodeFillType {
    /// Each task goes to the node with the most free slots.
    #[default]
    Spread,
    /// A node is filled before the next one gets a task.
    Pack,
}

enumeration!(NodeFillType {
    Spread = "Spread",
    Pack = "Pack",
});

/// The order of tasks of different jobs with the same priority.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum JobOrder {
    #[default]
    None,
    /// By the creation of their jobs.
    CreationTime,
}

enumeration!(JobOrder {
    None = "none",
    CreationTime = "creationtime",
});

/// How nodes communicate with the service; it makes no difference here.
#[derive(Clone, Copy)]
pub(crate) enum CommunicationMode {
    Default,
    Classic,
    Simplified,
}

enumeration!(CommunicationMode {
    Default = "default",
    Classic = "classic",
    Simplified = "simplified",
});

/// How the operating system of the nodes is upgraded, which is not the case here.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UpgradePolicy {
    mode: UpgradeMode,
    #[serde(rename = "automaticOSUpgradePolicy")]
    automatic_os_upgrade_policy: Option<AutomaticUpgrade>,
    rolling_upgrade_policy: Option<RollingUpgrade>,
}

#[derive(Clone, Copy)]
enum UpgradeMode {
    Automatic,
    Manual,
    Rolling,
}

enumeration!(UpgradeMode {
    Automatic = "automatic",
    Manual = "manual",
    Rolling = "rolling",
});

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AutomaticUpgrade {
    disable_automatic_rollback: Option<bool>,
    #[serde(rename = "enableAutomaticOSUpgrade")]
    enable_automatic_os_upgrade: Option<bool>,
    use_rolling_upgrade_policy: Option<bool>,
    os_rolling_upgrade_deferral: Option<bool>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RollingUpgrade {
    enable_cross_zone_upgrade: Option<bool>,
    max_batch_instance_percent: Option<u32>,
    max_unhealthy_instance_percent: Option<u32>,
    max_unhealthy_upgraded_instance_percent: Option<u32>,
    pause_time_between_batches: Option<String>,
    prioritize_unhealthy_instances: Option<bool>,
    rollback_failed_instances_on_policy_breach: Option<bool>,
}

impl PoolSpec {
    /// Returns the user account of this name.
    pub(crate) fn user(&self, name: &str) -> Option<&UserAccount> {
        self.user_accounts.iter().flatten().find(|user| user.name == name)
    }

    /// Returns a specification without nodes, and with the defaults of what is not given.
    pub(crate) fn new(vm_size: &str, machine: VirtualMachine) -> PoolSpec {
        PoolSpec {
            vm_size: vm_size.to_owned(),
            virtual_machine_configuration: machine,
            resize_timeout: default_timeout(),
            task_slots_per_node: default_slots(),
            ..PoolSpec::default()
        }
    }
}

impl PoolUpdate {
    /// Returns the name of a property that can be changed only in a pool without nodes, if there is
    /// one.
    pub(crate) fn of_empty_pools(&self) -> Option<&'static str> {
        let given = [
            (self.display_name.is_some(), "displayName"),
            (self.vm_size.is_some(), "vmSize"),
            (self.enable_inter_node_communication.is_some(), "enableInterNodeCommunication"),
            (self.virtual_machine_configuration.is_some(), "virtualMachineConfiguration"),
            (self.task_slots_per_node.is_some(), "taskSlotsPerNode"),
            (self.task_scheduling_policy.is_some(), "taskSchedulingPolicy"),
            (self.network_configuration.is_some(), "networkConfiguration"),
            (self.resource_tags.is_some(), "resourceTags"),
            (self.user_accounts.is_some(), "userAccounts"),
            (self.mount_configuration.is_some(), "mountConfiguration"),
            (self.upgrade_policy.is_some(), "upgradePolicy"),
        ];
        given.iter().find(|(is_given, _)| *is_given).map(|(_, name)| *name)
    }

    /// Changes the properties of a pool that are present here.
    pub(crate) fn apply_to(self, pool: &mut PoolSpec) {
        replace(&mut pool.vm_size, self.vm_size);
        replace(&mut pool.virtual_machine_configuration, self.virtual_machine_configuration);
        replace(&mut pool.enable_inter_node_communication, self.enable_inter_node_communication);
        replace(&mut pool.task_slots_per_node, self.task_slots_per_node);
        replace(&mut pool.task_scheduling_policy, self.task_scheduling_policy);
        merge(&mut pool.display_name, self.display_name);
        merge(&mut pool.start_task, self.start_task);
        merge(&mut pool.application_package_references, self.application_package_references);
        merge(&mut pool.certificate_references, self.certificate_references);
        merge(&mut pool.metadata, self.metadata);
        merge(&mut pool.target_node_communication_mode, self.target_node_communication_mode);
        merge(&mut pool.network_configuration, self.network_configuration);
        merge(&mut pool.resource_tags, self.resource_tags);
        merge(&mut pool.user_accounts, self.user_accounts);
        merge(&mut pool.mount_configuration, self.mount_configuration);
        merge(&mut pool.upgrade_policy, self.upgrade_policy);
    }
}

impl PoolReplace {
    /// Replaces the properties of a pool.
    pub(crate) fn apply_to(self, pool: &mut PoolSpec) {
        pool.start_task = self.start_task;
        pool.application_package_references = self.application_package_references;
        pool.certificate_references = self.certificate_references;
        pool.metadata = self.metadata;
        merge(&mut pool.target_node_communication_mode, self.target_node_communication_mode);
    }
}

fn replace<T>(old: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *old = new;
    }
}

fn merge<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

fn default_timeout() -> String {
    RESIZE_TIMEOUT.to_owned()
}

fn default_slots() -> u32 {
    1
}
