//! Evaluates statements and expressions.

use super::parser::{Access, Call, Expression, Statement};
use super::value::Value;
use super::variables::Variables;
use super::{Place, Trouble, functions, methods};

/// Why a formula cannot be evaluated.
pub(super) enum Failure {
    Invalid(Trouble),
    /// Fewer samples than the formula wants.
    InsufficientData(Trouble),
}

/// The end of a statement's evaluation.
enum End {
    Failed(Failure),
    /// The function `stop`.
    Stopped,
}

type Result<T> = std::result::Result<T, End>;

/// Evaluates the statements in order.
pub(super) fn run(
    statements: &[Statement],
    variables: &mut Variables<'_>,
) -> std::result::Result<(), Failure> {
    for statement in statements {
        match execute(statement, variables) {
            Ok(()) => {}
            Err(End::Stopped) => return Ok(()),
            Err(End::Failed(failure)) => return Err(failure),
        }
    }
    Ok(())
}

fn execute(statement: &Statement, variables: &mut Variables<'_>) -> Result<()> {
    let value = evaluate(&statement.expression, variables)?;
    match &statement.variable {
        Some((place, name)) => variables.set(*place, name, value).map_err(invalid),
        None => Ok(()),
    }
}

fn evaluate(expression: &Expression, variables: &Variables<'_>) -> Result<Value> {
    match expression {
        Expression::Number(value) => Ok(Value::Number(*value)),
        Expression::Text(text) => Ok(Value::Text(text.clone())),
        Expression::Name(place, name) => {
            let unknown = || invalid(place.trouble(format!("{name} is not defined")));
            variables.get(name).ok_or_else(unknown)
        }
        Expression::Call(call) => function(call, variables),
        Expression::Access(value, accesses) => {
            let value = evaluate(value, variables)?;
            accesses.iter().try_fold(value, |value, one| access(value, one, variables))
        }
        Expression::Prefixed(operators, operand) => {
            let mut value = evaluate(operand, variables)?;
            for (place, operator) in operators.iter().rev() {
                value = plain(value, *place, variables)?
                    .prefixed(operator)
                    .map_err(|reason| invalid(place.trouble(reason)))?;
            }
            Ok(value)
        }
        Expression::Chain(first, rest) => chain(first, rest, variables),
        Expression::Conditional { place, condition, branches } => {
            let condition = plain(evaluate(condition, variables)?, *place, variables)?;
            let [first, second] = branches.as_ref();
            evaluate(if is_true(&condition, *place)? { first } else { second }, variables)
        }
    }
}

fn chain(
    first: &Expression,
    rest: &[(Place, &'static str, Expression)],
    variables: &Variables<'_>,
) -> Result<Value> {
    let mut value = evaluate(first, variables)?;
    for (place, operator, operand) in rest {
        let left = plain(value, *place, variables)?;
        value = match *operator {
            // The right operand is evaluated only if the left one does not decide.
            "&&" | "||" => {
                let decides = is_true(&left, *place)? == (*operator == "||");
                let right = || plain(evaluate(operand, variables)?, *place, variables);
                Value::of_condition(is_true(&if decides { left } else { right()? }, *place)?)
            }
            _ => {
                let right = plain(evaluate(operand, variables)?, *place, variables)?;
                left.combined(operator, right).map_err(|reason| invalid(place.trouble(reason)))?
            }
        };
    }
    Ok(value)
}

fn function(call: &Call, variables: &Variables<'_>) -> Result<Value> {
    if call.name == "stop" && call.arguments.is_empty() {
        return Err(End::Stopped);
    }
    let arguments = arguments(call, variables)?;
    let arguments: Vec<Value> = arguments
        .into_iter()
        .map(|value| plain(value, call.place, variables))
        .collect::<Result<_>>()?;
    functions::call(&call.name, arguments, variables.inputs)
        .map_err(|reason| invalid(call.place.trouble(reason)))
}

fn access(value: Value, access: &Access, variables: &Variables<'_>) -> Result<Value> {
    match access {
        Access::Member(place, name) => {
            let unknown = || format!("a {} has no member {name}", value.kind());
            value.member(name).ok_or_else(|| invalid(place.trouble(unknown())))
        }
        Access::Method(call) => {
            let arguments = arguments(call, variables)?;
            let called = methods::call(&value, &call.name, &arguments, variables.inputs);
            called.map_err(|failure| match failure {
                methods::Failure::Invalid(reason) => invalid(call.place.trouble(reason)),
                methods::Failure::InsufficientData(reason) => {
                    End::Failed(Failure::InsufficientData(call.place.trouble(reason)))
                }
            })
        }
    }
}

fn arguments(call: &Call, variables: &Variables<'_>) -> Result<Vec<Value>> {
    call.arguments.iter().map(|argument| evaluate(argument, variables)).collect()
}

/// Replaces a metric by its value now.
fn plain(value: Value, place: Place, variables: &Variables<'_>) -> Result<Value> {
    let Value::Metric(metric) = value else { return Ok(value) };
    let current = variables.current(metric).map(Value::Number);
    current.ok_or_else(|| {
        let reason = format!("Insufficient data from data set: {}", metric.name);
        End::Failed(Failure::InsufficientData(place.trouble(reason)))
    })
}

fn is_true(value: &Value, place: Place) -> Result<bool> {
    match value {
        Value::Number(value) => Ok(*value != 0.0),
        other => Err(invalid(place.trouble(format!("a {} is no condition", other.kind())))),
    }
}

fn invalid(trouble: Trouble) -> End {
    End::Failed(Failure::Invalid(trouble))
}
