//! The first question to each service, before anything is created: is there what the flow names, and is there
//! something of an earlier run?

use azure::batch::{IdentityReference, Job, Pool};
use azure::blob::StorageAccount;
use azure::{Error, ErrorKind};
use futures::future::OptionFuture;
use futures::{FutureExt, TryFutureExt};
use tokio::try_join;

use crate::error::RunError;
use crate::event::{EventSender, Level};
use crate::names::RunNames;
use crate::refused;
use crate::resume;
use crate::sign_in;
use crate::user::require_account;
use crate::waiting::in_words;
use crate::{Invalid, Plan};

/// What there is of this task run already.
pub(crate) struct Existing {
    /// The runs of which there are blobs.
    pub(crate) with_blobs: Vec<RunNames>,
    /// None without `resume`.
    pub(crate) jobs: Vec<Job>,
    /// The size of the pool's nodes.
    pub(crate) node_size: Option<String>,
}

/// Asks for the pool and the container, so that a mistake costs seconds and leaves nothing behind. All is asked at the
/// same time; what is said is what is wrong with the first, which blames the account's properties.
pub(crate) async fn check(plan: &Plan, events: &EventSender) -> Result<Existing, RunError> {
    sign_in(plan).await?;
    let blobs = runs_with_blobs(plan).map(Ok);
    let jobs = resume::list_jobs(plan).map(Ok);
    let (pool, with_blobs, jobs) = try_join!(check_pool(plan, events), blobs, jobs)?;
    Ok(Existing { with_blobs: with_blobs?, jobs: jobs?, node_size: pool.vm_size })
}

/// Before anything is asked: so it is said that nobody could sign in, and not that nobody answers.
async fn sign_in(plan: &Plan) -> Result<(), RunError> {
    let batch = plan.batch.sign_in();
    let batch = batch.map_err(|error| sign_in::blame(&error, "accessKey: it is not set"));
    let storage = plan.staged().map(|staged| staged.files.container.sign_in());
    let storage = OptionFuture::from(storage).map(Option::transpose);
    let storage = storage
        .map_err(|error| sign_in::blame(&error, "blobStorage.endpoint: there is no key beside it"));
    try_join!(batch, storage).map(drop)
}

async fn check_pool(plan: &Plan, events: &EventSender) -> Result<Pool, RunError> {
    let pool = plan.batch.get_pool(&plan.pool_id).await;
    let pool = pool.map_err(|error| blame_batch(&error, plan))?;
    require_linux(&pool)?;
    require_containers(&pool)?;
    require_identities(&pool, plan)?;
    require_slots(&pool, plan.scheduling.required_slots)?;
    require_account(&pool, &plan.user).map_err(RunError::Invalid)?;
    if let Some(warning) = no_nodes(&pool) {
        events.note(Level::Warn, warning).await?;
    }
    Ok(pool)
}

async fn runs_with_blobs(plan: &Plan) -> Result<Vec<RunNames>, RunError> {
    let Some(staged) = plan.staged() else { return Ok(Vec::new()) };
    let (container, start) = (&staged.files.container, plan.names.directory_start());
    let directory = plan.names.directory();
    let blame = |error| blame_storage(&error, container.account());
    let directories = container.directories(&start).await.map_err(blame)?;
    // One after the other over one connection: many runs may begin at once, and each connection takes memory.
    staged.files.check_grants(plan.limit, &directory).await.map_err(blame)?;
    Ok(directories.iter().filter_map(|name| plan.names.of_directory(name)).collect())
}

/// The task runs in a Linux container, which Windows nodes cannot run.
fn require_linux(pool: &Pool) -> Result<(), RunError> {
    let machines = pool.virtual_machine_configuration.as_ref();
    let agent = machines.map(|machines| machines.node_agent_sku_id.as_str()).unwrap_or_default();
    if !agent.trim().to_ascii_lowercase().starts_with("batch.node.windows") {
        return Ok(());
    }
    let reason = format!(
        "the nodes of the pool '{}' run Windows ({agent}), and the task runs in a Linux container; \
         name a pool of Linux nodes",
        pool.id
    );
    Err(RunError::Invalid(Invalid::new("poolId", reason)))
}

/// A pool says whether its nodes can run containers when it was made by a virtual machine configuration,
/// which all pools of today are.
fn require_containers(pool: &Pool) -> Result<(), RunError> {
    let machines = pool.virtual_machine_configuration.as_ref();
    if machines.is_none_or(|machines| machines.container_configuration.is_some()) {
        return Ok(());
    }
    let reason = format!(
        "the nodes of the pool '{}' cannot run containers; \
         name a pool that was created with a containerConfiguration",
        pool.id
    );
    Err(RunError::Invalid(Invalid::new("poolId", reason)))
}

/// What nodes show, to a registry or to the storage account, is an identity of their pool.
fn require_identities(pool: &Pool, plan: &Plan) -> Result<(), RunError> {
    let of_registry =
        plan.container.registry.as_ref().and_then(|registry| registry.identity_reference.as_ref());
    let of_storage = plan.staged().and_then(|staged| staged.files.node_identity.as_ref());
    let named = [
        ("registry.identityReference.resourceId", of_registry),
        ("blobStorage.identityReference.resourceId", of_storage),
    ];
    let named = named.into_iter().filter_map(|(property, identity)| Some((property, identity?)));
    for (property, IdentityReference { resource_id }) in named {
        if !pool.has_identity(resource_id) {
            let reason = format!(
                "the pool '{}' does not have the identity '{resource_id}'; assign it under the pool's Identity, or name one \
                 that it has; nodes that are there already get it when they are reimaged",
                pool.id
            );
            return Err(RunError::Invalid(Invalid::new(property, reason)));
        }
    }
    Ok(())
}

