//! Patterns of flows against the JDK, and against what Batch finds by the patterns that they become.

use std::path::Path;

use proptest::prelude::*;

use super::{Matcher, OutputSpec, cover};

#[path = "../../tests/runs/java.rs"]
mod java;

const DIRECTORY: &str = "/tmp/kestra-wd/5Kpf";

fn spec(patterns: &[String], most: usize) -> OutputSpec {
    OutputSpec::new(patterns, (None, false), Path::new(DIRECTORY), |patterns| {
        patterns.len() <= most
    })
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
            let (part, chars): (Vec<_>, Vec<_>) = (part.chars().collect(), name.chars().collect());
            (!is_hidden(name) || part.starts_with(&['.']))
                && name_matches(&part, &chars)
                && batch_matches(pattern, names)
        }
        _ => false,
    }
}

fn name_matches(part: &[char], name: &[char]) -> bool {
    match (part, name) {
        ([], []) => true,
        (['*', part @ ..], _) => (0..=name.len()).any(|at| name_matches(part, &name[at..])),
        ([one, part @ ..], [first, name @ ..]) => one == first && name_matches(part, name),
        _ => false,
    }
}

fn is_found(patterns: &[String], path: &str) -> bool {
    let names: Vec<_> = path.split('/').collect();
    let matches = |pattern: &String| batch_matches(&pattern.split('/').collect::<Vec<_>>(), &names);
    patterns.iter().any(matches)
}

/// In every spelling that Kestra understands.
fn pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => Just("a"), 2 => Just("."), 3 => Just("*"), 2 => Just("?"), 2 => Just("**"), 1 => Just("\\*"),
        1 => Just("[.a]"), 1 => Just("[!a]"), 1 => Just("[a-cx-]"), 1 => Just("[^a]"), 1 => Just("[[]"), 1 => Just("[a&&b]"), 1 => Just("[!\\a]"), 1 => Just("{a,*}"),
        1 => Just("{b/,}"), 1 => Just("{**,a}"), 1 => Just("é"), 1 => Just("\\{b\\}"), 1 => Just("$"),
        1 => Just("]"), 1 => Just("}"), 1 => Just(","), 1 => Just(" "), 1 => Just("\\["), 1 => Just("+(|)^"),
    ];
    let name = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    let part = prop_oneof![5 => name, 2 => Just("**".to_owned())];
    let glob = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    let start = prop_oneof![
        8 => Just(""), 1 => Just("/"), 1 => Just("glob:"), 2 => Just("glob:**"), 1 => Just("glob:**/5Kpf/"),
        1 => Just("glob:/tmp/kestra-wd/5Kpf/"), 1 => Just("glob:/tmp/{x,k*}/*/"), 1 => Just("./"), 1 => Just("regex:.*"),
    ];
    let few = prop::sample::select(vec!["a", "a", ".", "*", "**", "?", "[!a]", "{a,.}"]);
    let few = prop::collection::vec(few, 1..4).prop_map(|pieces| pieces.concat());
    let few = prop::collection::vec(few, 1..4).prop_map(|parts| parts.join("/"));
    prop_oneof![20 => few, 20 => (start, glob).prop_map(|(start, glob)| format!("{start}{glob}")), 1 => any::<String>()]
}

/// A path with at most two names that begin with a dot and a directory below them: of more in a row, `**` knows
/// nothing.
fn path() -> impl Strategy<Value = String> {
    let any = "[.a*bcé{}$, \n\\[\\]+-]{1,3}|5Kpf";
    let few = "[.a]{1,3}";
    let names = prop_oneof![prop::collection::vec(any, 1..5), prop::collection::vec(few, 1..5)];
    names.prop_map(|mut names| {
        let (mut hidden, last) = (0, names.len() - 1);
        for (n, name) in names.iter_mut().enumerate() {
            hidden += usize::from(n < last && name.starts_with('.'));
            if hidden > 2 && n < last || name.chars().all(|c| c == '.') {
                name.insert(0, 'a');
            }
        }
        names.join("/")
    })
}

