//! Changes of jobs.

use std::sync::Arc;

use crate::error::{ApiError, Code, Result};
use crate::service::conditions::Conditions;
use crate::service::{Service, limits};
use crate::store::job::{Job, JobState};
use crate::store::resource::ResourceVersion;
use crate::wire::job::{JobReplace, JobUpdate, OnAllTasksComplete};

impl Service {
    /// Changes the properties that are present. The pool can be changed only while the job is
    /// disabled.
    pub(crate) fn update_job(
        self: &Arc<Self>,
        id: &str,
        update: JobUpdate,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        self.change_job(id, conditions, |job| {
            if update.pool_info.is_some() {
                require_disabled(job)?;
            }
            Ok(update.merged_with(&job.spec))
        })
    }

    /// Replaces everything that can be changed; absent properties get their defaults.
    pub(crate) fn replace_job(
        self: &Arc<Self>,
        id: &str,
        new: JobReplace,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        self.change_job(id, conditions, |job| {
            if !new.pool_info.pool_id.eq_ignore_ascii_case(&job.spec.pool_info.pool_id) {
                require_disabled(job)?;
            }
            Ok(new)
        })
    }

    fn change_job(
        self: &Arc<Self>,
        id: &str,
        conditions: &Conditions,
        new: impl FnOnce(&Job) -> Result<JobReplace>,
    ) -> Result<ResourceVersion> {
        let version = {
            let mut store = self.store();
            let job = &mut store.job_mut(id)?.job;
            conditions.check_write(&job.version)?;
            job.require_open()?;
            let new = new(job)?;
            limits::check_replacement(&new)?;
            apply(job, new)?;
            job.version.clone()
        };
        self.watch_wall_clock(id);
        self.terminate_if_complete(id);
        self.after_delay(Service::schedule);
        Ok(version)
    }
}

fn require_disabled(job: &Job) -> Result<()> {
    match job.phase.state {
        JobState::Disabled => Ok(()),
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
    spec.pool_info = new.pool_info;
    spec.on_all_tasks_complete = new.on_all_tasks_complete;
    spec.metadata = new.metadata;
    job.version = ResourceVersion::new();
    Ok(())
}
