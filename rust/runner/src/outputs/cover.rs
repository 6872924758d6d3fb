//! Patterns of Azure Batch that match at least the files that a flow asks for.
//!
//! Which of the files are meant is decided when they are collected. So a pattern may match too much, and only uses
//! what has one meaning however Batch's documentation is read: names, `*`, and `**` as a whole part. A character that
//! might mean something else, such as `[` or `$`, becomes a `*`.
//! [OutputFile](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task#outputfile)

use std::collections::BTreeMap;

use super::glob::Token;

/// Any directories, with none, one or two among them that begin with a dot: wildcards do not match a leading dot.
const DIRECTORIES: [&str; 3] = ["**", "**/.*/**", "**/.*/**/.*/**"];

/// Most patterns for one shape. With more wildcards, all directories below the fixed ones are searched.
const MAX_PATTERNS: usize = 8;

/// Most shapes for one glob. With more of them, all files are uploaded.
const MAX_SHAPES: usize = 32;

/// Most positions in a glob at which the working directory may end.
const MAX_ENDS: usize = 4;

/// Names and wildcards, from the working directory on.
pub(super) type Shape = Vec<Part>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// In which `*` stands for any characters.
    Name(String),
    /// Any number of directories.
    Directories,
}

/// A token of a glob, reduced to what matters for a pattern of Batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Atom {
    Literal(char),
    Star,
    DoubleStar,
}

/// All files.
pub(super) fn everything() -> Shape {
    below(Vec::new())
}

/// All files below a directory.
pub(super) fn below(mut directory: Shape) -> Shape {
    directory.extend([Part::Directories, any_name()]);
    directory
}

/// The file of that name.
pub(super) fn exactly(name: &str) -> Vec<Shape> {
    shapes(&name.chars().map(Atom::Literal).collect::<Vec<_>>())
}

/// The shapes of the files below `directory` whose whole path matches a glob.
pub(super) fn of_glob(tokens: &[Token], directory: &str) -> Vec<Shape> {
    let globs = expanded(tokens);
    let relative: Vec<_> = globs.iter().flat_map(|glob| after(directory, glob)).collect();
    if relative.len() > MAX_SHAPES {
        return vec![everything()];
    }
    let mut shapes: Vec<_> = relative.iter().flat_map(|glob| shapes(glob)).collect();
    shapes.sort_unstable();
    shapes.dedup();
    shapes
}

/// The patterns for all shapes, as tight as they fit: `fits` says whether Batch takes so many.
pub(super) fn patterns(shapes: &[Shape], fits: impl Fn(&[String]) -> bool) -> Vec<String> {
    let levels = [tight, by_directory, by_first_directory];
    let patterns = levels.iter().map(|level| written(&level(shapes)));
    patterns.into_iter().find(|patterns| fits(patterns)).unwrap_or_else(|| written(&[everything()]))
}

/// The directories before the first wildcard, with a `/` at the end, or nothing.
pub(super) fn fixed_directory(pattern: &str) -> &str {
    let fixed = pattern.split('*').next().unwrap_or_default();
    let end = fixed.rfind('/').map_or(0, |slash| slash + 1);
    &fixed[..end]
}

/// Without groups: one glob for each choice, or any text instead of a group where the choices are too many.
fn expanded(tokens: &[Token]) -> Vec<Vec<Atom>> {
    let mut globs = vec![Vec::new()];
    for token in tokens {
        let choices: Vec<Vec<Atom>> = match token {
            Token::Group(choices) if globs.len() * choices.len() <= MAX_SHAPES => {
                choices.iter().map(|choice| choice.iter().map(atom).collect()).collect()
            }
            other => vec![vec![atom(other)]],
        };
        globs = each_with_each(globs, &choices);
    }
    globs
}

fn atom(token: &Token) -> Atom {
    match token {
        Token::Literal(c) => Atom::Literal(*c),
        Token::One(_) | Token::Star => Atom::Star,
        Token::DoubleStar | Token::Group(_) => Atom::DoubleStar,
    }
}

/// The rests of a glob after it has matched a directory and a slash: globs for the names below that directory.
fn after(directory: &str, glob: &[Atom]) -> Vec<Vec<Atom>> {
    let mut ends = vec![0];
    for c in directory.chars().chain(['/']) {
        ends = ends.into_iter().flat_map(|at| steps(glob, at, c)).collect();
        ends.sort_unstable();
        ends.dedup();
        if ends.len() > MAX_ENDS {
            return vec![vec![Atom::DoubleStar]];
        }
    }
    ends.into_iter().map(|at| glob[at..].to_vec()).collect()
}

/// The positions in a glob after it has matched one character.
fn steps(glob: &[Atom], from: usize, c: char) -> Vec<usize> {
    let mut ends = Vec::new();
    for (at, atom) in glob.iter().enumerate().skip(from) {
        match atom {
            Atom::Literal(literal) => {
                ends.extend((*literal == c).then_some(at + 1));
                break;
            }
            Atom::Star if c == '/' => {}
            Atom::Star | Atom::DoubleStar => ends.push(at),
        }
    }
    ends
}

