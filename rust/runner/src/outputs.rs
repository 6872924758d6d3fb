//! What a flow's `outputFiles` mean to Azure Batch, and which local file a blob that came back is.

use crate::Invalid;
use crate::names::{OUTPUT_DIR, RunNames};

mod budget;
mod glob;
#[cfg(test)]
mod properties;

use budget::{Budget, quoted};

const WILDCARDS: [char; 3] = ['*', '?', '['];

/// What is to come back, whatever the run's names will be.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutputSpec {
    /// Patterns for Batch, relative to the working directory.
    patterns: Vec<String>,
    /// Files that a flow's author expects by name.
    expected: Vec<String>,
    /// The local directory that stands for the container's output directory.
    output_dir: Option<String>,
}

/// One output pattern and the place its blobs go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// For Batch: relative to the task's `wd`.
    pub(crate) file_pattern: String,
    /// For Batch: the blob's whole name, or with a wildcard the directory that keeps the sub-paths.
    pub(crate) destination: String,
    /// The pattern's leading directories without a wildcard, with `/` at the end; the whole name if exact.
    fixed: String,
    /// Our working directory in `wd`, with `/` at the end.
    directory: String,
    exact: bool,
}

impl OutputSpec {
    /// Reads the patterns of a flow: Java's globs, `*`, `**`, `?`, `[…]`, `{a,b}`, `\` before a literal.
    /// With `everything`, the whole working directory comes back.
    ///
    /// # Errors
    /// A pattern that is empty, absolute, leads out of the working directory or has too many wildcards, and patterns
    /// that are too long, each or together.
    pub(crate) fn new(
        files: &[String],
        output_dir: Option<&str>,
        everything: bool,
    ) -> Result<Self, Invalid> {
        let mut globs = written_out(files)?;
        globs.iter().try_for_each(|glob| check_relative(glob))?;
        let expected = globs.iter().filter(|glob| is_exact(glob)).cloned().collect();
        if everything {
            globs = vec!["**/*".to_owned()];
        } else if output_dir.is_some() {
            globs.push(format!("{OUTPUT_DIR}/**/*"));
        }
        let mut budget = Budget::for_batch();
        let patterns: Result<Vec<_>, _> =
            globs.iter().map(|glob| glob::batch_patterns(glob, &mut budget)).collect();
        Ok(Self {
            patterns: patterns?.concat(),
            expected,
            output_dir: output_dir.map(str::to_owned),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Files expected by name; a wildcard may match nothing.
    pub(crate) fn expected(&self) -> &[String] {
        &self.expected
    }

    /// The patterns under the names of one run.
    pub(crate) fn outputs(&self, names: &RunNames) -> Vec<Output> {
        let patterns = self.patterns.iter().enumerate();
        patterns.map(|(n, pattern)| Output::new(pattern, names, n)).collect()
    }

    /// The local name of a file of the container's working directory.
    pub(crate) fn local_name(&self, name: &str) -> String {
        let in_output_dir = name.strip_prefix(OUTPUT_DIR).and_then(|rest| rest.strip_prefix('/'));
        match (in_output_dir, &self.output_dir) {
            (Some(rest), Some(local)) => format!("{local}/{rest}"),
            _ => name.to_owned(),
        }
    }
}

impl Output {
    fn new(pattern: &str, names: &RunNames, n: usize) -> Self {
        let exact = is_exact(pattern);
        let place = names.output(n);
        let directory = format!("{}/", names.directory());
        Self {
            // `$VAR` would be expanded by the node.
            file_pattern: format!("{directory}{}", pattern.replace('$', "[$]")),
            destination: if exact { format!("{place}/{pattern}") } else { place },
            fixed: if exact { pattern.to_owned() } else { fixed_part(pattern) },
            directory,
            exact,
        }
    }

    /// The name, in the container's working directory, of the file that became this blob. None for a
    /// blob of anybody else.
    ///
    /// Where the sub-path of a wildcard starts (at `wd` or at the pattern's fixed part) is not specified;
    /// our directory has a name of its own, so the two can be distinguished.
    pub(crate) fn file_name(&self, blob: &str) -> Option<String> {
        if self.exact {
            return (blob == self.destination).then(|| self.fixed.clone());
        }
        let sub_path = blob.strip_prefix(&self.destination)?.strip_prefix('/')?;
        match sub_path.strip_prefix(&self.directory) {
            Some(name) => Some(name.to_owned()),
            None => Some(format!("{}{sub_path}", self.fixed)),
        }
    }
}

/// The globs without their groups.
fn written_out(files: &[String]) -> Result<Vec<String>, Invalid> {
    let (mut budget, mut globs) = (Budget::for_names(), Vec::new());
    for file in files {
        // No list with it would reach Batch.
        Budget::for_batch().without(1, file.len(), file)?;
        globs.extend(glob::without_groups(file, &mut budget)?);
    }
    Ok(globs)
}

fn check_relative(glob: &str) -> Result<(), Invalid> {
    let leads_out = glob.split('/').any(|part| part == "..");
    if glob.is_empty() || glob.starts_with('/') || leads_out {
        let glob = quoted(glob);
        let reason = format!("{glob} is not a path or pattern inside the working directory");
        return Err(Invalid::new("outputFiles", reason));
    }
    Ok(())
}

fn is_exact(pattern: &str) -> bool {
    !pattern.contains(WILDCARDS) && !pattern.contains('\\')
}

fn fixed_part(pattern: &str) -> String {
    let wildcard = pattern.find(WILDCARDS).unwrap_or(pattern.len());
    let end = pattern[..wildcard].rfind('/').map_or(0, |slash| slash + 1);
    pattern[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTORY: &str = "kestra-0000000000000000000a-000000000001";

    fn wanted(files: &[&str]) -> OutputSpec {
        let files: Vec<String> = files.iter().map(ToString::to_string).collect();
        OutputSpec::new(&files, None, false).unwrap()
    }

    fn names() -> RunNames {
        RunNames::new("job", DIRECTORY).unwrap()
    }

    fn first(pattern: &str) -> Output {
        wanted(&[pattern]).outputs(&names()).remove(0)
    }

    #[test]
    fn an_exact_name_is_one_blob_and_comes_back_under_its_name() {
        let output = first("a dir/b.json");
        assert_eq!(output.file_pattern, format!("{DIRECTORY}/a dir/b.json"));
        assert_eq!(output.destination, format!("{DIRECTORY}/out/0/a dir/b.json"));
        assert_eq!(
            output.file_name(&format!("{DIRECTORY}/out/0/a dir/b.json")).unwrap(),
            "a dir/b.json"
        );
        assert_eq!(output.file_name(&format!("{DIRECTORY}/out/1/a dir/b.json")), None);
        assert_eq!(wanted(&["a", "*.b", "c/d"]).expected(), ["a", "c/d"]);
    }

    #[test]
    fn a_wildcards_sub_path_may_start_at_wd_or_at_the_fixed_part() {
        let output = first("data/*/x.csv");
        assert_eq!(output.destination, format!("{DIRECTORY}/out/0"));
        for blob in [
            &format!("{DIRECTORY}/out/0/{DIRECTORY}/data/1/x.csv"),
            &format!("{DIRECTORY}/out/0/1/x.csv"),
        ] {
            assert_eq!(output.file_name(blob).unwrap(), "data/1/x.csv", "{blob}");
        }
    }

    #[test]
    fn the_dollar_sign_of_a_name_is_not_a_variable() {
        assert_eq!(first("$HOME.txt").file_pattern, format!("{DIRECTORY}/[$]HOME.txt"));
    }

    #[test]
    fn a_path_out_of_the_working_directory_is_refused() {
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "{a,../b}", "*/*/*/*/*/*"] {
            let error = OutputSpec::new(&[bad.to_owned()], None, false).unwrap_err();
            assert_eq!(error.property(), "outputFiles", "{bad}");
        }
    }

    #[test]
    fn the_output_directory_comes_back_under_its_local_name() {
        let wanted = OutputSpec::new(&[], Some("5Kpf"), false).unwrap();
        let output = wanted.outputs(&names()).remove(0);
        assert_eq!(output.file_pattern, format!("{DIRECTORY}/kestra-output/**/*"));
        let name = output.file_name(&format!("{DIRECTORY}/out/0/a/b")).unwrap();
        assert_eq!(wanted.local_name(&name), "5Kpf/a/b");
        assert_eq!(wanted.local_name("kestra-outputs/a"), "kestra-outputs/a");
    }

    #[test]
    fn everything_is_asked_for_once() {
        let wanted = OutputSpec::new(&["a".to_owned()], Some("5Kpf"), true).unwrap();
        assert_eq!(
            wanted.patterns,
            ["**/*", "**/.*", "**/.*/**/*", "**/.*/**/.*", "**/.*/**/.*/**/*", "**/.*/**/.*/**/.*"]
        );
        assert_eq!(wanted.expected(), ["a"]);
    }
}
