//! Java's globs against the patterns that they become, each matched by trying every way.

use proptest::prelude::*;

use super::{Wanted, glob::without_groups};

/// Whether a Java glob without groups matches a path. A leading `**/` may also stand for nothing.
fn java_matches(glob: &[char], path: &[char], at_start: bool) -> bool {
    let any_rest = |rest: &[char], crosses: bool| {
        let end = if crosses {
            path.len()
        } else {
            path.iter().position(|c| *c == '/').unwrap_or(path.len())
        };
        (0..=end).any(|at| java_matches(rest, &path[at..], false))
    };
    let directories = after_directories(glob).filter(|_| at_start);
    if directories.is_some_and(|rest| java_matches(rest, path, true)) {
        return true;
    }
    match (glob, path) {
        ([], []) => true,
        (['*', '*', rest @ ..], _) => any_rest(rest, true),
        (['*', rest @ ..], _) => any_rest(rest, false),
        (['\\', one, rest @ ..], [first, path @ ..]) => {
            one == first && java_matches(rest, path, false)
        }
        (['[', rest @ ..], [first, path @ ..]) => {
            let (class, rest) = rest.split_at(rest.iter().position(|c| *c == ']').unwrap());
            *first != '/' && in_class(class, *first) && java_matches(&rest[1..], path, false)
        }
        (['?', rest @ ..], [first, path @ ..]) => *first != '/' && java_matches(rest, path, false),
        ([one, rest @ ..], [first, path @ ..]) => {
            one == first && java_matches(rest, path, *one == '/')
        }
        _ => false,
    }
}

/// What follows a leading `**/`.
fn after_directories(glob: &[char]) -> Option<&[char]> {
    let stars = glob.iter().take_while(|c| **c == '*').count();
    (stars > 1 && glob.get(stars) == Some(&'/')).then(|| &glob[stars + 1..])
}

/// Whether a Batch pattern matches a path's names: wildcards do not match a leading dot.
fn batch_matches(pattern: &[&str], names: &[&str]) -> bool {
    let is_hidden = |name: &&str| name.starts_with('.');
    match (pattern, names) {
        ([], []) => true,
        (["**", rest @ ..], _) => {
            let visible = names.iter().take_while(|name| !is_hidden(name)).count();
            (0..=visible).any(|at| batch_matches(rest, &names[at..]))
        }
        ([part, pattern @ ..], [name, names @ ..]) => {
            let chars: Vec<char> = part.chars().collect();
            (!is_hidden(name) || part.starts_with('.') || part.starts_with("[.]"))
                && java_matches(&chars, &name.chars().collect::<Vec<_>>(), false)
                && batch_matches(pattern, names)
        }
        _ => false,
    }
}

fn in_class(class: &[char], c: char) -> bool {
    match class {
        ['!', others @ ..] => !others.contains(&c),
        members => members.contains(&c),
    }
}

fn glob() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("a"), 2 => Just("."), 3 => Just("*"), 2 => Just("?"), 1 => Just("**"), 1 => Just("\\*"),
        1 => Just("[.a]"), 1 => Just("[!a]"), 1 => Just("{a,*}"),
    ];
    let name = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    let part = prop_oneof![4 => name, 2 => Just("**".to_owned())];
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

/// A path with at most two names that begin with a dot and a directory below them: of more in a
/// row, `**` knows nothing.
fn path() -> impl Strategy<Value = String> {
    let names = prop::collection::vec("[.a*b]{1,3}", 1..5);
    names
        .prop_filter("too many dots", |names| {
            let hidden = names[..names.len() - 1].iter().filter(|name| name.starts_with('.'));
            hidden.count() <= 2 && !names.iter().any(|name| name == "." || name == "..")
        })
        .prop_map(|names| names.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_glob_finds_what_it_finds_in_java(glob in glob(), path in path()) {
        let Ok(wanted) = Wanted::new(std::slice::from_ref(&glob), None, false) else { return Ok(()) };
        let names: Vec<&str> = path.split('/').collect();
        let chars: Vec<char> = path.chars().collect();
        let in_java = without_groups(&glob).iter().any(|glob| {
            java_matches(&glob.chars().collect::<Vec<_>>(), &chars, true)
        });
        let in_batch = wanted.patterns.iter().any(|pattern| {
            batch_matches(&pattern.split('/').collect::<Vec<_>>(), &names)
        });
        prop_assert_eq!(in_batch, in_java, "{:?}", wanted.patterns);
    }

    #[test]
    fn any_text_is_a_pattern_or_refused(text in "[a*?./{},\\[\\]\\\\$!-]{0,12}|\\PC{0,12}") {
        drop(Wanted::new(&[text], Some("out"), false));
    }
}
