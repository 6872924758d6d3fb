//! Changes of jobs.

use std::sync::Arc;

use crate::error::{ApiError, Code, Result};
use crate::service::Service;
use crate::service::conditions::Conditions;
use crate::service::limits::{self, TaskRules};
use crate::store::job::{Job, JobState};
use crate::store::resource::ResourceVersion;
use crate::wire::job::{JobReplace, JobUpdate, OnAllTasksComplete, PoolInfo};

impl Service {
    /// Changes the properties that are present. The pool can be changed only while the job is
    /// disabled.
    pub(crate) fn update_job(
        self: &Arc<Self>,
        id: &str,
        update: JobUpdate,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        self.change_job(id, conditions, |job| update.merged_with(&job.spec))
    }

    /// Replaces everything that can be changed; absent properties get their defaults.
    pub(crate) fn replace_job(
        self: &Arc<Self>,
        id: &str,
        new: JobReplace,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        self.change_job(id, conditions, |_| new)
    }

    fn change_job(
        self: &Arc<Self>,
        id: &str,
        conditions: &Conditions,
        new: impl FnOnce(&Job) -> JobReplace,
    ) -> Result<ResourceVersion> {
        let version = {
            let mut store = self.store();
            let job = &mut store.job_mut(id)?.job;
            conditions.check_write(&job.version)?;
            job.require_open()?;
            let new = new(job);
            let of_schedule = job.schedule().is_some();
            limits::check_replacement(&new, TaskRules { of_schedule, ..self.pool_rules() })?;
            check_pool_change(job, &new.pool_info)?;
            apply(job, new)?;
            job.version.clone()
        };
        self.watch_wall_clock(id);
        self.terminate_if_complete(id);
        self.after_delay(Service::schedule);
        Ok(version)
    }
}

/// Checks a change of the pool, which is possible only while the job is disabled. The same pool is
/// no change. Of a pool that the service created for the job, only `keepAlive` can be changed.
fn check_pool_change(job: &Job, new: &PoolInfo) -> Result<()> {
    let property = "poolInfo.autoPoolSpecification";
    match (&job.spec.pool_info.auto_pool_specification, &new.auto_pool_specification) {
        (None, None) => require_disabled(job, new),
        (Some(old), Some(new)) if old.is_same_pool(new) => Ok(()),
        (Some(_), Some(_)) => {
            Err(ApiError::property(property, "", "only keepAlive can be changed"))
        }
        _ => Err(limits::unsupported(property)),
    }
}

fn require_disabled(job: &Job, new: &PoolInfo) -> Result<()> {
    let is_same = |id: &String| id.eq_ignore_ascii_case(&job.pool_id);
    match job.phase.state {
        JobState::Disabled => Ok(()),
        _ if new.pool_id.as_ref().is_some_and(is_same) => Ok(()),
        _ => Err(ApiError::from(Code::JobNotDisabled)
            .with("Reason", "the pool of a job can only be changed while the job is disabled")),
    }
}

fn apply(job: &mut Job, new: JobReplace) -> Result<()> {
    let spec = &mut job.spec;
    if spec.on_all_tasks_complete == OnAllTasksComplete::TerminateJob
        && new.on_all_tasks_complete == OnAllTasksComplete::NoAction
    {
        let reason = "it cannot be changed back from terminatejob";
        return Err(ApiError::property("onAllTasksComplete", "noaction", reason));
    }
    spec.priority = new.priority;
    spec.max_parallel_tasks = new.max_parallel_tasks;
    spec.allow_task_preemption = new.allow_task_preemption;
    spec.constraints = new.constraints;
    if let Some(id) = &new.pool_info.pool_id {
        job.pool_id.clone_from(id);
    }
    spec.pool_info = new.pool_info;
    spec.on_all_tasks_complete = new.on_all_tasks_complete;
    spec.metadata = new.metadata;
    job.version = ResourceVersion::new();
    Ok(())
}
