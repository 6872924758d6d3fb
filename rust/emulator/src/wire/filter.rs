//! `$filter`: selects the resources of a list.
//!
//! Comparisons of properties with values, joined by `and`, `or` and parentheses. Names are
//! case-sensitive, values are not.
//! [OData filters](https://learn.microsoft.com/azure/batch/batch-efficient-list-queries)

use std::cmp::Ordering;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::time::parse_instant;

#[cfg(test)]
mod properties;

/// The operators that a property supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All comparisons and `startswith`.
    Text,
    /// Only `startswith`.
    Prefix,
    /// Only `eq` and `ne`.
    Choice,
    /// Comparisons with `DateTime'…'`.
    Time,
    /// Comparisons with a number.
    Number,
}

/// The properties that a list can be filtered by, with slashes for nested ones.
pub(crate) type Properties = &'static [(&'static str, Kind)];

/// Of pools.
pub(crate) const POOL: Properties = &[
    ("id", Kind::Text),
    ("state", Kind::Choice),
    ("stateTransitionTime", Kind::Time),
    ("creationTime", Kind::Time),
    ("lastModified", Kind::Time),
    ("allocationState", Kind::Choice),
    ("allocationStateTransitionTime", Kind::Time),
];

/// Of nodes.
pub(crate) const NODE: Properties = &[
    ("state", Kind::Choice),
    ("stateTransitionTime", Kind::Time),
    ("lastBootTime", Kind::Time),
    ("allocationTime", Kind::Time),
    ("startTaskInfo/state", Kind::Choice),
    ("startTaskInfo/result", Kind::Choice),
    ("startTaskInfo/exitCode", Kind::Number),
    ("startTaskInfo/startTime", Kind::Time),
    ("startTaskInfo/endTime", Kind::Time),
];

/// Of the preparation and release tasks of a job.
pub(crate) const NODE_TASKS: Properties = &[("nodeId", Kind::Text), ("poolId", Kind::Text)];

/// Of jobs.
pub(crate) const JOB: Properties = &[
    ("id", Kind::Text),
    ("state", Kind::Choice),
    ("stateTransitionTime", Kind::Time),
    ("creationTime", Kind::Time),
    ("lastModified", Kind::Time),
    ("executionInfo/startTime", Kind::Time),
    ("executionInfo/endTime", Kind::Time),
    ("executionInfo/poolId", Kind::Text),
];

/// Of job schedules.
pub(crate) const JOB_SCHEDULE: Properties = &[
    ("id", Kind::Text),
    ("state", Kind::Choice),
    ("stateTransitionTime", Kind::Time),
    ("creationTime", Kind::Time),
    ("lastModified", Kind::Time),
];

/// Of tasks.
pub(crate) const TASK: Properties = &[
    ("id", Kind::Text),
    ("state", Kind::Choice),
    ("stateTransitionTime", Kind::Time),
    ("creationTime", Kind::Time),
    ("lastModifiedTime", Kind::Time),
    ("executionInfo/startTime", Kind::Time),
    ("executionInfo/endTime", Kind::Time),
    ("executionInfo/exitCode", Kind::Number),
    ("executionInfo/result", Kind::Choice),
];

/// Of the numbers of nodes of pools.
pub(crate) const NODE_COUNTS: Properties = &[("poolId", Kind::Choice)];

/// Of the images that pools can have.
pub(crate) const IMAGE: Properties = &[
    ("osType", Kind::Choice),
    ("verificationType", Kind::Choice),
    ("nodeAgentSKUId", Kind::Choice),
];

/// Of the usage of pools.
pub(crate) const POOL_USAGE: Properties = &[("poolId", Kind::Text)];

/// Of files.
pub(crate) const FILE: Properties = &[("name", Kind::Prefix)];

/// A valid filter of a list.
#[derive(Debug)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Compare(&'static str, Operator, Operand),
    StartsWith(&'static str, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Operand {
    Text(String),
    Time(OffsetDateTime),
    Number(i64),
}

