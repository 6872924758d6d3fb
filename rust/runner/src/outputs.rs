//! What a flow's `outputFiles` mean to Azure Batch, and which local file a blob that came back is.

use crate::Invalid;
use crate::names::BlobNames;

const WILDCARDS: [char; 3] = ['*', '?', '['];

/// One output pattern of the flow, and the place its blobs go to.
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

/// All outputs of a flow. Wildcards are `*`, `**`, `?`, `[…]`; `{a,b}` becomes a pattern each.
///
/// # Errors
/// A pattern that is empty, absolute or leads out of the working directory.
pub(crate) fn outputs(
    patterns: &[String],
    output_dir: Option<&str>,
    directory: &str,
    names: &BlobNames,
) -> Result<Vec<Output>, Invalid> {
    let patterns: Vec<String> = patterns
        .iter()
        .flat_map(|pattern| expand_braces(pattern))
        .chain(output_dir.map(|dir| format!("{dir}/**/*")))
        .collect();
    patterns
        .iter()
        .enumerate()
        .map(|(n, pattern)| Output::new(pattern, directory, names.output(n)))
        .collect()
}

impl Output {
    fn new(pattern: &str, directory: &str, destination: String) -> Result<Self, Invalid> {
        check_relative(pattern)?;
        let exact = !pattern.contains(WILDCARDS);
        let destination = if exact { format!("{destination}/{pattern}") } else { destination };
        Ok(Self {
            // `$VAR` would be expanded by the node.
            file_pattern: format!("{directory}/{}", pattern.replace('$', "[$]")),
            destination,
            fixed: if exact { pattern.to_owned() } else { fixed_part(pattern) },
            directory: format!("{directory}/"),
            exact,
        })
    }

    /// The name of a file that a flow's author expects to be there. A wildcard may match nothing.
    pub(crate) fn exact_name(&self) -> Option<&str> {
        self.exact.then_some(&*self.fixed)
    }

    /// The local name of a blob that this pattern brought, or nothing for somebody else's blob.
    ///
    /// Where the sub-path of a wildcard starts (at `wd` or at the pattern's fixed part) is not specified;
    /// our directory has a name of its own, so the two can be told apart.
    pub(crate) fn local_name(&self, blob: &str) -> Option<String> {
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

fn check_relative(pattern: &str) -> Result<(), Invalid> {
    let leads_out = pattern.split('/').any(|part| part == "..");
    if pattern.is_empty() || pattern.starts_with('/') || leads_out {
        let reason = format!("'{pattern}' is not a path or pattern inside the working directory");
        return Err(Invalid::new("outputFiles", reason));
    }
    Ok(())
}

fn fixed_part(pattern: &str) -> String {
    let wildcard = pattern.find(WILDCARDS).unwrap_or(pattern.len());
    let end = pattern[..wildcard].rfind('/').map_or(0, |slash| slash + 1);
    pattern[..end].to_owned()
}

/// `a.{x,y}` → `a.x`, `a.y`. Groups do not nest, as in Java's globs.
fn expand_braces(pattern: &str) -> Vec<String> {
    let group = pattern.split_once('{').and_then(|(head, rest)| {
        let (choices, tail) = rest.split_once('}')?;
        Some((head, choices, tail))
    });
    let Some((head, choices, tail)) = group else {
        return vec![pattern.to_owned()];
    };
    choices.split(',').flat_map(|choice| expand_braces(&format!("{head}{choice}{tail}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(pattern: &str) -> Output {
        let names = BlobNames::new("p");
        outputs(&[pattern.to_owned()], None, "kestra-1", &names).unwrap().remove(0)
    }

    #[test]
    fn an_exact_name_is_one_blob_and_comes_back_under_its_name() {
        let output = one("a dir/b.json");
        assert_eq!(output.file_pattern, "kestra-1/a dir/b.json");
        assert_eq!(output.destination, "p/out/0/a dir/b.json");
        assert_eq!(output.local_name("p/out/0/a dir/b.json").unwrap(), "a dir/b.json");
        assert_eq!(output.local_name("p/out/1/a dir/b.json"), None);
    }

    #[test]
    fn a_wildcards_sub_path_may_start_at_wd_or_at_the_fixed_part() {
        let output = one("data/*/x.csv");
        assert_eq!(output.destination, "p/out/0");
        for blob in ["p/out/0/kestra-1/data/1/x.csv", "p/out/0/1/x.csv"] {
            assert_eq!(output.local_name(blob).unwrap(), "data/1/x.csv", "{blob}");
        }
    }

    #[test]
    fn braces_become_a_pattern_each() {
        assert_eq!(expand_braces("{a,b}/x.{c,d}"), ["a/x.c", "a/x.d", "b/x.c", "b/x.d"]);
        assert_eq!(expand_braces("a{"), ["a{"]);
    }

    #[test]
    fn the_dollar_sign_of_a_name_is_not_a_variable() {
        assert_eq!(one("$HOME.txt").file_pattern, "kestra-1/[$]HOME.txt");
    }

    #[test]
    fn a_path_out_of_the_working_directory_is_refused() {
        for bad in ["", "/etc/passwd", "../x", "a/../../x"] {
            let error = outputs(&[bad.to_owned()], None, "d", &BlobNames::new("p")).unwrap_err();
            assert_eq!(error.property(), "outputFiles", "{bad}");
        }
    }

    #[test]
    fn the_output_directory_comes_back_whole() {
        let outputs = outputs(&[], Some("out"), "kestra-1", &BlobNames::new("p")).unwrap();
        assert_eq!(outputs[0].file_pattern, "kestra-1/out/**/*");
        assert_eq!(outputs[0].local_name("p/out/0/a/b").unwrap(), "out/a/b");
    }
}
