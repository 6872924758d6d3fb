//! The values of expressions, and their operators.

use std::cmp::Ordering;

use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::metrics::Metric;
use super::{MAX_VALUES, number};
use crate::wire::time::{parse_http_date, parse_instant};

const TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
/// The most digits of a second's fraction: a time has ticks of 100 ns.
const FRACTION: usize = 7;

#[derive(Clone)]
pub(super) enum Value {
    Number(f64),
    Vector(Vec<f64>),
    Text(String),
    /// In seconds since 1970.
    Time(f64),
    /// In seconds.
    Interval(f64),
    /// A metric: a number, and the samples of its past.
    Metric(&'static Metric),
}

impl Value {
    pub(super) fn of_condition(condition: bool) -> Value {
        Value::Number(f64::from(u8::from(condition)))
    }

    /// Returns the name of its type in the documentation.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Number(_) => "double",
            Value::Vector(_) => "doubleVec",
            Value::Text(_) => "string",
            Value::Time(_) => "timestamp",
            Value::Interval(_) => "timeinterval",
            Value::Metric(_) => "metric",
        }
    }

    /// Returns its text in the results.
    pub(super) fn text(&self) -> String {
        match self {
            Value::Number(value) => number::text(*value),
            Value::Vector(values) => {
                let values: Vec<String> = values.iter().copied().map(number::text).collect();
                format!("[{}]", values.join(","))
            }
            Value::Text(text) => text.clone(),
            Value::Time(seconds) => {
                let time = date(*seconds).and_then(|date| date.format(TIME).ok());
                time.unwrap_or_else(|| number::text(*seconds))
            }
            Value::Interval(seconds) if *seconds < 0.0 => format!("-PT{}S", number::text(-seconds)),
            Value::Interval(seconds) => format!("PT{}S", number::text(*seconds)),
            Value::Metric(metric) => metric.name.to_owned(),
        }
    }

    /// Applies an operator of one operand.
    ///
    /// # Errors
    /// Why it cannot be applied.
    pub(super) fn prefixed(self, operator: &str) -> Result<Value, String> {
        match (operator, self) {
            ("-", Value::Number(value)) => Ok(Value::Number(-value)),
            ("-", Value::Interval(value)) => Ok(Value::Interval(-value)),
            ("!", Value::Number(value)) => Ok(Value::of_condition(value == 0.0)),
            (operator, value) => {
                Err(format!("'{operator}' cannot be applied to a {}", value.kind()))
            }
        }
    }

    /// Applies an operator of two operands.
    ///
    /// # Errors
    /// Why it cannot be applied.
    pub(super) fn combined(self, operator: &str, other: Value) -> Result<Value, String> {
        if let Some(compare) = comparison(operator) {
            let ordering = self.order(&other).ok_or_else(|| mismatch(operator, &self, &other))?;
            return Ok(Value::of_condition(compare(ordering)));
        }
        let (left, right) = (self, other);
        match (&left, operator, &right) {
            (Value::Number(a), _, Value::Number(b)) => {
                Ok(Value::Number(arithmetic(operator, *a, *b)))
            }
            (Value::Vector(a), _, Value::Number(b)) => {
                Ok(Value::Vector(a.iter().map(|a| arithmetic(operator, *a, *b)).collect()))
            }
            (Value::Vector(a), _, Value::Vector(b)) if a.len() == b.len() => {
                let pairs = a.iter().zip(b);
                Ok(Value::Vector(pairs.map(|(a, b)| arithmetic(operator, *a, *b)).collect()))
            }
            (Value::Vector(a), _, Value::Vector(b)) => {
                Err(format!("the vectors have {} and {} values", a.len(), b.len()))
            }
            (Value::Number(a), "*", Value::Interval(b))
            | (Value::Interval(a), "*", Value::Number(b)) => Ok(Value::Interval(a * b)),
            (Value::Interval(a), "/", Value::Number(b)) => Ok(Value::Interval(a / b)),
            (Value::Interval(a), "+" | "-", Value::Interval(b)) => {
                Ok(Value::Interval(arithmetic(operator, *a, *b)))
            }
            (Value::Interval(a), "+", Value::Time(b))
            | (Value::Time(a), "+", Value::Interval(b)) => Ok(Value::Time(a + b)),
            (Value::Time(a), "-", Value::Time(b)) => Ok(Value::Interval(a - b)),
            _ => Err(mismatch(operator, &left, &right)),
        }
    }

    /// Compares two values of the same type. Not a number is unordered: `Some(None)`.
    fn order(&self, other: &Value) -> Option<Option<Ordering>> {
        match (self, other) {
            (Value::Number(a), Value::Number(b))
            | (Value::Time(a), Value::Time(b))
            | (Value::Interval(a), Value::Interval(b)) => Some(a.partial_cmp(b)),
            (Value::Text(a), Value::Text(b)) => Some(Some(a.cmp(b))),
            _ => None,
        }
    }

    /// Returns a member of a timestamp.
    pub(super) fn member(&self, name: &str) -> Option<Value> {
        let Value::Time(seconds) = self else { return None };
        let date = date(*seconds)?;
        let value = match name {
            "year" => f64::from(date.year()),
            "month" => f64::from(u8::from(date.month())),
            "day" => f64::from(date.day()),
            "weekday" => f64::from(date.weekday().number_days_from_sunday()),
            "hour" => f64::from(date.hour()),
            "minute" => f64::from(date.minute()),
            "second" => f64::from(date.second()),
            _ => return None,
        };
        Some(Value::Number(value))
    }
}

/// Parses a W3C-DTF or RFC 1123 time, in seconds since 1970.
pub(super) fn parse_time(text: &str) -> Option<f64> {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    if fraction.bytes().take_while(u8::is_ascii_digit).count() > FRACTION {
        return None;
    }
    let completed = match text.len() {
        4 => format!("{text}-01-01T00:00:00Z"),
        7 => format!("{text}-01T00:00:00Z"),
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let date = parse_instant(&completed).or_else(|| parse_http_date(text))?;
    Some(date.unix_timestamp_nanos() as f64 / 1e9)
}

/// Adds the values of an argument to a list.
///
/// # Errors
/// Why they are no list of numbers.
pub(super) fn extend(list: &mut Vec<f64>, value: Value) -> Result<(), String> {
    match value {
        Value::Number(value) => list.push(value),
        Value::Vector(values) => list.extend(values),
        other => return Err(format!("a {} is neither a double nor a doubleVec", other.kind())),
    }
    match list.len() > MAX_VALUES {
        true => Err(format!("more than {MAX_VALUES} values")),
        false => Ok(()),
    }
}

fn date(seconds: f64) -> Option<OffsetDateTime> {
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::checked_seconds_f64(seconds)?)
}

fn arithmetic(operator: &str, left: f64, right: f64) -> f64 {
    match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        _ => left / right,
    }
}

fn comparison(operator: &str) -> Option<fn(Option<Ordering>) -> bool> {
    match operator {
        "<" => Some(|ordering| ordering == Some(Ordering::Less)),
        "<=" => Some(|ordering| ordering.is_some_and(Ordering::is_le)),
        ">" => Some(|ordering| ordering == Some(Ordering::Greater)),
        ">=" => Some(|ordering| ordering.is_some_and(Ordering::is_ge)),
        "==" => Some(|ordering| ordering == Some(Ordering::Equal)),
        "!=" => Some(|ordering| ordering != Some(Ordering::Equal)),
        _ => None,
    }
}

fn mismatch(operator: &str, left: &Value, right: &Value) -> String {
    format!("'{operator}' cannot be applied to a {} and a {}", left.kind(), right.kind())
}
