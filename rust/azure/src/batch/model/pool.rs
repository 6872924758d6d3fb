//! Pools.

use super::enums::PoolState;
use serde::Deserialize;
use time::OffsetDateTime;

/// A pool as the service describes it.
///
/// [Get Pool](https://learn.microsoft.com/rest/api/batchservice/pools/get-pool)
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// The id.
    pub id: String,
    /// The state.
    pub state: PoolState,
    /// The size of its nodes: `STANDARD_D2S_V3`, for example.
    #[serde(default)]
    pub vm_size: Option<String>,
    /// Dedicated nodes there are.
    #[serde(default)]
    pub current_dedicated_nodes: u32,
    /// Spot nodes there are.
    #[serde(default)]
    pub current_low_priority_nodes: u32,
    /// Dedicated nodes there should be.
    #[serde(default)]
    pub target_dedicated_nodes: u32,
    /// Spot nodes there should be.
    #[serde(default)]
    pub target_low_priority_nodes: u32,
    /// Slots for tasks that each node has.
    #[serde(default)]
    pub task_slots_per_node: Option<i32>,
    /// Accounts that tasks can run under.
    #[serde(default)]
    pub user_accounts: Vec<UserAccount>,
    /// Why the last resize, however long ago, did not make as many as there should be.
    #[serde(default)]
    pub resize_errors: Vec<ResizeError>,
    /// When the last resize began or ended.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub allocation_state_transition_time: Option<OffsetDateTime>,
    /// What its nodes are made of.
    #[serde(default)]
    pub virtual_machine_configuration: Option<VirtualMachineConfiguration>,
    /// Absent on a pool that has no identity.
    #[serde(default)]
    pub identity: Option<PoolIdentity>,
}

/// The managed identities of a pool's nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PoolIdentity {
    /// The identities.
    pub user_assigned_identities: Vec<UserAssignedIdentity>,
}

/// A managed identity of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserAssignedIdentity {
    /// The whole Azure resource id.
    pub resource_id: String,
}

impl Pool {
    /// Whether its nodes have this identity. Azure's resource ids are the same in any case.
    #[must_use]
    pub fn has_identity(&self, resource_id: &str) -> bool {
        let assigned = self.identity.iter().flat_map(|identity| &identity.user_assigned_identities);
        assigned.into_iter().any(|one| one.resource_id.eq_ignore_ascii_case(resource_id))
    }
}

/// An account on each node of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserAccount {
    /// Its name.
    pub name: String,
}

/// Why a pool could not change its size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ResizeError {
    /// The code.
    pub code: Option<String>,
    /// A sentence for people.
    pub message: Option<String>,
}

/// What a pool's nodes are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VirtualMachineConfiguration {
    /// `batch.node.ubuntu 22.04` or `batch.node.windows amd64` for example.
    #[serde(rename = "nodeAgentSKUId")]
    pub node_agent_sku_id: String,
    /// Absent on a pool that cannot run containers.
    pub container_configuration: Option<ContainerConfiguration>,
}

/// How a pool runs containers. Only whether there is one matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ContainerConfiguration {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_read_with_what_is_there() {
        let pool: Pool = serde_json::from_str(
            r#"{"id":"p","state":"active","allocationState":"steady","currentDedicatedNodes":1,
                "virtualMachineConfiguration":{"nodeAgentSKUId":"batch.node.ubuntu 22.04",
                "containerConfiguration":{"type":"dockerCompatible"}},
                "identity":{"type":"UserAssigned","userAssignedIdentities":[
                {"resourceId":"/subscriptions/S","clientId":"c","principalId":"p"}]},
                "resizeErrors":[{"code":"AccountCoreQuotaReached","message":"m"}]}"#,
        )
        .unwrap();
        assert_eq!((pool.current_dedicated_nodes, pool.target_low_priority_nodes), (1, 0));
        assert!(
            pool.has_identity("/subscriptions/s") && !pool.has_identity("/subscriptions/other")
        );
        let machine = pool.virtual_machine_configuration.unwrap();
        assert_eq!(machine.node_agent_sku_id, "batch.node.ubuntu 22.04");
        assert!(machine.container_configuration.is_some());
        assert_eq!(pool.resize_errors[0].code.as_deref(), Some("AccountCoreQuotaReached"));
    }
}
