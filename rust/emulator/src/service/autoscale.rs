//! Automatic scaling of pools.

pub(super) mod formula;

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::Service;
use super::conditions::Conditions;
use super::limits::{check_auto_scale, missing_formula};
use super::node_operations::stop_reason;
use crate::error::{Code, Result};
use crate::store::Store;
use crate::store::auto_scale::{AutoScaleRun, Measures, SAMPLE_PERIOD};
use crate::store::job::{JobEntry, JobState};
use crate::store::node::NodeState;
use crate::store::pool::{Pool, Target};
use crate::store::resource::ResourceVersion;
use crate::store::task::{TaskResult, TaskState};
use crate::wire::duration;
use crate::wire::pool::{AutoScaleEnable, EVALUATION_INTERVAL};
use formula::{Formula, Inputs, Targets};

impl Service {
    /// Enables automatic scaling, or changes its formula or interval, and evaluates the formula.
    pub(crate) fn enable_auto_scale(
        self: &Arc<Self>,
        id: &str,
        new: AutoScaleEnable,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        check_auto_scale(
            new.auto_scale_formula.as_deref(),
            new.auto_scale_evaluation_interval.as_deref(),
        )?;
        let mut store = self.store();
        let pool = store.pool_mut(id).ok_or(Code::PoolNotFound)?;
        conditions.check_write(&pool.version)?;
        pool.require_active()?;
        pool.require_steady()?;
        self.require_rare_enabling(pool)?;
        set_formula(pool, new)?;
        // As recorded: a pool that had a run shows it until the next one.
        let last = pool.auto_scale.run.take();
        self.scale(&mut store, id);
        let pool = store.pool_mut(id).ok_or(Code::PoolNotFound)?;
        pool.auto_scale.run = last.or(pool.auto_scale.run.take());
        Ok(pool.version.clone())
    }

    /// Disables automatic scaling. As recorded, this does not change the pool's version.
    pub(crate) fn disable_auto_scale(&self, id: &str) -> Result<ResourceVersion> {
        let mut store = self.store();
        let pool = store.pool_mut(id).ok_or(Code::PoolNotFound)?;
        pool.require_active()?;
        pool.spec.enable_auto_scale = false;
        pool.spec.auto_scale_formula = None;
        pool.spec.auto_scale_evaluation_interval = None;
        (pool.auto_scale.run, pool.auto_scale.next) = (None, None);
        Ok(pool.version.clone())
    }

    /// Evaluates a formula on a pool without resizing it.
    pub(crate) fn evaluate_auto_scale(&self, id: &str, formula: &str) -> Result<AutoScaleRun> {
        check_auto_scale(Some(formula), None)?;
        let store = self.store();
        let pool = store.pool(id)?;
        pool.require_active()?;
        pool.require_scaling(true)?;
        let evaluated = Formula::parse(formula).ok();
        let evaluated = evaluated.map(|formula| self.evaluate(&store, pool, &formula).0);
        evaluated.ok_or(Code::AutoScalingFormulaSyntaxError.into())
    }

    /// Prepares a new pool, whose formula is evaluated at once.
    pub(super) fn begin_auto_scale(&self, store: &Store, pool: &mut Pool) {
        if let Some(targets) = self.run_formula(store, pool) {
            pool.target = targets.target();
        }
    }

