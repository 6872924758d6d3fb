//! What a task has used, as far as the service says.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use std::time::Duration;

/// Seconds of the units of an ISO 8601 duration, before and after its `T`.
const DATE: [(char, f64); 1] = [('D', 86_400.0)];
const CLOCK: [(char, f64); 3] = [('H', 3_600.0), ('M', 60.0), ('S', 1.0)];

const GIB: f64 = 1_073_741_824.0;

/// The statistics of a task, which the service rolls up: it may have none yet.
///
/// [Get Task](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task)
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TaskStatistics {
    /// CPU time in user mode, over all cores.
    #[serde(rename = "userCPUTime", deserialize_with = "duration")]
    pub user_cpu_time: Duration,
    /// CPU time in kernel mode, over all cores.
    #[serde(rename = "kernelCPUTime", deserialize_with = "duration")]
    pub kernel_cpu_time: Duration,
    /// The time that it took.
    #[serde(rename = "wallClockTime", deserialize_with = "duration")]
    pub wall_clock_time: Duration,
    /// Reads from disk.
    #[serde(rename = "readIOps", deserialize_with = "count")]
    pub reads: u64,
    /// Writes to disk.
    #[serde(rename = "writeIOps", deserialize_with = "count")]
    pub writes: u64,
    /// Bytes read from disk.
    #[serde(rename = "readIOGiB", deserialize_with = "bytes")]
    pub bytes_read: u64,
    /// Bytes written to disk.
    #[serde(rename = "writeIOGiB", deserialize_with = "bytes")]
    pub bytes_written: u64,
}

/// Statistics, or none: those that are not understood are no reason to fail.
pub(super) fn lenient<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TaskStatistics>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| de::Error::custom("not an ISO 8601 duration"))
}

/// `P1DT2H3M4.5S`, for example.
fn parse(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('P')?;
    let (date, clock) = text.split_once('T').unwrap_or((text, ""));
    Duration::try_from_secs_f64(sum(date, &DATE)? + sum(clock, &CLOCK)?).ok()
}

fn sum(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut sum = 0.0;
    for (unit, seconds) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            sum += number.parse::<f64>().ok()? * seconds;
            text = rest;
        }
    }
    text.is_empty().then_some(sum)
}

/// A number of 64 bits travels as a text.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.ok_or_else(|| de::Error::custom("not a count"))
}

/// From GiB.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok((f64::deserialize(deserializer)? * GIB) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::Task;
    use super::*;
    use serde_json::json;

    fn task(stats: &Value) -> Task {
        serde_json::from_value(json!({"id": "t", "state": "completed", "stats": stats})).unwrap()
    }

    fn given() -> Value {
        json!({
            "url": "u", "startTime": "2026-11-30T13:00:00Z", "lastUpdateTime": "2026-11-30T13:00:00Z",
            "userCPUTime": "PT1M2.5S", "kernelCPUTime": "PT0S", "wallClockTime": "P1DT2H0.25S",
            "readIOps": "12", "writeIOps": 3, "readIOGiB": 0.5, "writeIOGiB": 0, "waitTime": "PT0S"
        })
    }

    #[test]
    fn statistics_are_read_in_plain_units() {
        let stats = task(&given()).stats.unwrap();
        assert_eq!(stats.user_cpu_time, Duration::from_millis(62_500));
        assert_eq!(stats.kernel_cpu_time, Duration::ZERO);
        assert_eq!(stats.wall_clock_time, Duration::from_millis(93_600_250));
        assert_eq!((stats.reads, stats.writes), (12, 3));
        assert_eq!((stats.bytes_read, stats.bytes_written), (1 << 29, 0));
    }

    #[test]
    fn a_task_is_read_although_its_statistics_are_not_understood() {
        for (name, wrong) in [
            ("userCPUTime", json!("1:02")),
            ("userCPUTime", json!("")),
            ("userCPUTime", json!("PT-1S")),
            ("readIOps", json!("many")),
            ("readIOGiB", json!(null)),
        ] {
            let mut stats = given();
            stats[name] = wrong;
            assert_eq!(task(&stats).stats, None, "{name}");
        }
        assert_eq!(task(&json!(null)).stats, None);
    }
}