/// The shapes of a relative glob. There are none for a glob that no path matches, such as `a//b`.
fn shapes(glob: &[Atom]) -> Vec<Shape> {
    let mut shapes = vec![Vec::new()];
    for part in glob.split(|atom| *atom == Atom::Literal('/')) {
        shapes = each_with_each(shapes, &parts(part));
        if shapes.len() > MAX_SHAPES {
            return vec![everything()];
        }
    }
    shapes.iter_mut().for_each(end_with_a_name);
    shapes
}

/// What one part of a glob may be: Java's `**` may stand beside other characters, `a**b` is `a*b`, or `*b` anywhere
/// below a directory `a*`.
fn parts(part: &[Atom]) -> Vec<Shape> {
    let is_double = |atom: &Atom| *atom == Atom::DoubleStar;
    let (Some(first), Some(last)) =
        (part.iter().position(is_double), part.iter().rposition(is_double))
    else {
        return name(part).into_iter().map(|name| vec![name]).collect();
    };
    let (head, tail) = (&part[..first], &part[last + 1..]);
    let deep = |start: Option<Part>| {
        let tail = (!tail.is_empty()).then(|| starred(&[&[Atom::Star], tail].concat()));
        start.into_iter().chain([Part::Directories]).chain(tail).collect()
    };
    if head.is_empty() {
        return vec![deep(None)];
    }
    let here = starred(&[head, &[Atom::Star], tail].concat());
    vec![vec![here], deep(Some(starred(&[head, &[Atom::Star]].concat())))]
}

/// None if no file can have such a name.
fn name(part: &[Atom]) -> Option<Part> {
    let is = |text: &str| part.iter().copied().eq(text.chars().map(Atom::Literal));
    (!part.is_empty() && !is(".") && !is("..")).then(|| starred(part))
}

fn starred(part: &[Atom]) -> Part {
    let mut name = String::new();
    for atom in part {
        match atom {
            Atom::Literal(c) if is_plain(*c) => name.push(*c),
            _ if name.ends_with('*') => {}
            _ => name.push('*'),
        }
    }
    Part::Name(name)
}

/// Whether a character means itself however a pattern of Batch is read.
fn is_plain(c: char) -> bool {
    !c.is_control() && !"*?[]{}\\$%^!~`".contains(c)
}

fn any_name() -> Part {
    Part::Name("*".to_owned())
}

/// Only files are collected: `**` at the end means the files in these directories.
fn end_with_a_name(shape: &mut Shape) {
    if shape.last() == Some(&Part::Directories) {
        shape.push(any_name());
    }
}

/// Each start with each end.
fn each_with_each<T: Clone>(mut starts: Vec<Vec<T>>, ends: &[Vec<T>]) -> Vec<Vec<T>> {
    if let [end] = ends {
        // In place: copied for each of its parts, a long glob would cost the square of its length.
        starts.iter_mut().for_each(|start| start.extend_from_slice(end));
        return starts;
    }
    let with_each = |start: &Vec<T>| -> Vec<Vec<T>> {
        ends.iter().map(|end| [start.as_slice(), end].concat()).collect()
    };
    starts.iter().flat_map(with_each).collect()
}

/// Each shape by itself.
fn tight(shapes: &[Shape]) -> Vec<Shape> {
    shapes.to_vec()
}

/// The shapes whose names are in the same directory as one.
fn by_directory(shapes: &[Shape]) -> Vec<Shape> {
    let mut directories: BTreeMap<&[Part], String> = BTreeMap::new();
    for shape in shapes {
        if let Some((Part::Name(name), directory)) = shape.split_last() {
            let common = directories.entry(directory).or_insert_with(|| name.clone());
            *common = in_common(common, name);
        }
    }
    let shape = |(directory, name): (&[Part], String)| [directory, &[Part::Name(name)]].concat();
    directories.into_iter().map(shape).collect()
}

/// All that is below the same first directory as one.
fn by_first_directory(shapes: &[Shape]) -> Vec<Shape> {
    let all_below = |shape: &Shape| match shape.as_slice() {
        [name @ Part::Name(_)] => vec![name.clone()],
        [first @ Part::Name(_), ..] => below(vec![first.clone()]),
        _ => everything(),
    };
    let mut shapes = by_directory(&shapes.iter().map(all_below).collect::<Vec<_>>());
    shapes.dedup();
    shapes
}

/// A name that matches all that either of two matches.
fn in_common(a: &str, b: &str) -> String {
    if a == b {
        return a.to_owned();
    }
    let fixed = |name: &str| name.find('*').unwrap_or(name.len());
    let start = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y);
    let start = start.map_or(a.len().min(b.len()), |((at, _), _)| at).min(fixed(a)).min(fixed(b));
    let (rest_a, rest_b) = (&a[start..], &b[start..]);
    let same = rest_a.chars().rev().zip(rest_b.chars().rev());
    let end: usize = same.take_while(|(x, y)| x == y && *x != '*').map(|(x, _)| x.len_utf8()).sum();
    format!("{}*{}", &a[..start], &rest_a[rest_a.len() - end..])
}

