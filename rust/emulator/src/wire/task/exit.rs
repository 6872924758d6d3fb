//! Exit conditions.

use crate::wire::enumeration::enumeration;
use serde::{Deserialize, Serialize};

/// The exit options for each way in which a task may end.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExitConditions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_codes: Option<Vec<ExitCodeMapping>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code_ranges: Option<Vec<ExitCodeRangeMapping>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pre_processing_error: Option<ExitOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_upload_error: Option<ExitOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<ExitOptions>,
}

/// The exit options of one exit code.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExitCodeMapping {
    pub(crate) code: i32,
    pub(crate) exit_options: ExitOptions,
}

/// The exit options of a range of exit codes, both ends included.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExitCodeRangeMapping {
    pub(crate) start: i32,
    pub(crate) end: i32,
    pub(crate) exit_options: ExitOptions,
}

/// The actions after an end; an absent one has the default that applies without exit conditions.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExitOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_action: Option<JobAction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dependency_action: Option<DependencyAction>,
}

/// The effect of a task's end on its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobAction {
    None,
    Disable,
    Terminate,
}

enumeration!(JobAction {
    None = "none",
    Disable = "disable",
    Terminate = "terminate",
});

/// The effect of a task's end on dependent tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DependencyAction {
    Satisfy,
    Block,
}

enumeration!(DependencyAction {
    Satisfy = "satisfy",
    Block = "block",
});

impl ExitConditions {
    /// Returns the exit options of an exit code. A single code has precedence over a range.
    pub(crate) fn for_exit_code(&self, code: i32) -> Option<ExitOptions> {
        let mut codes = self.exit_codes.iter().flatten();
        let mut ranges = self.exit_code_ranges.iter().flatten();
        codes.find(|mapping| mapping.code == code).map(|mapping| mapping.exit_options).or_else(
            || {
                let range = ranges.find(|range| (range.start..=range.end).contains(&code));
                range.map(|range| range.exit_options)
            },
        )
    }

    /// Returns all exit options.
    pub(crate) fn options(&self) -> impl Iterator<Item = &ExitOptions> {
        let codes = self.exit_codes.iter().flatten().map(|mapping| &mapping.exit_options);
        let ranges = self.exit_code_ranges.iter().flatten().map(|mapping| &mapping.exit_options);
        let others = [&self.pre_processing_error, &self.file_upload_error, &self.default];
        codes.chain(ranges).chain(others.into_iter().flatten())
    }
}