impl Filter {
    /// Parses a filter. Returns what is wrong with an invalid one.
    pub(crate) fn parse(text: &str, properties: Properties) -> Result<Filter, String> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, properties, depth: 0 };
        let filter = parser.or_expression()?;
        match parser.next() {
            None => Ok(filter),
            Some(extra) => Err(format!("unexpected {extra}")),
        }
    }

    /// Returns whether a resource passes.
    pub(crate) fn accepts(&self, properties: &Map<String, Value>) -> bool {
        match self {
            Filter::All(filters) => filters.iter().all(|filter| filter.accepts(properties)),
            Filter::Any(filters) => filters.iter().any(|filter| filter.accepts(properties)),
            Filter::StartsWith(name, prefix) => find(properties, name)
                .and_then(Value::as_str)
                .is_some_and(|value| value.to_lowercase().starts_with(prefix)),
            Filter::Compare(name, operator, operand) => match find(properties, name) {
                Some(value) => order(value, operand).is_some_and(|order| operator.holds(order)),
                None => *operator == Operator::Ne,
            },
        }
    }
}

impl Operator {
    fn parse(text: &str) -> Option<Operator> {
        Some(match text {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            _ => return None,
        })
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Operator::Eq => order.is_eq(),
            Operator::Ne => order.is_ne(),
            Operator::Gt => order.is_gt(),
            Operator::Ge => order.is_ge(),
            Operator::Lt => order.is_lt(),
            Operator::Le => order.is_le(),
        }
    }
}

/// Returns the value of a property. Filters of tasks use another name for the time of the last
/// change than tasks do.
pub(crate) fn find<'a>(properties: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let name = if name == "lastModifiedTime" { "lastModified" } else { name };
    match name.split_once('/') {
        Some((outer, inner)) => properties.get(outer)?.get(inner),
        None => properties.get(name),
    }
}

fn order(value: &Value, operand: &Operand) -> Option<Ordering> {
    match operand {
        Operand::Text(text) => Some(value.as_str()?.to_lowercase().cmp(text)),
        Operand::Time(time) => Some(parse_instant(value.as_str()?)?.cmp(time)),
        Operand::Number(number) => Some(value.as_i64()?.cmp(number)),
    }
}

/// Splits a filter into names, quoted strings (with their quotes), parentheses and commas.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | ',' => 1,
            '\'' => quoted(rest)?,
            _ => match rest.find(|c: char| c.is_whitespace() || "(),'".contains(c)) {
                // DateTime'…' is one token.
                Some(end) if rest[end..].starts_with('\'') => end + quoted(&rest[end..])?,
                Some(end) => end,
                None => rest.len(),
            },
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// Returns the length of the quoted string at the beginning of the text; two quotes are an escaped
/// one.
fn quoted(text: &str) -> Result<usize, String> {
    let mut quotes = text.char_indices().skip(1).filter(|(_, c)| *c == '\'').map(|(at, _)| at);
    while let Some(at) = quotes.next() {
        if !text[at + 1..].starts_with('\'') {
            return Ok(at + 1);
        }
        quotes.next();
    }
    Err("a string is not closed".to_owned())
}

fn unquote(token: &str) -> Option<String> {
    let inner = token.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(inner.replace("''", "'").to_lowercase())
}

/// The deepest nesting of parentheses, which bounds the recursion.
const DEPTH: usize = 50;

struct Parser {
    tokens: Vec<String>,
    at: usize,
    properties: Properties,
    depth: usize,
}

impl Parser {
    fn next(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, expected: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| token == expected);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, expected: &str) -> Result<(), String> {
        match self.take(expected) {
            true => Ok(()),
            false => Err(format!("expected {expected}")),
        }
    }

    fn or_expression(&mut self) -> Result<Filter, String> {
        let mut filters = vec![self.and_expression()?];
        while self.take("or") {
            filters.push(self.and_expression()?);
        }
        Ok(Filter::Any(filters))
    }

    fn and_expression(&mut self) -> Result<Filter, String> {
        let mut filters = vec![self.term()?];
        while self.take("and") {
            filters.push(self.term()?);
        }
        Ok(Filter::All(filters))
    }

    fn term(&mut self) -> Result<Filter, String> {
        if self.take("(") {
            self.depth += 1;
            if self.depth > DEPTH {
                return Err("too many parentheses".to_owned());
            }
            let filter = self.or_expression()?;
            self.depth -= 1;
            return self.expect(")").map(|()| filter);
        }
        if self.take("startswith") { self.starts_with() } else { self.comparison() }
    }

    fn starts_with(&mut self) -> Result<Filter, String> {
        self.expect("(")?;
        let (name, kind) = self.property()?;
        if !matches!(kind, Kind::Text | Kind::Prefix) {
            return Err(format!("{name} does not support startswith"));
        }
        self.expect(",")?;
        let prefix = self.next().and_then(|token| unquote(&token)).ok_or("a string is expected")?;
        self.expect(")")?;
        Ok(Filter::StartsWith(name, prefix))
    }

    fn comparison(&mut self) -> Result<Filter, String> {
        let (name, kind) = self.property()?;
        let token = self.next().unwrap_or_default();
        let operator = Operator::parse(&token).ok_or(format!("{token} is not an operator"))?;
        let equality = matches!(operator, Operator::Eq | Operator::Ne);
        if kind == Kind::Prefix || (kind == Kind::Choice && !equality) {
            return Err(format!("{name} does not support {token}"));
        }
        let value = self.next().unwrap_or_default();
        let operand = operand(kind, &value).ok_or(format!("{value} is not a value of {name}"))?;
        Ok(Filter::Compare(name, operator, operand))
    }

    fn property(&mut self) -> Result<(&'static str, Kind), String> {
        let token = self.next().unwrap_or_default();
        let found = self.properties.iter().find(|(name, _)| *name == token);
        found.copied().ok_or(format!("filtering by {token} is not supported"))
    }
}

