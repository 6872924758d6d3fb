//! Compares filters with syntax trees that are evaluated directly.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::{Filter, TASK};
use crate::wire::time::instant;

/// The syntax tree of a filter.
#[derive(Clone, Debug)]
enum Tree {
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    Id(Comparison, String),
    State(bool, String),
    Created(Comparison, i64),
    ExitCode(Comparison, i64),
    StartsWith(String),
}

/// An operator's name, and whether it is true for less, equal and greater.
type Comparison = (&'static str, [bool; 3]);

const COMPARISONS: [Comparison; 6] = [
    ("eq", [false, true, false]),
    ("ne", [true, false, true]),
    ("lt", [true, false, false]),
    ("le", [true, true, false]),
    ("gt", [false, false, true]),
    ("ge", [false, true, true]),
];

/// The properties of a task that are filtered by.
#[derive(Clone, Debug)]
struct TaskProperties {
    id: String,
    state: String,
    created: i64,
    exit_code: Option<i64>,
}

impl TaskProperties {
    fn json(&self) -> Map<String, Value> {
        let mut task = Map::new();
        task.insert("id".into(), json!(self.id));
        task.insert("state".into(), json!(self.state));
        task.insert("creationTime".into(), json!(instant(at(self.created))));
        if let Some(code) = self.exit_code {
            task.insert("executionInfo".into(), json!({"exitCode": code}));
        }
        task
    }
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds)
}

fn holds<T: Ord>((_, [less, equal, greater]): Comparison, value: &T, operand: &T) -> bool {
    match value.cmp(operand) {
        std::cmp::Ordering::Less => less,
        std::cmp::Ordering::Equal => equal,
        std::cmp::Ordering::Greater => greater,
    }
}

impl Tree {
    fn accepts(&self, task: &TaskProperties) -> bool {
        match self {
            Tree::And(one, other) => one.accepts(task) && other.accepts(task),
            Tree::Or(one, other) => one.accepts(task) || other.accepts(task),
            Tree::Id(comparison, id) => {
                holds(*comparison, &task.id.to_lowercase(), &id.to_lowercase())
            }
            Tree::State(equal, state) => (task.state == *state) == *equal,
            Tree::Created(comparison, operand) => holds(*comparison, &task.created, operand),
            // A missing property is unequal to every value.
            Tree::ExitCode(comparison, operand) => match task.exit_code {
                Some(code) => holds(*comparison, &code, operand),
                None => comparison.0 == "ne",
            },
            Tree::StartsWith(prefix) => task.id.to_lowercase().starts_with(&prefix.to_lowercase()),
        }
    }

    fn written(&self) -> String {
        match self {
            Tree::And(one, other) => format!("{} and {}", one.factor(), other.factor()),
            Tree::Or(one, other) => format!("{} or {}", one.written(), other.written()),
            Tree::Id((name, _), id) => format!("id {name} {}", quoted(id)),
            Tree::State(equal, state) => {
                format!("state {} '{state}'", if *equal { "eq" } else { "ne" })
            }
            Tree::Created((name, _), seconds) => {
                format!("creationTime {name} DateTime'{}'", instant(at(*seconds)))
            }
            Tree::ExitCode((name, _), code) => format!("executionInfo/exitCode {name} {code}"),
            Tree::StartsWith(prefix) => format!("startswith(id,{})", quoted(prefix)),
        }
    }

    /// `and` binds closer than `or`.
    fn factor(&self) -> String {
        match self {
            Tree::Or(..) => format!("( {} )", self.written()),
            other => other.written(),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn id() -> impl Strategy<Value = String> {
    "[abA' ()É,]{0,3}"
}

fn state() -> impl Strategy<Value = String> {
    select(vec!["active", "running", "completed"]).prop_map(str::to_owned)
}

fn tree() -> impl Strategy<Value = Tree> {
    let comparison = || select(COMPARISONS.to_vec());
    let leaf = prop_oneof![
        (comparison(), id()).prop_map(|(comparison, id)| Tree::Id(comparison, id)),
        (any::<bool>(), state()).prop_map(|(equal, state)| Tree::State(equal, state)),
        (comparison(), 0..5_i64).prop_map(|(comparison, at)| Tree::Created(comparison, at)),
        (comparison(), -2..3_i64).prop_map(|(comparison, code)| Tree::ExitCode(comparison, code)),
        id().prop_map(Tree::StartsWith),
    ];
    leaf.prop_recursive(5, 24, 2, |inner| {
        let pair = || (inner.clone(), inner.clone());
        prop_oneof![
            pair().prop_map(|(one, other)| Tree::And(one.into(), other.into())),
            pair().prop_map(|(one, other)| Tree::Or(one.into(), other.into())),
        ]
    })
}

fn task() -> impl Strategy<Value = TaskProperties> {
    let parts = (id(), state(), 0..5_i64, prop::option::of(-2..3_i64));
    parts.prop_map(|(id, state, created, exit_code)| TaskProperties {
        id,
        state,
        created,
        exit_code,
    })
}

/// Words of filters in random order.
fn random_words() -> impl Strategy<Value = String> {
    let words = vec![
        "(",
        ")",
        ",",
        "'",
        "''",
        "'a'",
        "and",
        "or",
        "eq",
        "ne",
        "ge",
        "id",
        "state",
        "startswith",
        "1",
        "creationTime",
        "DateTime",
        "DateTime'2026-11-02T00:00:00Z'",
        "executionInfo/exitCode",
        " ",
        "é",
    ];
    let blank = select(vec!["", " "]);
    prop::collection::vec((select(words), blank), 0..12)
        .prop_map(|words| words.into_iter().map(|(word, blank)| format!("{word}{blank}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_written_filter_accepts_what_its_tree_accepts(tree in tree(), task in task()) {
        let text = tree.written();
        let filter = Filter::parse(&text, TASK).map_err(TestCaseError::fail)?;
        prop_assert_eq!(filter.accepts(&task.json()), tree.accepts(&task), "{}", text);
    }

    #[test]
    fn any_text_is_a_filter_or_an_error(text in random_words().boxed().prop_union("\\PC*".boxed()), task in task()) {
        if let Ok(filter) = Filter::parse(&text, TASK) {
            filter.accepts(&task.json());
        }
    }
}
