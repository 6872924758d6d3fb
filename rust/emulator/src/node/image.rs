//! The container images, which are directories of this machine.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The file in an image's directory that names its ENTRYPOINT: a JSON array, as in a Dockerfile.
pub(super) const ENTRY_POINT: &str = "entrypoint.json";

/// The registered images by full name.
pub(crate) struct Images(BTreeMap<String, Image>);

/// An image: a directory of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(super) files: ImageFiles,
    /// The program, with its first arguments, that runs each command. Empty without one.
    pub(super) entry_point: Vec<String>,
}

/// The files of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageFiles {
    /// A complete root file system.
    Root(PathBuf),
    /// A directory that is mounted at `/opt/image`, on top of this machine's `/usr`.
    Overlay(PathBuf),
}

impl Image {
    /// Reads the image in a directory.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn read(path: &Path) -> Result<Image, String> {
        if !path.is_dir() {
            return Err("it is not a directory".to_owned());
        }
        let files = match path.join("bin/sh").exists() {
            true => ImageFiles::Root(path.to_owned()),
            false => ImageFiles::Overlay(path.to_owned()),
        };
        Ok(Image { files, entry_point: entry_point(path)? })
    }

    pub(super) fn path(&self) -> &Path {
        let (ImageFiles::Root(path) | ImageFiles::Overlay(path)) = &self.files;
        path
    }
}

fn entry_point(image: &Path) -> Result<Vec<String>, String> {
    match std::fs::read(image.join(ENTRY_POINT)) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| format!("its {ENTRY_POINT} is not a JSON array of strings: {error}")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("its {ENTRY_POINT} cannot be read: {error}")),
    }
}

impl Images {
    /// Returns the images by the names that they are given.
    pub(crate) fn new(images: BTreeMap<String, Image>) -> Images {
        Images(images.into_iter().map(|(name, image)| (full_name(&name), image)).collect())
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