fn operand(kind: Kind, token: &str) -> Option<Operand> {
    match kind {
        Kind::Text | Kind::Choice | Kind::Prefix => unquote(token).map(Operand::Text),
        Kind::Number => token.parse().ok().map(Operand::Number),
        Kind::Time => {
            let quoted =
                token.strip_prefix("DateTime").or_else(|| token.strip_prefix("datetime"))?;
            let text = unquote(quoted)?.to_uppercase();
            parse_instant(&text).map(Operand::Time)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn accepts(filter: &str) -> bool {
        let properties = json!({
            "id": "Task-1",
            "state": "completed",
            "creationTime": "2026-11-02T07:05:09.5000000Z",
            "lastModified": "2026-11-02T07:05:09.5000000Z",
            "executionInfo": {"exitCode": 3, "result": "failure"},
        });
        let Value::Object(properties) = properties else { panic!("not an object") };
        Filter::parse(filter, TASK).unwrap().accepts(&properties)
    }

    #[test]
    fn filters_select() {
        let cases = [
            ("id eq 'task-1'", true),
            ("id eq 'task-2'", false),
            ("startswith(id,'TASK')", true),
            ("state eq 'completed'", true),
            ("state ne 'completed'", false),
            ("executionInfo/exitCode gt 2", true),
            ("executionInfo/exitCode eq 0", false),
            ("executionInfo/result eq 'failure'", true),
            ("creationTime ge DateTime'2026-11-02T00:00:00Z'", true),
            ("lastModifiedTime lt DateTime'2026-11-02T00:00:00Z'", false),
            ("id eq 'x' or state eq 'completed'", true),
            ("id eq 'x' and state eq 'completed'", false),
            ("id eq 'x' or id eq 'y' and state eq 'z' or state eq 'completed'", true),
            ("(id eq 'x' or state eq 'completed') and executionInfo/exitCode le 3", true),
            ("executionInfo/endTime gt DateTime'2026-11-02T00:00:00Z'", false),
            ("id eq 'it''s'", false),
        ];
        for (filter, expected) in cases {
            assert_eq!(accepts(filter), expected, "{filter}");
        }
    }

    #[test]
    fn a_filter_may_be_as_long_as_a_url() {
        assert!(!accepts(&["id eq 'x'"; 10_000].join(" or ")));
        assert!(accepts(&["id ne 'x'"; 10_000].join(" and ")));
    }

    #[test]
    fn wrong_filters_are_refused() {
        let cases = [
            "",
            "id",
            "id eq",
            "id eq x",
            "id eq 'x",
            "Id eq 'x'",
            "metadata eq 'x'",
            "id like 'x'",
            "state gt 'active'",
            "startswith(state,'a')",
            "creationTime eq '2026-11-02'",
            "executionInfo/exitCode eq 'x'",
            "(id eq 'x'",
            "id eq 'x')",
            "id eq 'x' state eq 'y'",
        ];
        for filter in cases {
            assert!(Filter::parse(filter, TASK).is_err(), "{filter}");
        }
        assert!(Filter::parse(&"(".repeat(10_000), TASK).is_err());
        assert!(Filter::parse("name eq 'x'", FILE).is_err());
        assert!(Filter::parse("startswith(name,'wd/')", FILE).is_ok());
    }
}
