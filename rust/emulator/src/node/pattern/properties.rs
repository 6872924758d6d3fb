//! Compares patterns with a simple but slow matcher.

use proptest::prelude::*;

use super::Pattern;

/// Returns whether the segments match the names, by trying every way.
fn matches_names(pattern: &[&str], names: &[&str]) -> bool {
    match (pattern, names) {
        ([], []) => true,
        (["**"], names) => !names.is_empty() && names.iter().all(|name| !name.starts_with('.')),
        (["**", rest @ ..], names) => (0..=names.len()).any(|count| {
            names[..count].iter().all(|name| !name.starts_with('.'))
                && matches_names(rest, &names[count..])
        }),
        ([segment, pattern @ ..], [name, names @ ..]) => {
            let may_be_hidden = segment.starts_with('.') || segment.starts_with("[.]");
            (may_be_hidden || !name.starts_with('.'))
                && matches_name(segment, name)
                && matches_names(pattern, names)
        }
        _ => false,
    }
}

/// Returns whether a segment matches a name, by trying every way. Supports only the classes that
/// [`pattern`] generates.
fn matches_name(segment: &str, name: &str) -> bool {
    let Some(first) = segment.chars().next() else { return name.is_empty() };
    if first == '*' {
        let mut rests = name.char_indices().map(|(at, _)| at).chain([name.len()]);
        return rests.any(|at| matches_name(&segment[1..], &name[at..]));
    }
    let Some(next) = name.chars().next() else { return false };
    let (matched, length) = match segment.split_once(']') {
        Some((class, _)) if first == '[' => (in_class(&class[1..], next), class.len() + 1),
        _ => (first == '?' || first == next, first.len_utf8()),
    };
    matched && matches_name(&segment[length..], &name[next.len_utf8()..])
}

fn in_class(class: &str, next: char) -> bool {
    match (class, class.strip_prefix('!')) {
        ("a-b", _) => next == 'a' || next == 'b',
        (_, Some(others)) => !others.contains(next),
        (members, None) => members.contains(next),
    }
}

fn pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("a"), 2 => Just("b"), 2 => Just("."), 3 => Just("*"), 2 => Just("?"), 1 => Just("é"),
        1 => Just("[ab]"), 1 => Just("[a-b]"), 1 => Just("[!a]"), 1 => Just("[*]"), 1 => Just("[.]"),
    ];
    let name = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    let segment = prop_oneof![4 => name, 1 => Just("**".to_owned())];
    prop::collection::vec(segment, 1..4).prop_map(|segments| segments.join("/"))
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec("[ab.*é]{1,3}", 1..4).prop_map(|names| names.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_pattern_matches_what_trying_every_way_matches(pattern in pattern(), path in path()) {
        let segments: Vec<&str> = pattern.split('/').collect();
        let names: Vec<&str> = path.split('/').collect();
        prop_assert_eq!(Pattern::new(&pattern).matches(&path), matches_names(&segments, &names));
    }

    #[test]
    fn any_text_is_a_pattern(pattern in "[\\[\\]!*?/.a-c-]{0,12}|.*", path in path()) {
        Pattern::new(&pattern).matches(&path);
        let _ = Pattern::new(&pattern).fixed_directory();
    }

    #[test]
    fn an_escaped_name_matches_itself_alone(name in "[ab*?\\[]{1,4}", other in "[ab*?\\[]{1,4}") {
        let escaped: String = name.chars().map(|next| format!("[{next}]")).collect();
        prop_assert!(Pattern::new(&escaped).matches(&name));
        prop_assert_eq!(Pattern::new(&escaped).matches(&other), name == other);
    }
}
