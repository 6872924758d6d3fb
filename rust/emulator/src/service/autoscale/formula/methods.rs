//! The methods of metrics, which read their samples.

use super::metrics::Metric;
use super::value::Value;
use super::{Inputs, MAX_VALUES};
use crate::store::auto_scale::SAMPLE_PERIOD;

/// The percentage of samples that must be there if the formula names none.
const WANTED_PERCENT: f64 = 10.0;

/// Why a method failed.
pub(super) enum Failure {
    Invalid(String),
    InsufficientData(String),
}

/// A part of the past: ages in seconds.
struct Span {
    youngest: f64,
    oldest: f64,
}

/// Calls a method of a value.
///
/// # Errors
/// Why it cannot be called.
pub(super) fn call(
    value: &Value,
    name: &str,
    arguments: &[Value],
    inputs: &Inputs,
) -> Result<Value, Failure> {
    let Value::Metric(metric) = value else {
        return Err(Failure::Invalid(format!("a {} has no method {name}", value.kind())));
    };
    match (name, arguments) {
        ("GetSample", [Value::Number(count)]) => {
            let count = if *count > 0.0 { *count as usize } else { 0 };
            Ok(Value::Vector(values(metric, inputs, count, |_| true)))
        }
        ("GetSample", [start]) => sample(metric, inputs, [start, &now()], WANTED_PERCENT),
        ("GetSample", [start, Value::Number(percent)]) => {
            sample(metric, inputs, [start, &now()], *percent)
        }
        ("GetSample", [start, end]) => sample(metric, inputs, [start, end], WANTED_PERCENT),
        ("GetSample", [start, end, Value::Number(percent)]) => {
            sample(metric, inputs, [start, end], *percent)
        }
        ("GetSamplePercent", [start]) => percent(metric, inputs, [start, &now()]),
        ("GetSamplePercent", [start, end]) => percent(metric, inputs, [start, end]),
        ("GetSamplePeriod", []) => Ok(Value::Interval(SAMPLE_PERIOD.as_secs_f64())),
        ("Count", []) => {
            Ok(Value::Number(values(metric, inputs, MAX_VALUES, |_| true).len() as f64))
        }
        ("HistoryBeginTime", []) => {
            let oldest = inputs.samples.last().filter(|_| metric.measure.is_some());
            Ok(Value::Time(inputs.now - oldest.map_or(0.0, |(age, _)| *age)))
        }
        (
            "GetSample" | "GetSamplePercent" | "GetSamplePeriod" | "Count" | "HistoryBeginTime",
            _,
        ) => Err(Failure::Invalid(format!("the arguments do not fit {name}"))),
        _ => Err(Failure::Invalid(format!("a metric has no method {name}"))),
    }
}

fn now() -> Value {
    Value::Interval(0.0)
}

fn sample(
    metric: &Metric,
    inputs: &Inputs,
    ends: [&Value; 2],
    wanted: f64,
) -> Result<Value, Failure> {
    let span = Span::of(ends, inputs)?;
    let found = values(metric, inputs, MAX_VALUES, |age| span.contains(age));
    let received = span.percent(found.len());
    if received < wanted {
        return Err(Failure::InsufficientData(format!(
            "Insufficient data from data set: {} wanted {wanted:.0}%, received {received:.0}%",
            metric.name
        )));
    }
    Ok(Value::Vector(found))
}

fn percent(metric: &Metric, inputs: &Inputs, ends: [&Value; 2]) -> Result<Value, Failure> {
    let span = Span::of(ends, inputs)?;
    let found = values(metric, inputs, MAX_VALUES, |age| span.contains(age));
    Ok(Value::Number(span.percent(found.len())))
}

/// Returns the latest samples of these ages, the oldest first.
fn values(metric: &Metric, inputs: &Inputs, most: usize, wanted: impl Fn(f64) -> bool) -> Vec<f64> {
    let Some(measure) = metric.measure else { return Vec::new() };
    let samples = inputs.samples.iter().filter(|(age, _)| wanted(*age)).take(most.min(MAX_VALUES));
    let mut values: Vec<f64> = samples.map(|(_, measures)| measure(measures) as f64).collect();
    values.reverse();
    values
}

impl Span {
    /// Returns the time between two points, each of which is a time or a time ago.
    fn of(ends: [&Value; 2], inputs: &Inputs) -> Result<Span, Failure> {
        let age = |end: &Value| match end {
            Value::Interval(ago) => Ok(*ago),
            Value::Time(time) => Ok(inputs.now - time),
            other => {
                let kind = other.kind();
                Err(Failure::Invalid(format!("a {kind} is neither a timestamp nor a timeinterval")))
            }
        };
        let (one, other) = (age(ends[0])?, age(ends[1])?);
        Ok(Span { youngest: one.min(other), oldest: one.max(other) })
    }

    fn contains(&self, age: f64) -> bool {
        self.youngest <= age && age < self.oldest
    }

    /// Returns the percentage that this many samples are of those that the service would take.
    fn percent(&self, found: usize) -> f64 {
        let possible = (self.oldest - self.youngest) / SAMPLE_PERIOD.as_secs_f64();
        if possible > 0.0 { (found as f64 / possible * 100.0).min(100.0) } else { 0.0 }
    }
}
