//! Limits on pools.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::container::check_registry;
use super::job_tasks::{check_within, within};
use super::{TaskRules, check_display_name, check_id, check_metadata, is_id, unsupported};
use crate::error::{ApiError, Code, Result};
use crate::service::autoscale::formula::{Formula, MAX_CHARACTERS, Trouble};
use crate::settings::{MAX_SLOTS, MAX_USER_NAME};
use crate::wire::duration;
use crate::wire::job::PoolInfo;
use crate::wire::pool::{
    AutoPool, PoolLifetime, PoolReplace, PoolSpec, PoolUpdate, StartTask, UserAccount,
    VirtualMachine,
};

/// The minimum of `resizeTimeout`.
const MIN_TIMEOUT: Duration = Duration::from_mins(5);
/// What `autoScaleEvaluationInterval` can be.
const INTERVALS: RangeInclusive<Duration> = Duration::from_mins(5)..=Duration::from_hours(168);
/// The most characters of `autoPoolIdPrefix`.
const ID_PREFIX: usize = 20;

/// # Errors
/// Names the first property with an invalid value.
pub(in crate::service) fn check_pool(pool: &PoolSpec, rules: TaskRules) -> Result<()> {
    check_display_name(pool.display_name.as_deref())?;
    check_vm_size(&pool.vm_size)?;
    check_machine(&pool.virtual_machine_configuration)?;
    check_resize_timeout(Some(&pool.resize_timeout))?;
    check_scaling(pool)?;
    check_slots(pool.task_slots_per_node)?;
    check_users(pool.user_accounts.as_deref())?;
    check_metadata(pool.metadata.as_deref())?;
    check_start_task(pool.start_task.as_ref(), rules)
}

/// # Errors
/// Names the first property with an invalid value.
pub(in crate::service) fn check_pool_update(new: &PoolUpdate, rules: TaskRules) -> Result<()> {
    check_display_name(new.display_name.as_deref())?;
    new.vm_size.as_deref().map_or(Ok(()), check_vm_size)?;
    new.virtual_machine_configuration.as_ref().map_or(Ok(()), check_machine)?;
    new.task_slots_per_node.map_or(Ok(()), check_slots)?;
    check_users(new.user_accounts.as_deref())?;
    check_metadata(new.metadata.as_deref())?;
    check_start_task(new.start_task.as_ref(), rules)
}

/// # Errors
/// Names the first property with an invalid value.
pub(in crate::service) fn check_pool_replace(new: &PoolReplace, rules: TaskRules) -> Result<()> {
    check_metadata(new.metadata.as_deref())?;
    check_start_task(new.start_task.as_ref(), rules)
}

/// # Errors
/// `InvalidPropertyValue` for less than five minutes.
pub(in crate::service) fn check_resize_timeout(text: Option<&str>) -> Result<()> {
    match text {
        Some(text) if duration::parse(text).is_none_or(|timeout| timeout < MIN_TIMEOUT) => {
            let reason = "not an ISO 8601 duration of at least PT5M";
            Err(ApiError::property("resizeTimeout", text, reason))
        }
        _ => Ok(()),
    }
}

/// # Errors
/// Unless it names either a pool or the specification of one that is created for the job.
pub(in crate::service) fn check_pool_info(pool: &PoolInfo, rules: TaskRules) -> Result<()> {
    let at = "poolInfo.autoPoolSpecification";
    match (&pool.pool_id, &pool.auto_pool_specification) {
        (Some(id), None) => check_id("poolInfo.poolId", id),
        (None, Some(auto))
            if auto.pool_lifetime_option == PoolLifetime::JobSchedule && !rules.of_schedule =>
        {
            let reason = "only the jobs of a job schedule can have it";
            Err(ApiError::property(&format!("{at}.poolLifetimeOption"), "jobschedule", reason))
        }
        (None, Some(auto)) => check_auto_pool(at, auto, rules),
        (None, None) => Err(ApiError::from(Code::MissingRequiredProperty)
            .with("PropertyName", "poolInfo.poolId")
            .with("Reason", "poolId or autoPoolSpecification is needed")),
        (Some(id), Some(_)) => {
            let reason = "it excludes autoPoolSpecification";
            Err(ApiError::property("poolInfo.poolId", id, reason))
        }
    }
}

/// # Errors
/// Names the first property with an invalid value.
pub(in crate::service) fn check_auto_pool(
    at: &str,
    auto: &AutoPool,
    rules: TaskRules,
) -> Result<()> {
    let prefix = auto.auto_pool_id_prefix.as_deref().unwrap_or_default();
    if prefix.len() > ID_PREFIX || !(prefix.is_empty() || is_id(prefix)) {
        let reason = "a prefix has at most 20 letters, digits, hyphens and underscores";
        return Err(ApiError::property(&format!("{at}.autoPoolIdPrefix"), prefix, reason));
    }
    if let Some(id) = &auto.pool.id {
        return Err(ApiError::from(Code::InvalidRequestBody)
            .with("PropertyName", format!("{at}.pool.id"))
            .with("Reason", format!("the service makes the id, not {id}")));
    }
    within(&format!("{at}.pool"), check_pool(&auto.pool, rules))
}

