//! JSON of job schedules.

use serde_json::{Map, Value, json};

use super::job::specification;
use super::object;
use crate::service::schedules::ScheduleView;
use crate::store::schedule::JobSchedule;
use crate::wire::duration::in_days;
use crate::wire::time::instant;

/// Every property of a job schedule that `$select` may name.
pub(crate) const PROPERTIES: &[&str] = &[
    "id",
    "displayName",
    "url",
    "eTag",
    "lastModified",
    "creationTime",
    "state",
    "stateTransitionTime",
    "previousState",
    "previousStateTransitionTime",
    "schedule",
    "jobSpecification",
    "executionInfo",
    "metadata",
    "stats",
];

/// Returns a job schedule as the service shows it.
pub(crate) fn render(view: &ScheduleView, endpoint: &str) -> Map<String, Value> {
    let schedule = &view.schedule;
    let mut properties = Map::new();
    properties.insert("id".into(), json!(schedule.id));
    let url = format!("{endpoint}/jobschedules/{}", schedule.id);
    properties.insert("url".into(), json!(url));
    let given = [
        ("displayName", json!(schedule.display_name)),
        ("schedule", times(schedule)),
        ("metadata", json!(schedule.metadata)),
    ];
    let given = given.into_iter().filter(|(_, value)| !value.is_null());
    properties.extend(given.map(|(name, value)| (name.to_owned(), value)));
    let mut job = specification(&schedule.specification.as_job(""));
    job.remove("id");
    properties.insert("jobSpecification".into(), Value::Object(job));
    schedule.version.add_to(&mut properties);
    schedule.phase.add_to(&mut properties);
    properties.insert("creationTime".into(), json!(instant(schedule.created)));
    properties.insert("executionInfo".into(), execution(view, endpoint));
    properties
}

/// Returns the schedule of the jobs; null without one, as the service omits an empty one.
fn times(schedule: &JobSchedule) -> Value {
    let mut times = object(&schedule.schedule);
    for name in ["startWindow", "recurrenceInterval"] {
        if let Some(text) = times.get(name).and_then(Value::as_str) {
            let shown = json!(in_days(text));
            times.insert(name.into(), shown);
        }
    }
    if times.is_empty() { Value::Null } else { Value::Object(times) }
}

fn execution(view: &ScheduleView, endpoint: &str) -> Value {
    let mut properties = Map::new();
    if let Some(next) = view.next_run {
        properties.insert("nextRunTime".into(), json!(instant(next)));
    }
    if let Some(id) = view.schedule.recent_job() {
        let url = format!("{endpoint}/jobs/{id}");
        properties.insert("recentJob".into(), json!({"id": id, "url": url}));
    }
    if let Some(ended) = view.schedule.ended {
        properties.insert("endTime".into(), json!(instant(ended)));
    }
    Value::Object(properties)
}