    /// Takes samples of all pools and evaluates the formulas that are due, until the emulator stops.
    pub(super) async fn scale_pools(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = sleep(SAMPLE_PERIOD / self.autoscale_speed) => self.sample_and_scale(),
                () = self.closing.cancelled() => return,
            }
        }
    }

    fn sample_and_scale(self: &Arc<Self>) {
        let mut store = self.store();
        let measured = |(key, pool): (&String, &Pool)| (key.clone(), measures(&store, pool));
        let measured: Vec<_> = store.pools.iter().map(measured).collect();
        for (key, measures) in measured {
            let Some(pool) = store.pool_mut(&key) else { continue };
            pool.auto_scale.add(measures);
            if pool.auto_scale.next.is_some_and(|next| next <= Instant::now()) {
                self.scale(&mut store, &key);
            }
        }
    }

    /// Evaluates a pool's formula. A steady pool begins to be what it says.
    fn scale(self: &Arc<Self>, store: &mut Store, id: &str) {
        let Ok(mut pool) = store.pool(id).cloned() else { return };
        let targets = self.run_formula(store, &mut pool);
        if let Some(stored) = store.pool_mut(id) {
            (stored.spec, stored.auto_scale) = (pool.spec.clone(), pool.auto_scale.clone());
        }
        let Some(targets) = targets else { return };
        let target = targets.target();
        if target != pool.target && pool.require_steady().is_ok() && pool.require_active().is_ok() {
            let (leaving, stop) = (pool.surplus(target), stop_reason(targets.deallocation));
            // Only a pool that is gone cannot be resized.
            self.resize(store, id, target, leaving, stop).ok();
        }
    }

    /// Evaluates the formula of a pool, if it has one, and records the run. Returns what the pool is
    /// to become; `None` if the formula failed.
    fn run_formula(&self, store: &Store, pool: &mut Pool) -> Option<Targets> {
        let spec = &mut pool.spec;
        let formula = Formula::parse(spec.auto_scale_formula.as_deref()?).ok()?;
        let interval = &mut spec.auto_scale_evaluation_interval;
        let interval = interval.get_or_insert_with(|| EVALUATION_INTERVAL.to_owned());
        let interval = duration::parse(interval)? / self.autoscale_speed;
        let (run, targets) = self.evaluate(store, pool, &formula);
        pool.auto_scale.next = Instant::now().checked_add(interval);
        pool.auto_scale.run = Some(run);
        targets
    }

    fn evaluate(
        &self,
        store: &Store,
        pool: &Pool,
        formula: &Formula,
    ) -> (AutoScaleRun, Option<Targets>) {
        let at = OffsetDateTime::now_utc();
        let evaluation = formula.evaluate(&self.inputs(store, pool, at));
        let results = evaluation.results;
        match evaluation.outcome {
            Ok(targets) => (AutoScaleRun { at, results, error: None }, Some(targets)),
            Err(error) => (AutoScaleRun { at, results, error: Some(error) }, None),
        }
    }

    /// Returns the inputs of a formula. The age of a sample is that on a clock with the speed of
    /// automatic scaling.
    fn inputs(&self, store: &Store, pool: &Pool, at: OffsetDateTime) -> Inputs {
        let speed = f64::from(self.autoscale_speed);
        let samples = pool.auto_scale.samples();
        Inputs {
            now: at.unix_timestamp_nanos() as f64 / 1e9,
            target_dedicated: pool.target.dedicated,
            target_low_priority: pool.target.low_priority,
            task_slots: pool.spec.task_slots_per_node,
            current: measures(store, pool),
            samples: samples.map(|(at, one)| (at.elapsed().as_secs_f64() * speed, *one)).collect(),
        }
    }

    /// Returns an error if automatic scaling was enabled less than 30 seconds ago.
    fn require_rare_enabling(&self, pool: &Pool) -> Result<()> {
        let least = SAMPLE_PERIOD / self.autoscale_speed;
        match pool.auto_scale.enabled {
            Some(enabled) if enabled.elapsed() < least => {
                Err(Code::TooManyEnableAutoScaleRequests.into())
            }
            _ => Ok(()),
        }
    }
}

/// Sets what is given of a pool's formula and interval.
fn set_formula(pool: &mut Pool, new: AutoScaleEnable) -> Result<()> {
    let (formula, interval) = (new.auto_scale_formula, new.auto_scale_evaluation_interval);
    let spec = &mut pool.spec;
    if formula.is_none() && (interval.is_none() || !spec.enable_auto_scale) {
        return Err(missing_formula());
    }
    spec.enable_auto_scale = true;
    spec.auto_scale_formula = formula.or(spec.auto_scale_formula.take());
    spec.auto_scale_evaluation_interval = interval.or(spec.auto_scale_evaluation_interval.take());
    pool.auto_scale.enabled = Some(Instant::now());
    pool.version = ResourceVersion::new();
    Ok(())
}

impl Targets {
    fn target(self) -> Target {
        Target { dedicated: self.dedicated, low_priority: self.low_priority }
    }
}

/// Measures a pool.
fn measures(store: &Store, pool: &Pool) -> Measures {
    let nodes_in = |states: &[NodeState]| {
        pool.nodes.iter().filter(|node| states.contains(&node.phase.state)).count()
    };
    let mut measures = Measures {
        dedicated_nodes: pool.count(true),
        low_priority_nodes: pool.count(false),
        preempted_nodes: nodes_in(&[NodeState::Preempted]),
        usable_nodes: nodes_in(&[NodeState::Idle, NodeState::Running]),
        ..Measures::default()
    };
    let of_pool = |entry: &&JobEntry| entry.job.pool_id.eq_ignore_ascii_case(&pool.id);
    store.jobs.values().filter(of_pool).for_each(|entry| count_tasks(entry, &mut measures));
    measures
}

/// Adds the tasks of a job.
fn count_tasks(entry: &JobEntry, measures: &mut Measures) {
    if entry.job.phase.state == JobState::Active {
        let ready = entry.tasks.active().filter(|task| entry.tasks.dependencies_satisfied(task));
        measures.active_tasks += ready.count();
    }
    for task in entry.tasks.iter() {
        match (task.phase.state, task.result()) {
            (TaskState::Preparing | TaskState::Running, _) => measures.running_tasks += 1,
            (_, Some(TaskResult::Success)) => measures.succeeded_tasks += 1,
            (_, Some(TaskResult::Failure)) => measures.failed_tasks += 1,
            _ => {}
        }
    }
}