fn check_vm_size(size: &str) -> Result<()> {
    match size.is_empty() {
        true => Err(ApiError::property("vmSize", size, "it is empty")),
        false => Ok(()),
    }
}

fn check_scaling(pool: &PoolSpec) -> Result<()> {
    let formula = pool.auto_scale_formula.as_deref();
    let interval = pool.auto_scale_evaluation_interval.as_deref();
    match pool.enable_auto_scale {
        true => {
            check_no_targets(pool)?;
            check_auto_scale(formula, interval)?;
            formula.map(drop).ok_or_else(missing_formula)
        }
        false => {
            check_no_auto_scale("autoScaleFormula", formula)?;
            check_no_auto_scale("autoScaleEvaluationInterval", interval)
        }
    }
}

/// # Errors
/// A formula with a syntax error, or an interval that is too short or too long.
pub(in crate::service) fn check_auto_scale(
    formula: Option<&str>,
    interval: Option<&str>,
) -> Result<()> {
    let name = "autoScaleEvaluationInterval";
    match interval {
        Some(text) if !duration::parse(text).is_some_and(|one| INTERVALS.contains(&one)) => {
            let reason = "not an ISO 8601 duration from PT5M to PT168H";
            return Err(ApiError::property(name, text, reason));
        }
        _ => {}
    }
    let Some(formula) = formula else { return Ok(()) };
    if formula.chars().count() > MAX_CHARACTERS {
        return Err(ApiError::from(Code::AutoScalingFormulaTooLong)
            .with("MaxLimit", MAX_CHARACTERS.to_string()));
    }
    let syntax = |trouble: Trouble| {
        ApiError::from(Code::AutoScalingFormulaSyntaxError).with("Reason", trouble.to_string())
    };
    Formula::parse(formula).map(drop).map_err(syntax)
}

/// Returns the error for automatic scaling without a formula.
pub(in crate::service) fn missing_formula() -> ApiError {
    ApiError::from(Code::MissingRequiredProperty).with("PropertyName", "autoScaleFormula")
}

fn check_no_auto_scale(name: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some(value) => {
            Err(ApiError::property(name, value, "only a pool with enableAutoScale has it"))
        }
        None => Ok(()),
    }
}

fn check_no_targets(pool: &PoolSpec) -> Result<()> {
    let targets = [
        ("targetDedicatedNodes", pool.target_dedicated_nodes),
        ("targetLowPriorityNodes", pool.target_low_priority_nodes),
    ];
    match targets.iter().find_map(|(name, target)| Some((name, (*target)?))) {
        Some((name, target)) => {
            let reason = "a pool with enableAutoScale has the targets of its formula";
            Err(ApiError::property(name, &target.to_string(), reason))
        }
        None => Ok(()),
    }
}

/// Nodes run Linux here, so images of Windows are refused.
fn check_machine(machine: &VirtualMachine) -> Result<()> {
    let agent = machine.node_agent_sku_id.as_str();
    let name = |property: &str| format!("virtualMachineConfiguration.{property}");
    if agent.contains("windows") {
        return Err(unsupported(&name("nodeAgentSKUId")));
    }
    if !agent.starts_with("batch.node.") {
        let reason = "not a node agent such as 'batch.node.ubuntu 22.04'";
        return Err(ApiError::property(&name("nodeAgentSKUId"), agent, reason));
    }
    if !machine.image_reference.is_valid() {
        let reason = "it needs publisher, offer and sku, or one id of an image";
        return Err(ApiError::property(&name("imageReference"), "", reason));
    }
    let containers = machine.container_configuration.as_ref();
    let registries = containers.and_then(|containers| containers.container_registries.as_deref());
    let at = name("containerConfiguration.containerRegistries");
    registries.unwrap_or_default().iter().try_for_each(|registry| check_registry(&at, registry))
}

fn check_slots(slots: u32) -> Result<()> {
    match slots {
        1..=MAX_SLOTS => Ok(()),
        _ => {
            let reason = format!("it must be from 1 to {MAX_SLOTS}");
            Err(ApiError::property("taskSlotsPerNode", &slots.to_string(), reason))
        }
    }
}

fn check_users(users: Option<&[UserAccount]>) -> Result<()> {
    users.unwrap_or_default().iter().try_for_each(|user| {
        let refuse = |property: &str, reason: &str| {
            Err(ApiError::property(&format!("userAccounts.{property}"), &user.name, reason))
        };
        if !(1..=MAX_USER_NAME).contains(&user.name.chars().count()) {
            return refuse("name", "a name has 1 to 20 characters");
        }
        if user.password.is_empty() {
            return refuse("password", "it is empty");
        }
        match user.has_valid_ids() {
            true => Ok(()),
            false => refuse("linuxUserConfiguration", "uid and gid must be given together"),
        }
    })
}

fn check_start_task(task: Option<&StartTask>, rules: TaskRules) -> Result<()> {
    let Some(task) = task else { return Ok(()) };
    check_within("startTask", &task.as_task(), rules)?;
    match task.max_task_retry_count {
        ..-1 => {
            let count = task.max_task_retry_count.to_string();
            Err(ApiError::property("startTask.maxTaskRetryCount", &count, "less than -1"))
        }
        _ => Ok(()),
    }
}
