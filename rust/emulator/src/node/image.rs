//! The container images, which are directories of this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The registered images by full name.
pub(crate) struct Images(BTreeMap<String, Image>);

/// An image: a directory of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Image {
    /// A complete root file system.
    Root(PathBuf),
    /// A directory that is mounted at `/opt/image`, on top of this machine's `/usr`.
    Overlay(PathBuf),
}

impl Image {
    pub(crate) fn path(&self) -> &Path {
        let (Image::Root(path) | Image::Overlay(path)) = self;
        path
    }
}

impl Images {
    pub(crate) fn new(images: &BTreeMap<String, PathBuf>) -> Images {
        let image = |path: &PathBuf| match path.join("bin/sh").exists() {
            true => Image::Root(path.clone()),
            false => Image::Overlay(path.clone()),
        };
        Images(images.iter().map(|(name, path)| (full_name(name), image(path))).collect())
    }

    /// Returns the image of this name; `None` if there is none to pull.
    pub(crate) fn find(&self, name: &str) -> Option<&Image> {
        self.0.get(&full_name(name))
    }

    /// Returns the full names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// Completes a name as docker does: registry, `library/` and `:latest` where they are missing.
pub(super) fn full_name(name: &str) -> String {
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", name),
    };
    let library = if registry == "docker.io" && !path.contains('/') { "library/" } else { "" };
    let last = path.rsplit('/').next().unwrap_or(path);
    let tag = if last.contains([':', '@']) { "" } else { ":latest" };
    format!("{registry}/{library}{path}{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_docker_does() {
        let cases = [
            ("ubuntu", "docker.io/library/ubuntu:latest"),
            ("ubuntu:24.04", "docker.io/library/ubuntu:24.04"),
            ("kestra/kestra", "docker.io/kestra/kestra:latest"),
            ("docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
            ("ghcr.io/kestra-io/pydata:latest", "ghcr.io/kestra-io/pydata:latest"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
            ("ubuntu@sha256:00", "docker.io/library/ubuntu@sha256:00"),
        ];
        for (name, full) in cases {
            assert_eq!(full_name(name), full);
        }
    }
}
