//! Java's globs against the patterns that they become, each matched by trying every way.

use proptest::prelude::*;

use super::glob::without_groups;
use super::{Budget, OutputSpec};

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

/// Globs that grow when they are planned, up to 4 KB.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{a,b}"),
        Just("{,}"),
        Just("{"),
        Just("}"),
        Just(","),
        Just("**"),
        Just("*"),
        Just("a**"),
        Just("/"),
        Just("*/"),
        Just("**/"),
        Just("?"),
        Just("[.a]"),
        Just("[!a]"),
        Just("["),
        Just("\\"),
        Just("."),
        Just("é"),
        Just("a"),
        Just("a/"),
        Just("{a,b,c,d,e,f,g,h}"),
    ];
    // Few pieces, many times, grow fastest.
    let pieces = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
    let repeated = (pieces, 1..1000_usize).prop_map(|(text, times)| text.repeat(times));
    prop::collection::vec(repeated, 1..4).prop_map(|parts| {
        let glob: String = parts.concat();
        let end = (0..=glob.len().min(4096)).rev().find(|end| glob.is_char_boundary(*end));
        glob[..end.unwrap_or(0)].to_owned()
    })
}

/// The most memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_glob_finds_what_it_finds_in_java(glob in glob(), path in path()) {
        let Ok(wanted) = OutputSpec::new(std::slice::from_ref(&glob), None, false) else { return Ok(()) };
        let names: Vec<&str> = path.split('/').collect();
        let chars: Vec<char> = path.chars().collect();
        let in_java = without_groups(&glob, &mut Budget::for_names()).unwrap().iter().any(|glob| {
            java_matches(&glob.chars().collect::<Vec<_>>(), &chars, true)
        });
        let in_batch = wanted.patterns.iter().any(|pattern| {
            batch_matches(&pattern.split('/').collect::<Vec<_>>(), &names)
        });
        prop_assert_eq!(in_batch, in_java, "{:?}", wanted.patterns);
    }

    #[test]
    fn any_text_is_a_pattern_or_refused(text in "[a*?./{},\\[\\]\\\\$!-]{0,12}|\\PC{0,12}") {
        drop(OutputSpec::new(&[text], Some("out"), false));
    }

    #[test]
    fn no_globs_cost_more_than_a_little(globs in prop::collection::vec(hostile(), 1..4), everything: bool) {
        let before = peak();
        match OutputSpec::new(&globs, None, everything) {
            Ok(wanted) => {
                let bytes: usize = wanted.patterns.iter().map(String::len).sum();
                prop_assert!(bytes <= 32_768 && wanted.patterns.len() <= 512);
                let bytes: usize = wanted.expected.iter().map(String::len).sum();
                prop_assert!(bytes <= 1024 * 1024 && wanted.expected.len() <= 16_384);
            }
            Err(error) => prop_assert!(error.to_string().len() < 700, "{}", error),
        }
        prop_assert!(peak().saturating_sub(before) < 8 * 1024, "{} KiB", peak() - before);
    }
}

#[test]
fn what_once_took_gigabytes_is_refused_in_words() {
    let before = peak();
    for glob in [
        "{a,b}".repeat(22),
        "{a,b}".repeat(6_000),
        "{,}".repeat(6_000),
        "a**".repeat(8),
        "a**".repeat(10_000),
        "**/".repeat(10_000),
        "*/".repeat(10_000),
        format!("{}{}", "{a,b}".repeat(9), "x".repeat(30_000)),
        "x".repeat(40_000),
        "x".repeat(100_000_000),
    ] {
        let error = OutputSpec::new(&[glob], None, false).unwrap_err();
        assert!(error.property() == "outputFiles" && error.to_string().len() < 400, "{error}");
    }
    let many: Vec<_> = (0..100_000).map(|n| format!("file-{n}")).collect();
    let error = OutputSpec::new(&many, None, false).unwrap_err().to_string();
    assert!(error.contains("use fewer, wider patterns or {{ outputDir }}"), "{error}");
    assert!(OutputSpec::new(&many, None, true).is_ok(), "all files come back by one pattern");
    // The long globs themselves are the most of it.
    assert!(peak().saturating_sub(before) < 150 * 1024, "{} KiB", peak() - before);
}

#[test]
fn a_path_of_many_parts_costs_no_more_than_its_length() {
    let glob = format!("{}*.txt", "a/".repeat(5_000));
    let wanted = OutputSpec::new(std::slice::from_ref(&glob), None, false).unwrap();
    assert_eq!(wanted.patterns.len(), 3);
    assert_eq!(wanted.patterns[0], glob);
}
