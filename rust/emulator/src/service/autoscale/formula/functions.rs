//! The functions of formulas.

use uuid::Uuid;

use super::Inputs;
use super::value::{Value, extend, parse_time};

/// Calls a function.
///
/// # Errors
/// Why it cannot be called.
pub(super) fn call(name: &str, arguments: Vec<Value>, inputs: &Inputs) -> Result<Value, String> {
    if let Some(function) = of_each(name) {
        return match <[Value; 1]>::try_from(arguments) {
            Ok([Value::Number(value)]) => Ok(Value::Number(function(value))),
            Ok([value]) => list(vec![value]).map(|list| vector(list, function)),
            Err(arguments) => list(arguments).map(|list| vector(list, function)),
        };
    }
    match (name, arguments.as_slice()) {
        ("time", []) => Ok(Value::Time(inputs.now)),
        ("time", [Value::Text(text)]) if text.is_empty() => Ok(Value::Time(inputs.now)),
        ("time", [Value::Text(text)]) => {
            let wrong = || format!("\"{text}\" is no time of the form W3C-DTF or RFC 1123");
            parse_time(text).map(Value::Time).ok_or_else(wrong)
        }
        ("rand", []) => Ok(Value::Number(random())),
        ("val", [Value::Vector(values), Value::Number(at)]) => element(values, *at),
        ("percentile", [Value::Vector(values), Value::Number(percent)]) => {
            percentile(values, *percent)
        }
        ("vec", _) => list(arguments).map(Value::Vector),
        ("time" | "rand" | "val" | "percentile" | "stop", _) => {
            Err(format!("the arguments do not fit {name}"))
        }
        _ => match of_list(name) {
            Some(function) => function(&list(arguments)?).map(Value::Number),
            None => Err(format!("there is no function {name}")),
        },
    }
}

/// The functions of a number, which are applied to each number of a list.
fn of_each(name: &str) -> Option<fn(f64) -> f64> {
    match name {
        "ceil" => Some(f64::ceil),
        "floor" => Some(f64::floor),
        "round" => Some(f64::round),
        "lg" => Some(f64::log2),
        "ln" => Some(f64::ln),
        "log" => Some(f64::log10),
        _ => None,
    }
}

type OfList = fn(&[f64]) -> Result<f64, String>;

/// The functions of a list of numbers.
fn of_list(name: &str) -> Option<OfList> {
    match name {
        "avg" => Some(average),
        "len" => Some(|list| Ok(list.len() as f64)),
        "max" => Some(|list| some(list).map(|list| fold(list, f64::max))),
        "min" => Some(|list| some(list).map(|list| fold(list, f64::min))),
        "norm" => Some(|list| Ok(list.iter().map(|value| value * value).sum::<f64>().sqrt())),
        "range" => Some(|list| some(list).map(|list| fold(list, f64::max) - fold(list, f64::min))),
        "std" => Some(deviation),
        "sum" => Some(|list| Ok(list.iter().sum())),
        _ => None,
    }
}

/// Joins numbers and vectors.
fn list(arguments: Vec<Value>) -> Result<Vec<f64>, String> {
    let mut list = Vec::new();
    arguments.into_iter().try_for_each(|value| extend(&mut list, value))?;
    Ok(list)
}

fn vector(list: Vec<f64>, function: fn(f64) -> f64) -> Value {
    Value::Vector(list.into_iter().map(function).collect())
}

fn some(list: &[f64]) -> Result<&[f64], String> {
    if list.is_empty() { Err("there are no values".to_owned()) } else { Ok(list) }
}

fn fold(list: &[f64], choose: fn(f64, f64) -> f64) -> f64 {
    list.iter().copied().fold(f64::NAN, choose)
}

fn average(list: &[f64]) -> Result<f64, String> {
    some(list).map(|list| list.iter().sum::<f64>() / list.len() as f64)
}

/// The standard deviation of a sample.
fn deviation(list: &[f64]) -> Result<f64, String> {
    if list.len() < 2 {
        return Err("std needs at least two values".to_owned());
    }
    let average = average(list)?;
    let squares: f64 = list.iter().map(|value| (value - average).powi(2)).sum();
    Ok((squares / (list.len() - 1) as f64).sqrt())
}

fn element(values: &[f64], at: f64) -> Result<Value, String> {
    let found = (at >= 0.0).then(|| values.get(at as usize)).flatten();
    let missing = || format!("the vector of {} values has no element {at}", values.len());
    found.copied().map(Value::Number).ok_or_else(missing)
}

/// Returns the smallest value that is not less than this percentage of the values.
fn percentile(values: &[f64], percent: f64) -> Result<Value, String> {
    if !(0.0..=100.0).contains(&percent) {
        return Err(format!("{percent} is no percentage"));
    }
    let mut sorted = some(values)?.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    Ok(Value::Number(sorted[rank.saturating_sub(1)]))
}

/// Returns a random number from 0 to 1.
fn random() -> f64 {
    let bits = Uuid::new_v4().as_u128() as u32;
    f64::from(bits) / f64::from(u32::MAX)
}
