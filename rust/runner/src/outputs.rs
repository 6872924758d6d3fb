//! What a flow's `outputFiles` mean to Azure Batch, and which local file a blob that came back is.

use std::collections::BTreeSet;
use std::path::Path;

use crate::names::{OUTPUT_DIR, RunNames};

mod cover;
mod glob;
mod matcher;
#[cfg(test)]
mod properties;

use cover::fixed_directory;
pub(crate) use matcher::Matcher;

/// What is to come back, whatever the run's names will be.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutputSpec {
    /// Which files are meant.
    matcher: Matcher,
    /// What Batch is asked for: at least those files.
    patterns: Patterns,
    /// The local directory that stands for the container's output directory.
    output_dir: Option<String>,
    everything: bool,
}

/// Patterns for Batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns {
    /// Relative to the working directory.
    patterns: Vec<String>,
    /// Their directories before the first wildcard, each once, in order.
    directories: Vec<String>,
}

/// One output pattern and the place its blobs go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// For Batch: relative to the task's `wd`.
    pub(crate) file_pattern: String,
    /// For Batch: the blob's whole name, or with a wildcard the directory that keeps the sub-paths.
    pub(crate) destination: String,
}

impl OutputSpec {
    /// Reads the patterns of a flow, which Kestra matches in `working_dir`. With `everything`, the whole working
    /// directory comes back. `fits` says whether Batch takes so many patterns.
    pub(crate) fn new(
        files: &[String],
        (output_dir, everything): (Option<&str>, bool),
        working_dir: &Path,
        fits: impl Fn(&Patterns) -> bool,
    ) -> Self {
        let (matcher, mut shapes) = Matcher::new(files, working_dir);
        if everything {
            shapes = vec![cover::everything()];
        } else if output_dir.is_some() {
            shapes.extend(cover::exactly(OUTPUT_DIR).into_iter().map(cover::below));
        }
        let patterns = cover::patterns(&shapes, |patterns| fits(&Patterns::new(patterns.to_vec())));
        let output_dir = output_dir.map(str::to_owned);
        Self { matcher, patterns: Patterns::new(patterns), output_dir, everything }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.patterns.is_empty() && self.matcher.len() == 0
    }

    /// Whether the whole working directory comes back.
    pub(crate) fn everything(&self) -> bool {
        self.everything
    }

    /// Whether files may be asked for in any directory.
    pub(crate) fn is_deep(&self) -> bool {
        self.patterns.patterns.iter().any(|pattern| pattern.contains("**"))
    }

    pub(crate) fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    pub(crate) fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// The local name of a file of the container's working directory.
    pub(crate) fn local_name(&self, name: &str) -> String {
        match (&self.output_dir, self.in_output_dir(name)) {
            (Some(local), Some(rest)) => format!("{local}/{rest}"),
            (Some(local), None) if name == OUTPUT_DIR => local.clone(),
            _ => name.to_owned(),
        }
    }

    /// The name below the container's output directory, if that comes back.
    pub(crate) fn in_output_dir<'a>(&self, name: &'a str) -> Option<&'a str> {
        self.output_dir.as_ref()?;
        name.strip_prefix(OUTPUT_DIR)?.strip_prefix('/')
    }
}

impl Patterns {
    fn new(patterns: Vec<String>) -> Self {
        let fixed = patterns.iter().map(|pattern| fixed_directory(pattern).to_owned());
        let directories = fixed.collect::<BTreeSet<_>>().into_iter().collect();
        Self { patterns, directories }
    }

