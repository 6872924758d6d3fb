//! The bodies of the operations on automatic scaling.

use serde::Deserialize;

/// The default of `autoScaleEvaluationInterval`.
pub(crate) const EVALUATION_INTERVAL: &str = "PT15M";

/// The body of
/// [Enable Pool Auto Scale](https://learn.microsoft.com/rest/api/batchservice/pools/enable-pool-auto-scale).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AutoScaleEnable {
    pub(crate) auto_scale_formula: Option<String>,
    /// ISO 8601, from five minutes to 168 hours.
    pub(crate) auto_scale_evaluation_interval: Option<String>,
}

/// The body of
/// [Evaluate Pool Auto Scale](https://learn.microsoft.com/rest/api/batchservice/pools/evaluate-pool-auto-scale).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AutoScaleEvaluate {
    pub(crate) auto_scale_formula: String,
}
