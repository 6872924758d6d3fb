//! Autoscale formulas: the language of
//! [automatic scaling](https://learn.microsoft.com/azure/batch/batch-automatic-scaling).
//!
//! A formula of any size or shape is parsed and evaluated in bounded time, memory and stack.

mod evaluate;
#[cfg(test)]
mod examples;
mod functions;
mod lexer;
mod methods;
mod metrics;
mod number;
mod parser;
#[cfg(test)]
mod properties;
mod value;
mod variables;

use std::fmt;

use crate::store::auto_scale::{AutoScaleError, MAX_SAMPLES, Measures};
use crate::wire::pool::NodeDeallocationOption;
use evaluate::Failure;
use parser::Statement;
use variables::Variables;

/// The most characters of a formula.
pub(crate) const MAX_CHARACTERS: usize = 8_192;
/// The most values of a vector.
const MAX_VALUES: usize = MAX_SAMPLES;

/// A formula without syntax errors.
pub(crate) struct Formula(Vec<Statement>);

/// What a formula is evaluated with.
pub(crate) struct Inputs {
    /// In seconds since 1970.
    pub(crate) now: f64,
    pub(crate) target_dedicated: usize,
    pub(crate) target_low_priority: usize,
    pub(crate) task_slots: u32,
    pub(crate) current: Measures,
    /// Each with its age in seconds, the latest first.
    pub(crate) samples: Vec<(f64, Measures)>,
}

/// The result of a formula.
pub(crate) struct Evaluation {
    /// The final values of all variables.
    pub(crate) results: String,
    /// What the pool is to become, or why the formula could not be evaluated.
    pub(crate) outcome: Result<Targets, AutoScaleError>,
}

/// What a pool is to become.
#[derive(Clone, Copy)]
pub(crate) struct Targets {
    pub(crate) dedicated: usize,
    pub(crate) low_priority: usize,
    pub(crate) deallocation: NodeDeallocationOption,
}

/// What is wrong at a place of a formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    place: Place,
    reason: String,
}

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl Formula {
    /// Parses a formula.
    ///
    /// # Errors
    /// The first syntax error.
    pub(crate) fn parse(text: &str) -> Result<Formula, Trouble> {
        parser::parse(&lexer::tokens(text)?).map(Formula)
    }

    /// Evaluates the formula.
    pub(crate) fn evaluate(&self, inputs: &Inputs) -> Evaluation {
        let mut variables = Variables::new(inputs);
        let outcome = match evaluate::run(&self.0, &mut variables) {
            Ok(()) => variables.targets().map_err(invalid),
            Err(failure) => Err(failure.into()),
        };
        Evaluation { results: variables.results(), outcome }
    }
}

impl From<Failure> for AutoScaleError {
    fn from(failure: Failure) -> AutoScaleError {
        match failure {
            Failure::Invalid(trouble) => invalid(trouble),
            Failure::InsufficientData(trouble) => AutoScaleError {
                code: "InsufficientSampleData",
                message: "Autoscale evaluation failed due to insufficient sample data",
                detail: trouble.to_string(),
            },
        }
    }
}

fn invalid(trouble: Trouble) -> AutoScaleError {
    AutoScaleError {
        code: "AutoScalingFormulaEvaluationError",
        message: "Autoscale evaluation failed due to an error in the formula",
        detail: trouble.to_string(),
    }
}

impl Place {
    fn trouble(self, reason: impl Into<String>) -> Trouble {
        Trouble { place: self, reason: reason.into() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place;
        write!(formatter, "Line {line}, Col {column}: {}", self.reason)
    }
}
