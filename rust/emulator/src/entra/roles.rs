//! What the roles of Azure Batch allow, as their definitions say.
//!
//! [Role-based access
//! control](https://learn.microsoft.com/azure/batch/batch-role-based-access-control)

use crate::settings::Role;

/// What an operation is on: `Microsoft.Batch/batchAccounts/…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// `pools`, with their nodes and files, and what the account tells of its pools.
    Pools,
    /// `jobs`, with their tasks and files.
    Jobs,
    /// `jobSchedules`, with their jobs.
    JobSchedules,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    /// `read`.
    Read,
    /// `write` or `delete`: each role has either both or none.
    Write,
}

/// An action that a role allows or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Action {
    pub(crate) resource: Resource,
    pub(crate) access: Access,
}

/// Returns whether one of the roles allows the action.
pub(crate) fn allows(roles: &[Role], action: Action) -> bool {
    roles.iter().any(|role| action.access <= role.access(action.resource))
}

impl Role {
    fn access(self, resource: Resource) -> Access {
        match (self, resource) {
            (Role::AzureBatchAccountContributor | Role::AzureBatchDataContributor, _) => {
                Access::Write
            }
            (Role::AzureBatchAccountReader, _) => Access::Read,
            (Role::AzureBatchJobSubmitter, Resource::Pools) => Access::Read,
            (Role::AzureBatchJobSubmitter, Resource::Jobs | Resource::JobSchedules) => {
                Access::Write
            }
        }
    }
}
