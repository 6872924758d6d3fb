//! Which files a flow's `outputFiles` mean: those that Kestra finds with a `PathMatcher` of Java in a local run.

use std::collections::HashMap;
use std::path::Path;

use regex::{RegexSet, RegexSetBuilder};

use super::cover::{self, Shape};
use super::glob;
use crate::event::Event;

/// Most memory of all expressions together, in bytes. Where they need more, Java chooses among the names.
const MAX_EXPRESSIONS: usize = 16 * 1024 * 1024;

/// A longer pattern is left to Java: no path is so long.
const MAX_PATTERN: usize = 32 * 1024;

/// Java says the same of a pattern that it refuses.
const BACKSLASH: &str =
    "; Kestra reads \\ as /: put a character meant literally into brackets, [[] for example";

const GLOB: &str = "glob:";
const REGEX: &str = "regex:";

/// The patterns of a flow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matcher {
    /// The Kestra task's working directory: a pattern is for whole paths.
    directory: String,
    patterns: Vec<String>,
    /// The patterns that are exactly this name.
    exact: HashMap<String, Vec<usize>>,
    globs: RegexSet,
    /// The pattern of each glob.
    of_globs: Vec<usize>,
    /// The patterns that only Java understands.
    of_caller: Vec<usize>,
}

impl Matcher {
    /// Also returns the shapes of the files that the patterns may match.
    pub(super) fn new(patterns: &[String], directory: &Path) -> (Self, Vec<Shape>) {
        let directory = directory.to_string_lossy().into_owned();
        let mut matcher = Self { directory, patterns: patterns.to_vec(), ..Self::default() };
        let (mut shapes, mut expressions) = (Vec::new(), Vec::new());
        for (n, pattern) in patterns.iter().enumerate() {
            match matcher.read(pattern) {
                Read::Name(name) => {
                    shapes.extend(cover::exactly(&name));
                    matcher.exact.entry(name).or_default().push(n);
                }
                Read::Glob(tokens) => {
                    shapes.extend(cover::of_glob(&tokens, &matcher.directory));
                    expressions.push(glob::regex(&tokens));
                    matcher.of_globs.push(n);
                }
                Read::OfCaller => {
                    shapes.push(cover::everything());
                    matcher.of_caller.push(n);
                }
            }
        }
        matcher.compile(expressions);
        (matcher, shapes)
    }

    /// As Kestra's `PathMatcherPredicate` reads a pattern: without a syntax it is a glob below the working directory, in
    /// which `\` is `/`.
    fn read(&self, pattern: &str) -> Read {
        if pattern.starts_with(REGEX) || pattern.len() > MAX_PATTERN {
            return Read::OfCaller;
        }
        if let Some(glob) = pattern.strip_prefix(GLOB) {
            return glob::parse(glob).map_or(Read::OfCaller, Read::Glob);
        }
        let pattern = pattern.replace('\\', "/");
        let relative = pattern.strip_prefix('/').unwrap_or(&pattern);
        if glob::is_literal(relative) && glob::is_literal(&self.directory) {
            return Read::Name(relative.to_owned());
        }
        let glob = format!("{}/{relative}", self.directory);
        glob::parse(&glob).map_or(Read::OfCaller, Read::Glob)
    }

    fn compile(&mut self, expressions: Vec<String>) {
        match RegexSetBuilder::new(expressions).size_limit(MAX_EXPRESSIONS).build() {
            Ok(globs) => self.globs = globs,
            Err(_) => self.of_caller.append(&mut self.of_globs),
        }
    }

    /// The patterns that match a file, by their numbers, without those that only the caller understands.
    pub(crate) fn matches(&self, name: &str) -> Vec<usize> {
        let path = format!("{}/{name}", self.directory);
        let globs = self.globs.matches(&path).into_iter().map(|n| self.of_globs[n]);
        self.exact.get(name).into_iter().flatten().copied().chain(globs).collect()
    }

    /// The patterns that only the caller understands.
    pub(crate) fn of_caller(&self) -> &[usize] {
        &self.of_caller
    }

    /// Asks for the matches of those patterns.
    pub(crate) fn question(&self, names: &[String]) -> Event {
        Event::Select {
            directory: self.directory.clone(),
            patterns: self.of_caller.iter().map(|n| self.patterns[*n].clone()).collect(),
            names: names.to_vec(),
        }
    }

    /// The pattern of that number, and whether it is the name of a file.
    pub(crate) fn pattern(&self, number: usize) -> (&str, bool) {
        let pattern = self.patterns[number].as_str();
        (pattern, matches!(self.read(pattern), Read::Name(_)))
    }

    /// What to say of a pattern that brought nothing, beside that.
    pub(crate) fn hint(&self, number: usize) -> &'static str {
        let pattern = &self.patterns[number];
        let has_syntax = pattern.starts_with(GLOB) || pattern.starts_with(REGEX);
        if pattern.contains('\\') && !has_syntax { BACKSLASH } else { "" }
    }

    pub(crate) fn len(&self) -> usize {
        self.patterns.len()
    }
}

enum Read {
    Name(String),
    Glob(Vec<glob::Token>),
    OfCaller,
}