/// As patterns of Batch, each once.
fn written(shapes: &[Shape]) -> Vec<String> {
    let mut patterns: Vec<_> =
        shapes.iter().flat_map(|shape| variants(&simplified(shape))).collect();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

/// A shape of too many wildcards as all directories below those that have none.
fn simplified(shape: &Shape) -> Shape {
    let count = shape.iter().map(|part| choices(part).len());
    if count.fold(1, usize::saturating_mul) <= MAX_PATTERNS {
        return shape.clone();
    }
    let is_fixed = |part: &&Part| choices(part).len() == 1;
    let fixed = shape.iter().take_while(is_fixed).cloned();
    fixed.chain([Part::Directories]).chain(shape.last().cloned()).collect()
}

/// With and without dots wherever a name may begin with one.
fn variants(shape: &Shape) -> Vec<String> {
    let mut patterns = vec![Vec::new()];
    for part in shape {
        let choices: Vec<_> = choices(part).into_iter().map(|choice| vec![choice]).collect();
        patterns = each_with_each(patterns, &choices);
    }
    patterns.iter().map(|parts| parts.join("/")).collect()
}

fn choices(part: &Part) -> Vec<String> {
    match part {
        Part::Directories => DIRECTORIES.map(str::to_owned).into(),
        Part::Name(name) => match name.strip_prefix('*') {
            // `*.a` is also `.a`, where the dot is the first one.
            Some(rest) => vec![name.clone(), format!(".*{}", rest.trim_start_matches(['.', '*']))],
            None => vec![name.clone()],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::glob;
    use super::*;

    const DIRECTORY: &str = "/tmp/kestra/wd";

    fn of(pattern: &str) -> Vec<String> {
        let tokens = glob::parse(&format!("{DIRECTORY}/{pattern}")).unwrap();
        patterns(&of_glob(&tokens, DIRECTORY), |_| true)
    }

    fn of_names<T: AsRef<str>>(names: &[T], most: usize) -> Vec<String> {
        let shapes: Vec<_> = names.iter().flat_map(|name| exactly(name.as_ref())).collect();
        patterns(&shapes, |patterns| patterns.len() <= most)
    }

    #[test]
    fn wildcards_find_dotfiles_and_dot_directories_too() {
        let table: [(&str, &[&str]); 9] = [
            ("*.txt", &["*.txt", ".*txt"]),
            ("a/?x", &["a/*x", "a/.*x"]),
            (".config/x", &[".config/x"]),
            ("a\\*b", &["a*b"]),
            ("report[1].csv", &["report*.csv"]),
            ("*/x", &["*/x", ".*/x"]),
            ("{a,b/c}.txt", &["a.txt", "b/c.txt"]),
            ("a**b", &["a*/**/*b", "a*/**/.*b", "a*/**/.*/**/*b"]),
            ("a//b", &[]),
        ];
        for (glob, expected) in table {
            let patterns = of(glob);
            assert!(
                expected.iter().all(|one| patterns.contains(&(*one).to_owned())),
                "{glob}: {patterns:?}"
            );
        }
        assert_eq!(of("**").len(), 6);
        assert_eq!(of("**"), written(&[everything()]));
    }

    #[test]
    fn many_wildcards_are_searched_for_below_the_fixed_directories() {
        assert_eq!(of("a/*/*/*/*/*.csv").len(), 6);
        assert!(of("a/*/*/*/*/*.csv").contains(&"a/**/*.csv".to_owned()));
        assert!(of(&"**/".repeat(10_000)).len() <= 6);
        assert!(of(&"{a,b}".repeat(6_000)).len() <= MAX_SHAPES * MAX_PATTERNS);
    }

    #[test]
    fn names_that_are_too_many_become_what_they_have_in_common() {
        let names: Vec<_> = (0..1000).map(|n| format!("out/file-{n}.txt")).collect();
        assert_eq!(of_names(&names, 90), ["out/file-*.txt"]);
        let names: Vec<_> = (0..1000).map(|n| format!("a/{n}/{n}")).collect();
        assert_eq!(of_names(&names, 90)[0], "a/**/*");
        let names: Vec<_> = (0..1000).map(|n| format!("{n}/x")).collect();
        assert_eq!(of_names(&names, 90), written(&[everything()]));
        assert_eq!(in_common("aa", "aaa"), "aa*");
        assert_eq!(in_common("é1", "è1"), "*1");
        assert_eq!(in_common("a*b", "axxb"), "a*b");
    }

    #[test]
    fn the_working_directory_may_end_within_a_wildcard() {
        let anywhere =
            |glob: &str| patterns(&of_glob(&glob::parse(glob).unwrap(), DIRECTORY), |_| true);
        assert!(anywhere("**.csv").contains(&"**/*.csv".to_owned()));
        assert!(anywhere("**/wd/*.csv").contains(&"*.csv".to_owned()));
        assert!(
            anywhere("**/wd/*.csv").contains(&"**/wd/*.csv".to_owned())
                || anywhere("**/wd/*.csv").contains(&"**/*.csv".to_owned())
        );
        assert_eq!(anywhere("*.csv"), [""; 0]);
        assert_eq!(anywhere("/etc/*"), [""; 0]);
    }
}