    /// The patterns under the names of one run.
    pub(crate) fn outputs(&self, names: &RunNames) -> Vec<Output> {
        self.patterns.iter().map(|pattern| self.output(pattern, names)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.patterns.len()
    }

    fn output(&self, pattern: &str, names: &RunNames) -> Output {
        let fixed = fixed_directory(pattern);
        let number = self.directories.partition_point(|directory| directory.as_str() < fixed);
        let place = names.output(number);
        Output {
            file_pattern: format!("{}/{pattern}", names.directory()),
            destination: match pattern.contains('*') {
                true => place,
                false => format!("{place}/{}", &pattern[fixed.len()..]),
            },
        }
    }

    /// The name, in the container's working directory, of the file that became this blob. None for a blob of anybody
    /// else.
    ///
    /// Where the sub-path of a wildcard starts (at `wd` or at the pattern's fixed part) is not specified; our directory
    /// has a name of its own, so the two can be distinguished.
    pub(crate) fn file_name(&self, blob: &str, names: &RunNames) -> Option<String> {
        let (number, sub_path) = blob.strip_prefix(&names.outputs())?.split_once('/')?;
        let directory = self.directories.get(number.parse::<usize>().ok()?)?;
        match sub_path.strip_prefix(&names.blobs()) {
            Some(name) => Some(name.to_owned()),
            None => Some(format!("{directory}{sub_path}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTORY: &str = "kestra-0000000000000000000a-000000000001";

    fn wanted(files: &[&str], output_dir: Option<&str>) -> OutputSpec {
        let files: Vec<String> = files.iter().map(ToString::to_string).collect();
        OutputSpec::new(&files, (output_dir, false), Path::new("/tmp/wd"), |_| true)
    }

    fn names() -> RunNames {
        RunNames::new("job", DIRECTORY).unwrap()
    }

    #[test]
    fn an_exact_name_is_one_blob_and_comes_back_under_its_name() {
        let wanted = wanted(&["/a dir/b.json"], None);
        let output = wanted.patterns().outputs(&names()).remove(0);
        assert_eq!(output.file_pattern, format!("{DIRECTORY}/a dir/b.json"));
        assert_eq!(output.destination, format!("{DIRECTORY}/out/0/b.json"));
        let blob = format!("{DIRECTORY}/out/0/b.json");
        assert_eq!(wanted.patterns().file_name(&blob, &names()).unwrap(), "a dir/b.json");
        let other = format!("{DIRECTORY}/out/1/a dir/b.json");
        assert_eq!(wanted.patterns().file_name(&other, &names()), None);
    }

    #[test]
    fn a_wildcards_sub_path_may_start_at_wd_or_at_the_fixed_part() {
        let wanted = wanted(&["data/*/x.csv", "b"], None);
        let outputs = wanted.patterns().outputs(&names());
        assert!(outputs.iter().any(|one| one.destination == format!("{DIRECTORY}/out/1")));
        for blob in [
            &format!("{DIRECTORY}/out/1/{DIRECTORY}/data/1/x.csv"),
            &format!("{DIRECTORY}/out/1/1/x.csv"),
        ] {
            assert_eq!(
                wanted.patterns().file_name(blob, &names()).unwrap(),
                "data/1/x.csv",
                "{blob}"
            );
        }
    }

    #[test]
    fn the_dollar_sign_of_a_name_is_not_a_variable() {
        let output = wanted(&["$HOME.txt"], None).patterns().outputs(&names()).remove(0);
        assert!(!output.file_pattern.contains('$'), "{output:?}");
    }

    #[test]
    fn the_output_directory_comes_back_under_its_local_name() {
        let wanted = wanted(&[], Some("5Kpf"));
        let output = wanted.patterns().outputs(&names()).remove(0);
        assert_eq!(output.file_pattern, format!("{DIRECTORY}/kestra-output/**/*"));
        let name =
            wanted.patterns().file_name(&format!("{DIRECTORY}/out/0/a/b"), &names()).unwrap();
        assert_eq!(wanted.local_name(&name), "5Kpf/a/b");
        assert_eq!(wanted.local_name("kestra-output"), "5Kpf");
        assert_eq!(wanted.local_name("kestra-outputs/a"), "kestra-outputs/a");
    }

    #[test]
    fn everything_is_asked_for_once() {
        let files = ["a".to_owned()];
        let wanted = OutputSpec::new(&files, (Some("5Kpf"), true), Path::new("/tmp/wd"), |_| true);
        assert_eq!(wanted.patterns().len(), 6, "{:?}", wanted.patterns());
        assert_eq!(wanted.matcher().matches("a"), [0]);
    }
}