/// A task that takes more slots than a node has would be refused, after its files were staged.
fn require_slots(pool: &Pool, slots: Option<i32>) -> Result<(), RunError> {
    match (slots, pool.task_slots_per_node) {
        (Some(slots), Some(most)) if slots > most => {
            let reason = format!(
                "it is {slots}, and the nodes of the pool '{}' have {most} slot(s) each (taskSlotsPerNode)",
                pool.id
            );
            Err(RunError::Invalid(Invalid::new("requiredSlots", reason)))
        }
        _ => Ok(()),
    }
}

/// A pool that scales itself may have no nodes now and get some; one that cannot grow says why.
fn no_nodes(pool: &Pool) -> Option<String> {
    let nodes = pool.current_dedicated_nodes + pool.current_low_priority_nodes;
    (nodes == 0).then(|| format!("poolId: the task waits for a node: {}", in_words(pool, &[])))
}

fn blame_batch(error: &Error, plan: &Plan) -> RunError {
    let Plan { pool_id, account, .. } = plan;
    if error.code() == Some("PoolNotFound") {
        let reason =
            format!("there is no pool '{pool_id}' in the Batch account '{account}' ({error})");
        return RunError::Invalid(Invalid::new("poolId", reason));
    }
    if let Some(meaning) = refused::meaning(error) {
        return RunError::Invalid(Invalid::new(
            "account",
            format!("'{account}': {meaning} ({error})"),
        ));
    }
    match (error.kind(), error.status()) {
        (ErrorKind::Unreachable, _) => RunError::Failed(format!("endpoint: {error}")),
        (_, Some(401 | 403)) if let Some(identity) = plan.batch.identity() => {
            RunError::Invalid(sign_in::refused_by_batch(error, identity, account))
        }
        (_, Some(401 | 403)) => RunError::Invalid(Invalid::new(
            "accessKey",
            format!(
                "the Batch account '{account}' refused it; check account, accessKey and endpoint ({error})"
            ),
        )),
        _ => RunError::Failed(error.to_string()),
    }
}

fn blame_storage(error: &Error, account: &StorageAccount) -> RunError {
    if let Some(meaning) = refused::meaning(error) {
        return RunError::Invalid(Invalid::new("blobStorage", format!("{meaning} ({error})")));
    }
    match (error.kind(), error.status()) {
        (ErrorKind::Unreachable, _) => RunError::Failed(format!("blobStorage: {error}")),
        (_, Some(404)) => RunError::Invalid(Invalid::new(
            "blobStorage.containerName",
            format!("the container does not exist; create it or name another ({error})"),
        )),
        (_, Some(401 | 403)) => RunError::Invalid(match account.identity() {
            Some(identity) => sign_in::refused_by_storage(error, identity, account.name()),
            None => Invalid::new(
                "blobStorage",
                format!(
                    "the storage account refused the key or the SAS; check its name and key, and this machine's clock ({error})"
                ),
            ),
        }),
        _ => RunError::Failed(format!("blobStorage: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(rest: serde_json::Value) -> Pool {
        let mut pool = serde_json::json!({"id": "p", "state": "active"});
        pool.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        serde_json::from_value(pool).unwrap()
    }

    #[test]
    fn a_pool_without_nodes_is_warned_about_with_the_reason() {
        let full =
            serde_json::json!({"code": "AccountCoreQuotaReached", "message": "no cores left"});
        let pool = pool(serde_json::json!({"targetDedicatedNodes": 2, "resizeErrors": [full]}));
        assert_eq!(
            no_nodes(&pool).unwrap(),
            "poolId: the task waits for a node: the pool 'p' has no nodes now, its target is 2; \
             its last resize failed: AccountCoreQuotaReached: no cores left"
        );
    }

    #[test]
    fn a_pool_of_windows_nodes_is_refused_and_one_of_linux_nodes_is_not() {
        let of = |agent: &str| {
            let machines = serde_json::json!({"nodeAgentSKUId": agent});
            require_linux(&pool(serde_json::json!({"virtualMachineConfiguration": machines})))
        };
        for windows in ["batch.node.windows amd64", "Batch.Node.Windows AMD64"] {
            let Err(RunError::Invalid(invalid)) = of(windows) else { panic!("{windows}") };
            let start = format!("poolId: the nodes of the pool 'p' run Windows ({windows})");
            assert!(invalid.to_string().starts_with(&start), "{invalid}");
        }
        for linux in ["batch.node.ubuntu 22.04", "batch.node.el 9", ""] {
            assert!(of(linux).is_ok(), "{linux}");
        }
        assert!(require_linux(&pool(serde_json::json!({}))).is_ok());
    }

    #[test]
    fn a_pool_with_a_node_of_either_kind_is_no_reason_to_warn() {
        for count in ["currentDedicatedNodes", "currentLowPriorityNodes"] {
            assert_eq!(no_nodes(&pool(serde_json::json!({count: 1}))), None);
        }
    }
}
