//! Creating, changing and deleting pools.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Service;
use super::conditions::Conditions;
use super::limits::{self, TaskRules};
use crate::error::{ApiError, Code, Result};
use crate::store::node::NodeState;
use crate::store::pool::{AllocationState, Pool, PoolState, Target};
use crate::store::resource::ResourceVersion;
use crate::store::task::StopReason;
use crate::wire::pool::{PoolReplace, PoolSpec, PoolUpdate};

/// The quota of pools of an account: Azure's default.
const MAX_POOLS: usize = 100;

impl Service {
    /// Returns a pool.
    ///
    /// [Get Pool](https://learn.microsoft.com/rest/api/batchservice/pools/get-pool)
    pub(crate) fn pool(&self, id: &str) -> Result<Pool> {
        self.store().pool(id).cloned()
    }

    /// Returns all pools, sorted by id.
    pub(crate) fn pools(&self) -> Vec<Pool> {
        self.store().pools.values().cloned().collect()
    }

    /// Creates a pool, which allocates its nodes in the background: it is resizing meanwhile.
    pub(crate) fn create_pool(self: &Arc<Self>, mut spec: PoolSpec) -> Result<ResourceVersion> {
        let id = spec.id.take().ok_or_else(|| {
            ApiError::from(Code::MissingRequiredProperty).with("PropertyName", "id")
        })?;
        limits::check_id("id", &id)?;
        limits::check_pool(&spec, self.pool_rules())?;
        self.insert_pool(id, spec)
    }

    /// Creates a pool with valid properties.
    pub(super) fn insert_pool(
        self: &Arc<Self>,
        id: String,
        spec: PoolSpec,
    ) -> Result<ResourceVersion> {
        let mut store = self.store();
        if let Ok(existing) = store.pool(&id) {
            existing.require_active()?;
            return Err(Code::PoolExists.into());
        }
        if store.pools.len() >= MAX_POOLS {
            return Err(Code::PoolQuotaReached.into());
        }
        let mut pool = Pool::new(id.clone(), spec, store.next_number());
        pool.allocation.follow(AllocationState::Resizing);
        self.begin_auto_scale(&store, &mut pool);
        let (number, version) = (pool.number, pool.version.clone());
        store.insert_pool(pool);
        tokio::spawn(Arc::clone(self).finish_resize(id, number, Vec::new(), Vec::new()));
        Ok(version)
    }

    /// Changes the properties that are present: most of them only in a pool without nodes.
    pub(crate) fn update_pool(
        &self,
        id: &str,
        new: PoolUpdate,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        limits::check_pool_update(&new, self.pool_rules())?;
        self.change_pool(id, conditions, |pool| {
            match new.of_empty_pools().filter(|_| !pool.is_empty()) {
                Some(name) => Err(ApiError::from(Code::OperationInvalidForCurrentState)
                    .with("PropertyName", name)
                    .with("Reason", "it can be changed only in a pool without nodes")),
                None => {
                    new.apply_to(&mut pool.spec);
                    Ok(())
                }
            }
        })
    }

    /// Replaces the start task and the metadata; absent ones are removed.
    pub(crate) fn replace_pool_properties(
        &self,
        id: &str,
        new: PoolReplace,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        limits::check_pool_replace(&new, self.pool_rules())?;
        self.change_pool(id, conditions, |pool| {
            new.apply_to(&mut pool.spec);
            Ok(())
        })
    }

    fn change_pool(
        &self,
        id: &str,
        conditions: &Conditions,
        change: impl FnOnce(&mut Pool) -> Result<()>,
    ) -> Result<ResourceVersion> {
        let mut store = self.store();
        let pool = store.pool_mut(id).ok_or(Code::PoolNotFound)?;
        conditions.check_write(&pool.version)?;
        pool.require_active()?;
        change(pool)?;
        pool.version = ResourceVersion::new();
        Ok(pool.version.clone())
    }

    /// Starts to delete a pool. The tasks on its nodes become active again.
    pub(crate) fn delete_pool(self: &Arc<Self>, id: &str, conditions: &Conditions) -> Result<()> {
        let mut store = self.store();
        let pool = store.pool_mut(id).ok_or(Code::PoolNotFound)?;
        conditions.check_write(&pool.version)?;
        pool.require_active()?;
        pool.phase.enter(PoolState::Deleting);
        pool.target = Target::default();
        pool.allocation.enter(AllocationState::Resizing);
        let nodes: Vec<String> = pool.nodes.iter().map(|node| node.id.clone()).collect();
        let mut runs = Vec::new();
        for node in &nodes {
            let requeue = Some(StopReason::Requeue);
            runs.extend(store.stop_node(id, node, NodeState::LeavingPool, requeue)?);
        }
        tokio::spawn(Arc::clone(self).finish_deletion(id.to_owned(), nodes, runs));
        Ok(())
    }

    /// Removes the nodes, then the pool. Until then no other pool can have its id.
    async fn finish_deletion(
        self: Arc<Self>,
        id: String,
        nodes: Vec<String>,
        runs: Vec<CancellationToken>,
    ) {
        self.wait_for_runs(runs).await;
        nodes.iter().for_each(|node| self.remove_node(&id, node));
        self.store().remove_pool(&id);
    }

    /// Returns what the account allows in start tasks.
    pub(super) fn pool_rules(&self) -> TaskRules {
        TaskRules { has_storage: self.context.storage.linked.is_some(), ..TaskRules::default() }
    }
}
