//! The variables of a formula: those of the service, and its own.

use std::collections::BTreeMap;

use super::metrics::{self, Metric};
use super::number;
use super::value::Value;
use super::{Inputs, Place, Targets, Trouble};
use crate::wire::pool::NodeDeallocationOption;

const DEALLOCATION: &str = "$NodeDeallocationOption";
const DEALLOCATION_OPTIONS: [(&str, NodeDeallocationOption); 3] = [
    ("requeue", NodeDeallocationOption::Requeue),
    ("terminate", NodeDeallocationOption::Terminate),
    ("taskcompletion", NodeDeallocationOption::TaskCompletion),
];
/// Both targets, each with its old name.
const DEDICATED: [&str; 2] = ["$TargetDedicatedNodes", "$TargetDedicated"];
const LOW_PRIORITY: [&str; 2] = ["$TargetLowPriorityNodes", "$TargetLowPriority"];
/// The most nodes that a target can name: it is a 32-bit integer.
const MAX_TARGET: f64 = i32::MAX as f64;

/// The lengths of time that have a name, in seconds.
const INTERVALS: [(&str, f64); 10] = [
    ("TimeInterval_Zero", 0.0),
    ("TimeInterval_100ns", 1e-7),
    ("TimeInterval_Microsecond", 1e-6),
    ("TimeInterval_Millisecond", 1e-3),
    ("TimeInterval_Second", 1.0),
    ("TimeInterval_Minute", 60.0),
    ("TimeInterval_Hour", 3_600.0),
    ("TimeInterval_Day", 86_400.0),
    ("TimeInterval_Week", 604_800.0),
    ("TimeInterval_Year", 31_536_000.0),
];

pub(super) struct Variables<'a> {
    pub(super) inputs: &'a Inputs,
    /// The variables that the formula has set, with the place of the last assignment.
    set: BTreeMap<String, (Place, Value)>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(inputs: &'a Inputs) -> Variables<'a> {
        Variables { inputs, set: BTreeMap::new() }
    }

    /// Returns the value of a variable or a constant.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        if let Some(names) = [DEDICATED, LOW_PRIORITY].iter().find(|names| names.contains(&name)) {
            let current = self.current_target(names);
            return Some(self.target(names).map_or(current, |(_, value)| value.clone()));
        }
        let set = self.set.get(name).map(|(_, value)| value.clone());
        set.or_else(|| match name {
            DEALLOCATION => Some(Value::Text("requeue".to_owned())),
            "$TaskSlotsPerNode" => Some(Value::Number(self.inputs.task_slots.into())),
            _ => metrics::find(name).map(Value::Metric),
        })
        .or_else(|| constant(name))
    }

    /// Sets a variable.
    ///
    /// # Errors
    /// Why it cannot be set.
    pub(super) fn set(&mut self, place: Place, name: &str, value: Value) -> Result<(), Trouble> {
        let read_only = metrics::find(name).is_some() || name == "$TaskSlotsPerNode";
        if read_only || constant(name).is_some() {
            return Err(place.trouble(format!("{name} cannot be set")));
        }
        self.set.insert(name.to_owned(), (place, value));
        Ok(())
    }

    /// Returns a metric's value now; `None` if it is not measured.
    pub(super) fn current(&self, metric: &Metric) -> Option<f64> {
        metric.measure.map(|measure| measure(&self.inputs.current) as f64)
    }

    /// Returns what the pool is to become.
    ///
    /// # Errors
    /// The assignment of a value that is no number of nodes, or no option.
    pub(super) fn targets(&self) -> Result<Targets, Trouble> {
        Ok(Targets {
            dedicated: self.nodes(&DEDICATED, self.inputs.target_dedicated)?,
            low_priority: self.nodes(&LOW_PRIORITY, self.inputs.target_low_priority)?,
            deallocation: self.deallocation()?,
        })
    }

    /// Returns the values of all variables: those of the service, then those of the formula by name.
    pub(super) fn results(&self) -> String {
        let target = |names: &[&str; 2], current: usize| match self.nodes(names, current) {
            Ok(nodes) => number::text(nodes as f64),
            Err(_) => self.get(names[0]).map(|value| value.text()).unwrap_or_default(),
        };
        let option = self.get(DEALLOCATION).map(|value| value.text()).unwrap_or_default();
        let own = [
            (DEDICATED[0], target(&DEDICATED, self.inputs.target_dedicated)),
            (LOW_PRIORITY[0], target(&LOW_PRIORITY, self.inputs.target_low_priority)),
            (DEALLOCATION, option),
        ];
        let service = [&DEDICATED[..], &LOW_PRIORITY, &[DEALLOCATION]].concat();
        let others = self.set.iter().filter(|(name, _)| !service.contains(&name.as_str()));
        let others = others.map(|(name, (_, value))| (name.as_str(), value.text()));
        let all = own.into_iter().chain(others).map(|(name, value)| format!("{name}={value}"));
        all.collect::<Vec<_>>().join(";")
    }

    /// Returns the value that the formula set as a target, that of the full name first.
    fn target(&self, names: &[&str; 2]) -> Option<&(Place, Value)> {
        names.iter().find_map(|name| self.set.get(*name))
    }

    fn current_target(&self, names: &[&str; 2]) -> Value {
        let is_dedicated = *names == DEDICATED;
        let (dedicated, low) = (self.inputs.target_dedicated, self.inputs.target_low_priority);
        Value::Number(if is_dedicated { dedicated } else { low } as f64)
    }

    /// Returns a number of nodes: the whole part of what the formula set.
    fn nodes(&self, names: &[&str; 2], current: usize) -> Result<usize, Trouble> {
        let Some((place, value)) = self.target(names) else { return Ok(current) };
        let number = match value {
            Value::Number(number) => Some(*number),
            Value::Metric(metric) => self.current(metric),
            _ => None,
        };
        match number.map(f64::trunc) {
            Some(nodes) if (0.0..=MAX_TARGET).contains(&nodes) => Ok(nodes as usize),
            _ => {
                let shown = value.text();
                Err(place
                    .trouble(format!("{} cannot be {shown}: it is no number of nodes", names[0])))
            }
        }
    }

    fn deallocation(&self) -> Result<NodeDeallocationOption, Trouble> {
        let Some((place, value)) = self.set.get(DEALLOCATION) else {
            return Ok(NodeDeallocationOption::Requeue);
        };
        let text = value.text();
        let found = DEALLOCATION_OPTIONS.iter().find(|(name, _)| *name == text);
        found.map(|(_, option)| *option).ok_or_else(|| {
            place.trouble(format!(
                "{DEALLOCATION} cannot be {text} (requeue, terminate or taskcompletion)"
            ))
        })
    }
}

fn constant(name: &str) -> Option<Value> {
    let interval = INTERVALS.iter().find(|(known, _)| *known == name);
    let option = DEALLOCATION_OPTIONS.iter().find(|(known, _)| *known == name);
    let interval = interval.map(|(_, seconds)| Value::Interval(*seconds));
    interval.or_else(|| option.map(|(text, _)| Value::Text((*text).to_owned())))
}