/// Globs that grow when they are planned, up to 4 KB.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{a,b}",
        "{,}",
        "{",
        "}",
        ",",
        "**",
        "*",
        "a**",
        "/",
        "*/",
        "**/",
        "?",
        "[.a]",
        "[!a]",
        "[",
        "\\",
        ".",
        "é",
        "a",
        "a/",
        "{a,b,c,d,e,f,g,h}",
        "glob:",
        "regex:",
    ]);
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
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_pattern_means_what_it_means_to_the_jdk(
        patterns in prop::collection::vec(pattern(), 1..12),
        names in prop::collection::vec(path(), 1..24),
    ) {
        let directory = Path::new(DIRECTORY);
        let (matcher, _) = Matcher::new(&patterns, directory);
        let ours: Vec<_> = names.iter().map(|name| matcher.matches(name)).collect();
        for (n, in_java) in java::matching(directory, &patterns, &names).into_iter().enumerate() {
            let is_javas = matcher.of_caller().contains(&n);
            let matching = (0..names.len()).filter(|name| ours[*name].contains(&n));
            match in_java {
                Some(in_java) if !is_javas => prop_assert_eq!(matching.collect::<Vec<_>>(), in_java, "{:?}", &patterns[n]),
                Some(_) => prop_assert!(patterns[n].starts_with("regex:"), "{:?}", &patterns[n]),
                None => prop_assert!(is_javas, "Java refuses {:?}", &patterns[n]),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_a_flow_means_is_found_however_few_patterns_there_may_be(
        patterns in prop::collection::vec(pattern(), 1..4), paths in prop::collection::vec(path(), 100), most in 0..24_usize,
    ) {
        let spec = spec(&patterns, most);
        for path in paths.iter().filter(|path| !spec.matcher().matches(path).is_empty()) {
            prop_assert!(is_found(&spec.patterns().patterns, path), "{path}");
        }
        let is_safe = |c: char| c.is_alphanumeric() || "*./-_ ,+:;=@#&'()<>|\"".contains(c);
        for pattern in &spec.patterns().patterns {
            let ascii = pattern.chars().filter(char::is_ascii);
            prop_assert!(ascii.into_iter().all(is_safe), "{}", pattern);
        }
    }

    #[test]
    fn any_text_is_a_pattern(text in "[a*?./{},\\[\\]\\\\$!-]{0,12}|\\PC{0,12}") {
        let spec = OutputSpec::new(&[text], (Some("out"), false), Path::new(DIRECTORY), |_| true);
        prop_assert!(!spec.is_empty());
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_globs_cost_more_than_a_little(globs in prop::collection::vec(hostile(), 1..4)) {
        let before = peak();
        prop_assert!(spec(&globs, 90).patterns().len() <= 90);
        prop_assert!(peak().saturating_sub(before) < 24 * 1024, "{} KiB", peak() - before);
    }
}

#[test]
fn what_once_took_gigabytes_is_planned_in_little_memory() {
    let before = peak();
    for glob in [
        "{a,b}".repeat(22),
        "{a,b}".repeat(6_000),
        "{,}".repeat(6_000),
        "a**".repeat(8),
        "a**".repeat(10_000),
        "**/".repeat(10_000),
        "*/".repeat(10_000),
        "a/".repeat(10_000),
        format!("{}{}", "{a,b}".repeat(9), "x".repeat(30_000)),
        "x".repeat(40_000),
        "x".repeat(100_000_000),
    ] {
        assert!(spec(&[glob], 90).patterns().len() <= 90);
    }
    let many: Vec<_> = (0..100_000).map(|n| format!("file-{n}")).collect();
    assert_eq!(spec(&many, 90).patterns().patterns, ["file-*"]);
    // The long globs themselves are the most of it.
    assert!(peak().saturating_sub(before) < 400 * 1024, "{} KiB", peak() - before);
}

#[test]
fn everything_finds_dotfiles_and_what_is_below_dot_directories() {
    let all = cover::patterns(&[cover::everything()], |_| true);
    for path in ["a", ".a", "a/b", ".a/b", ".a/.b", "a/.b/c/.d/e", ".a/.b/.c"] {
        assert!(is_found(&all, path), "{path}");
    }
    assert!(!is_found(&all, ".a/.b/.c/d"));
}
