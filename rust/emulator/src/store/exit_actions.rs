//! What follows from the end of a task, by its exit conditions.
//!
//! [ExitConditions](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task#exitconditions)

use super::task::{End, FailureInfo, TaskResult};
use crate::wire::task::{DependencyAction, ExitConditions, ExitOptions, JobAction};

/// The effects of a task's end on its job and on dependent tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExitActions {
    /// Performed only if the job's `onTaskFailure` says so.
    pub(crate) job: JobAction,
    pub(crate) dependents: DependencyAction,
}

impl ExitActions {
    /// Returns the actions for this end.
    pub(crate) fn of(end: &End, conditions: Option<&ExitConditions>) -> ExitActions {
        let options =
            conditions.and_then(|conditions| exit_options(end, conditions)).unwrap_or_default();
        let (job, dependents) = match end.result {
            TaskResult::Success => (JobAction::None, DependencyAction::Satisfy),
            TaskResult::Failure => (JobAction::Terminate, DependencyAction::Block),
        };
        ExitActions {
            job: options.job_action.unwrap_or(job),
            dependents: options.dependency_action.unwrap_or(dependents),
        }
    }
}

/// Returns the exit options that apply. The exit code has precedence over a failed upload; for a
/// successful task only the options of its exit code apply.
fn exit_options(end: &End, conditions: &ExitConditions) -> Option<ExitOptions> {
    let own_exit_code = end.exit_code.filter(|_| !end.was_stopped());
    let for_exit_code = own_exit_code.and_then(|code| conditions.for_exit_code(code));
    for_exit_code.or_else(|| {
        let failure = end.failure_info.as_ref()?;
        let of_kind = match Kind::of(end, failure) {
            Kind::PreProcessing => conditions.pre_processing_error,
            Kind::Upload => conditions.file_upload_error,
            Kind::Other => None,
        };
        of_kind.or(conditions.default)
    })
}

enum Kind {
    /// The command never ran.
    PreProcessing,
    Upload,
    /// A non-zero exit, or a stop by request or time limit.
    Other,
}

impl Kind {
    fn of(end: &End, failure: &FailureInfo) -> Kind {
        if failure.code.starts_with("FileUpload") {
            Kind::Upload
        } else if end.exit_code.is_none() && !end.was_stopped() {
            Kind::PreProcessing
        } else {
            Kind::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DependencyAction::{Block, Satisfy};
    use JobAction::{Disable, None as Nothing, Terminate};
    use serde_json::json;

    fn end(exit_code: Option<i32>, failure: Option<&'static str>) -> End {
        let failure_info = failure.map(|code| FailureInfo::user(code, "it failed"));
        let result = if failure.is_some() { TaskResult::Failure } else { TaskResult::Success };
        End { exit_code, container_info: None, failure_info, result }
    }

    #[test]
    fn without_conditions_a_success_satisfies_and_a_failure_terminates_and_blocks() {
        let cases = [
            (end(Some(0), None), Nothing, Satisfy),
            (end(Some(1), Some("FailureExitCode")), Terminate, Block),
            (end(None, Some("BlobNotFound")), Terminate, Block),
            (end(Some(0), Some("FileUploadMiscError")), Terminate, Block),
        ];
        for (end, job, dependents) in cases {
            assert_eq!(ExitActions::of(&end, None), ExitActions { job, dependents }, "{end:?}");
        }
    }

    #[test]
    fn each_end_has_the_actions_that_the_conditions_name() {
        let conditions: ExitConditions = serde_json::from_value(json!({
            "exitCodes": [{"code": 3, "exitOptions": {"jobAction": "disable"}},
                          {"code": 0, "exitOptions": {"dependencyAction": "block"}}],
            "exitCodeRanges": [{"start": 2, "end": 5, "exitOptions": {"jobAction": "none"}}],
            "preProcessingError": {"dependencyAction": "satisfy"},
            "default": {"jobAction": "none", "dependencyAction": "satisfy"},
        }))
        .unwrap();
        let cases = [
            (end(Some(0), None), Nothing, Block),
            (end(Some(3), Some("FailureExitCode")), Disable, Block),
            (end(Some(5), Some("FailureExitCode")), Nothing, Block),
            (end(Some(6), Some("FailureExitCode")), Nothing, Satisfy),
            (end(None, Some("BlobNotFound")), Terminate, Satisfy),
            (end(None, Some("TaskEnded")), Nothing, Satisfy),
            (end(Some(3), Some("TaskEnded")), Nothing, Satisfy),
            (end(Some(7), Some("FileUploadMiscError")), Nothing, Satisfy),
            // The code has options, so the failed upload does not count.
            (end(Some(3), Some("FileUploadMiscError")), Disable, Block),
        ];
        for (end, job, dependents) in cases {
            let exit_actions = ExitActions::of(&end, Some(&conditions));
            assert_eq!(exit_actions, ExitActions { job, dependents }, "{end:?}");
        }
    }
}
