//! What a flow says of the job and its task beside their names: for the scheduler, and for people who look at them.

use std::time::Duration;

use azure::batch::MetadataItem;

use crate::plan::given;
use crate::{Invalid, Request};

/// The highest priority of a job; the lowest is its negative.
const HIGHEST_PRIORITY: i32 = 1000;

/// Characters of a job's display name.
const MAX_DISPLAY_NAME: usize = 1024;

/// The node keeps the rest of the log at least as long: a worker that takes over has to have the time to read it.
const SHORTEST_RETENTION: Duration = Duration::from_secs(10 * 60);

/// The longest time that the service's own type holds, in whole days.
const LONGEST_RETENTION: Duration = Duration::from_secs(10_675_199 * 24 * 60 * 60);

/// Slots that a node may have at most.
const MAX_SLOTS: i32 = 256;

/// None where Batch's own default applies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scheduling {
    pub(crate) priority: Option<i32>,
    pub(crate) display_name: Option<String>,
    /// Kestra's labels, and the flow's own.
    pub(crate) metadata: Vec<MetadataItem>,
    pub(crate) required_slots: Option<i32>,
    /// How often Batch runs the task again after an exit code other than 0; -1 without end.
    pub(crate) retries: i32,
    pub(crate) retention_time: Option<Duration>,
}

impl Scheduling {
    /// # Errors
    /// The first property that Batch would not take.
    pub(crate) fn new(request: &Request) -> Result<Self, Invalid> {
        Ok(Self {
            priority: within(("priority", request.priority), -HIGHEST_PRIORITY..=HIGHEST_PRIORITY)?,
            display_name: display_name(request)?,
            metadata: metadata(request)?,
            required_slots: within(("requiredSlots", request.required_slots), 1..=MAX_SLOTS)?,
            retries: within(("maxTaskRetryCount", request.max_task_retry_count), -1..=i32::MAX)?
                .unwrap_or(0),
            retention_time: retention_time(request)?,
        })
    }
}

fn within(
    (property, value): (&'static str, Option<i32>),
    range: std::ops::RangeInclusive<i32>,
) -> Result<Option<i32>, Invalid> {
    match value {
        Some(value) if !range.contains(&value) => {
            let reason = match *range.end() {
                i32::MAX => format!("it must be at least {}, and is {value}", range.start()),
                end => format!("it must be from {} to {end}, and is {value}", range.start()),
            };
            Err(Invalid::new(property, reason))
        }
        value => Ok(value),
    }
}

fn display_name(request: &Request) -> Result<Option<String>, Invalid> {
    let name = given(request.display_name.as_deref()).map(str::to_owned);
    let length = name.as_ref().map_or(0, |name| name.chars().count());
    if length > MAX_DISPLAY_NAME {
        let reason =
            format!("it has {length} characters, and Azure Batch takes {MAX_DISPLAY_NAME}");
        return Err(Invalid::new("displayName", reason));
    }
    Ok(name)
}

/// The names of Kestra's labels are taken: by them people find the execution of a job.
fn metadata(request: &Request) -> Result<Vec<MetadataItem>, Invalid> {
    let own = request.extra_labels.iter().flatten();
    for (name, _) in own.clone() {
        if name.trim().is_empty() {
            return Err(Invalid::new("labels", "a label has no name"));
        }
        if request.labels.contains_key(name) {
            let reason = format!(
                "'{name}' is a label that Kestra gives every job; name yours in another way"
            );
            return Err(Invalid::new("labels", reason));
        }
    }
    let items = request.labels.iter().chain(own);
    Ok(items
        .map(|(name, value)| MetadataItem { name: name.clone(), value: value.clone() })
        .collect())
}

fn retention_time(request: &Request) -> Result<Option<Duration>, Invalid> {
    let Some(seconds) = request.retention_time else { return Ok(None) };
    let time = Duration::try_from_secs_f64(seconds).ok();
    let time = time.filter(|time| (SHORTEST_RETENTION..=LONGEST_RETENTION).contains(time));
    let reason = "it must be at least 10 minutes (PT10M), because the rest of the log is read from the node, and at most 10675199 days";
    time.map(Some).ok_or_else(|| Invalid::new("retentionTime", reason))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const FIXTURE: &str = include_str!("../../../tests/fixtures/request.json");

    fn with(property: &str, value: Value) -> Result<Scheduling, String> {
        let mut request: Value = serde_json::from_str(FIXTURE).unwrap();
        request[property] = value;
        let request = Request::from_json(&request.to_string()).unwrap();
        Scheduling::new(&request).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_sent_that_the_flow_does_not_say() {
        let plain = with("priority", json!(null)).unwrap();
        let Scheduling { priority, display_name, required_slots, retries, retention_time, .. } =
            plain;
        assert_eq!((priority, display_name, required_slots, retries), (None, None, None, 0));
        assert_eq!(retention_time, None);
    }

    #[test]
    fn what_batch_does_not_take_is_refused_by_its_property() {
        for (property, value, reason) in [
            ("priority", json!(1001), "it must be from -1000 to 1000, and is 1001"),
            ("priority", json!(-1001), "it must be from -1000 to 1000"),
            ("requiredSlots", json!(0), "it must be from 1 to 256, and is 0"),
            ("requiredSlots", json!(257), "it must be from 1 to 256"),
            ("maxTaskRetryCount", json!(-2), "it must be at least -1, and is -2"),
            ("displayName", json!("x".repeat(1025)), "it has 1025 characters"),
            ("retentionTime", json!(599), "it must be at least 10 minutes"),
            ("retentionTime", json!(-1), "it must be at least 10 minutes"),
            ("retentionTime", json!(1e300), "it must be at least 10 minutes"),
            ("extraLabels", json!({" ": "x"}), "a label has no name"),
            (
                "extraLabels",
                json!({"kestra-flow-id": "x"}),
                "'kestra-flow-id' is a label that Kestra",
            ),
        ] {
            let error = with(property, value).unwrap_err();
            let name = if property == "extraLabels" { "labels" } else { property };
            assert!(error.starts_with(&format!("{name}: {reason}")), "{error}");
        }
        for (property, value) in [
            ("priority", json!(-1000)),
            ("requiredSlots", json!(256)),
            ("maxTaskRetryCount", json!(-1)),
            ("displayName", json!("\u{e9}".repeat(1024))),
            ("retentionTime", json!(600)),
        ] {
            assert!(with(property, value).is_ok(), "{property}");
        }
    }

    #[test]
    fn the_labels_of_the_flow_come_beside_those_of_kestra() {
        let metadata = with("extraLabels", json!({"team": "data"})).unwrap().metadata;
        let value =
            |name: &str| metadata.iter().find(|item| item.name == name).map(|item| &*item.value);
        assert_eq!(value("team"), Some("data"));
        assert_eq!(value("kestra-flow-id"), Some("azure_batch_runner"));
    }
}
