//! Property tests: arithmetic is that of the tree that a formula was written from, and no formula
//! does harm.

use proptest::prelude::*;

use super::{Formula, Inputs, MAX_CHARACTERS, Measures};

/// An expression of numbers.
#[derive(Clone, Debug)]
enum Tree {
    Number(u16),
    Negative(Box<Tree>),
    Not(Box<Tree>),
    Binary(Box<Tree>, &'static str, Box<Tree>),
    Conditional(Box<[Tree; 3]>),
    Max(Vec<Tree>),
}

const OPERATORS: [&str; 12] = ["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "&&", "||"];

fn tree() -> impl Strategy<Value = Tree> {
    any::<u16>().prop_map(Tree::Number).prop_recursive(5, 64, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Tree::Negative),
            boxed.clone().prop_map(Tree::Not),
            (boxed.clone(), prop::sample::select(&OPERATORS[..]), boxed)
                .prop_map(|(left, operator, right)| Tree::Binary(left, operator, right)),
            prop::array::uniform3(inner.clone()).prop_map(|of| Tree::Conditional(Box::new(of))),
            prop::collection::vec(inner, 1..4).prop_map(Tree::Max),
        ]
    })
}

impl Tree {
    /// Returns how tightly it binds: the level of its operator.
    fn level(&self) -> usize {
        match self {
            Tree::Conditional(_) => 0,
            Tree::Binary(_, "||", _) => 1,
            Tree::Binary(_, "&&", _) => 2,
            Tree::Binary(_, "==" | "!=", _) => 3,
            Tree::Binary(_, "<" | "<=" | ">" | ">=", _) => 4,
            Tree::Binary(_, "+" | "-", _) => 5,
            Tree::Binary(..) => 6,
            Tree::Negative(_) | Tree::Not(_) => 7,
            Tree::Number(_) | Tree::Max(_) => 8,
        }
    }

    /// Writes it with parentheses only where something binds less than this level.
    fn write(&self, level: usize) -> String {
        let text = match self {
            Tree::Number(value) => value.to_string(),
            Tree::Negative(of) => format!("-{}", of.write(7)),
            Tree::Not(of) => format!("!{}", of.write(7)),
            Tree::Binary(left, operator, right) => {
                let own = self.level();
                format!("{} {operator} {}", left.write(own), right.write(own + 1))
            }
            Tree::Conditional(of) => {
                let [condition, first, second] = of.as_ref();
                format!("{} ? {} : {}", condition.write(1), first.write(0), second.write(0))
            }
            Tree::Max(of) => {
                let list: Vec<String> = of.iter().map(|one| one.write(0)).collect();
                format!("max({})", list.join(", "))
            }
        };
        if self.level() < level { format!("({text})") } else { text }
    }

    fn value(&self) -> f64 {
        let number = |condition: bool| f64::from(u8::from(condition));
        match self {
            Tree::Number(value) => f64::from(*value),
            Tree::Negative(of) => -of.value(),
            Tree::Not(of) => number(of.value() == 0.0),
            Tree::Conditional(of) => of[if of[0].value() != 0.0 { 1 } else { 2 }].value(),
            Tree::Max(of) => of.iter().map(Tree::value).fold(f64::NAN, f64::max),
            Tree::Binary(left, operator, right) => {
                let (left, right) = (left.value(), right.value());
                match *operator {
                    "+" => left + right,
                    "-" => left - right,
                    "*" => left * right,
                    "/" => left / right,
                    "<" => number(left < right),
                    "<=" => number(left <= right),
                    ">" => number(left > right),
                    ">=" => number(left >= right),
                    "==" => number(left == right),
                    "!=" => number(left != right),
                    "&&" => number(left != 0.0 && right != 0.0),
                    _ => number(left != 0.0 || right != 0.0),
                }
            }
        }
    }
}

fn inputs() -> Inputs {
    Inputs {
        now: 1e9,
        target_dedicated: 1,
        target_low_priority: 1,
        task_slots: 1,
        current: Measures::default(),
        samples: vec![(5.0, Measures::default()); 50],
    }
}

/// Evaluates a formula on a stack as small as that of a thread of the emulator.
fn evaluate(text: &str) -> Option<String> {
    let text = text.to_owned();
    let run = move || Some(Formula::parse(&text).ok()?.evaluate(&inputs()).results);
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    thread.spawn(run).unwrap().join().unwrap()
}

proptest! {
    #[test]
    fn arithmetic_is_that_of_the_tree(tree in tree()) {
        let text = format!("x = {};", tree.write(0));
        let expected = super::number::text(tree.value());
        let results = Formula::parse(&text).unwrap().evaluate(&inputs()).results;
        let found = results.split_once(";x=").unwrap().1;
        prop_assert!(found == expected, "{text} is {found} instead of {expected}");
    }

    #[test]
    fn any_text_is_evaluated_or_refused(text in "\\PC{0,200}") {
        evaluate(&text);
    }

    #[test]
    fn any_tokens_are_evaluated_or_refused(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "a", "b", "=", "==", ";", ";", "(", ")", ",", "?", ":", "-", "!", "*", "/", "+", "<", "&&",
            ".", "1", "0.5", "1e308", "\"a\"", "time()", "vec(", "max(", "val(", "percentile(", "std(",
            "$PendingTasks", ".GetSample(", ".hour", "TimeInterval_Year", "$TargetDedicatedNodes =", "stop()",
            "a = vec(a, a, 1);", "a = time() + 1e300 * TimeInterval_Year;", "\n", "// x\n",
        ]), 0..60),
    ) {
        evaluate(&tokens.join(" "));
    }
}

#[test]
fn formulas_of_any_depth_are_refused_or_evaluated() {
    let repeat = |open: &str, inner: &str, close: &str| {
        let count = MAX_CHARACTERS / (open.len() + close.len());
        format!("x = {}{inner}{}", open.repeat(count), close.repeat(count))
    };
    for (deep, is_refused) in [
        (repeat("(", "1", ")"), true),
        (repeat("max(", "1", ")"), true),
        (repeat("1?", "1", ":1"), true),
        (repeat("1?1:", "1", ""), true),
        (repeat("a.b(", "1", ")"), true),
        (repeat("-", "1", ""), false),
        (repeat("!", "1", ""), false),
        (repeat("1+", "1", ""), false),
        (repeat("1<", "1", ""), false),
        (repeat("1&&", "1", ""), false),
        (repeat("", "time()", ".year"), false),
        (repeat("(", "", ""), true),
    ] {
        assert_eq!(evaluate(&deep).is_none(), is_refused, "{}", &deep[..20]);
    }
}

#[test]
fn the_deepest_formula_fits_the_stack() {
    let deep = format!("x = {}1{}", "-(1 + 1 * max(0 || ".repeat(19), "))".repeat(19));
    assert!(evaluate(&deep).is_some());
}

#[test]
fn vectors_do_not_grow_without_end() {
    let formula = format!("v = vec(1, 2);{}", "v = vec(v, v);".repeat(90));
    let evaluation = Formula::parse(&formula).unwrap().evaluate(&inputs());
    assert!(evaluation.outcome.err().unwrap().detail.contains("more than 2880 values"));
    assert!(Formula::parse(&"a = 1;".repeat(101)).is_err());
}
