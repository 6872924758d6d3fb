//! The first question to each service, before anything is created: is there what the flow names?

use azure::batch::Pool;
use azure::{Error, ErrorKind};

use crate::halt::Halt;
use crate::{Invalid, Plan};

/// Asks for the pool and the container, so that a mistake costs seconds and leaves nothing behind.
pub(crate) async fn check(plan: &Plan) -> Result<(), Halt> {
    let pool = plan.batch.get_pool(&plan.pool_id).await;
    require_containers(&pool.map_err(|error| blame_batch(&error, plan))?)?;
    if let Some(staged) = plan.staged() {
        staged.container.check().await.map_err(|error| blame_storage(&error))?;
    }
    Ok(())
}

/// A pool says whether its nodes can run containers when it was made by a virtual machine configuration,
/// which all pools of today are.
fn require_containers(pool: &Pool) -> Result<(), Halt> {
    let machines = pool.virtual_machine_configuration.as_ref();
    if machines.is_none_or(|machines| machines.container_configuration.is_some()) {
        return Ok(());
    }
    let reason = format!(
        "the nodes of the pool '{}' cannot run containers; \
         name a pool that was created with a containerConfiguration",
        pool.id
    );
    Err(Halt::Invalid(Invalid::new("poolId", reason)))
}

fn blame_batch(error: &Error, plan: &Plan) -> Halt {
    let Plan { pool_id, account, .. } = plan;
    if error.code() == Some("PoolNotFound") {
        let reason =
            format!("there is no pool '{pool_id}' in the Batch account '{account}' ({error})");
        return Halt::Invalid(Invalid::new("poolId", reason));
    }
    match (error.kind(), error.status()) {
        (ErrorKind::Unreachable, _) => Halt::Failed(format!("endpoint: {error}")),
        (_, Some(401 | 403)) => Halt::Invalid(Invalid::new(
            "accessKey",
            format!(
                "the Batch account '{account}' refused it; check account, accessKey and endpoint ({error})"
            ),
        )),
        _ => Halt::Failed(error.to_string()),
    }
}

fn blame_storage(error: &Error) -> Halt {
    match (error.kind(), error.status()) {
        (ErrorKind::Unreachable, _) => Halt::Failed(format!("blobStorage: {error}")),
        (_, Some(404)) => Halt::Invalid(Invalid::new(
            "blobStorage.containerName",
            format!("the container does not exist; create it or name another ({error})"),
        )),
        (_, Some(401 | 403)) => Halt::Invalid(Invalid::new(
            "blobStorage",
            format!("the storage account refused the key; check its name and key ({error})"),
        )),
        _ => Halt::Failed(format!("blobStorage: {error}")),
    }
}
