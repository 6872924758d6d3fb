//! The container of a task: image, mounts, current directory and environment.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::faults::NodeAction;
use super::image::Image;
use super::run_options::{self, RunOptions};
use super::sandbox::TASK_USER;
use super::{DIRECTORIES, Node, Work, environment, volumes};
use crate::store::task::FailureInfo;
use crate::wire::task::{BindMount, BindSource, ContainerSettings, WorkingDirectory};

/// The environment in which a task runs, ready to start.
pub(super) struct Container {
    /// `None` for a task without a container: it runs on the node's own file system.
    pub(super) image: Option<Image>,
    /// What the arguments of the command line follow: the image's entry point, or another one.
    pub(super) entry_point: Vec<String>,
    pub(super) mounts: Vec<Mount>,
    /// The bytes of `/dev/shm`, if the run options limit them.
    pub(super) shared_memory: Option<u64>,
    /// As the task sees it.
    pub(super) working_directory: PathBuf,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) host_name: String,
    /// Whether it runs as root instead of an unprivileged user.
    pub(super) elevated: bool,
    /// The directory with the node's files for `/etc`.
    pub(super) etc: PathBuf,
}

/// A directory of the node that is mounted in the container.
pub(super) struct Mount {
    pub(super) host: PathBuf,
    pub(super) inside: PathBuf,
    pub(super) read_only: bool,
}

/// Finds the image and prepares the container, or the environment of a task without one.
///
/// # Errors
/// `ContainerTaskSettingsNotFound` for a task without container settings on a container pool,
/// `ContainerPoolNotSupported` for the reverse, `ContainerInvalidImage` if the image cannot be
/// pulled, `ContainerInvalidSettings` for invalid container settings.
pub(super) fn prepare(node: &Node, work: &Work) -> Result<Container, FailureInfo> {
    match (&work.task.container_settings, work.in_container_pool(node)) {
        (Some(settings), true) => with_image(node, work, settings),
        (None, false) => Ok(without_image(node, work)),
        (None, true) => {
            let message = "Container-enabled compute node requires task container settings";
            Err(FailureInfo::user("ContainerTaskSettingsNotFound", message))
        }
        (Some(_), false) => {
            let message = "The pool of the task does not run containers";
            Err(FailureInfo::user("ContainerPoolNotSupported", message))
        }
    }
}

fn with_image(
    node: &Node,
    work: &Work,
    settings: &ContainerSettings,
) -> Result<Container, FailureInfo> {
    let image = pull(node, &settings.image_name)?;
    let options = run_options::parse(settings.container_run_options.as_deref().unwrap_or(""))
        .map_err(invalid_settings)?;
    let plain = without_image(node, work);
    let mut mounts = mounts(node, work, settings)?;
    for volume in &options.volumes {
        mounts.push(volumes::mount(node, work, volume).map_err(invalid_settings)?);
    }
    let mut environment: BTreeMap<_, _> = options.environment.iter().cloned().collect();
    environment.extend(plain.environment);
    Ok(Container {
        entry_point: entry_point(&image, &options),
        image: Some(image),
        mounts,
        shared_memory: options.shared_memory,
        working_directory: working_directory(work, settings, &options),
        environment,
        ..plain
    })
}

/// Returns the entry point. As with docker, the run options can replace and clear it.
fn entry_point(image: &Image, options: &RunOptions) -> Vec<String> {
    match &options.entry_point {
        None => image.entry_point.clone(),
        Some(program) if program.is_empty() => Vec::new(),
        Some(program) => vec![program.clone()],
    }
}

fn pull(node: &Node, name: &str) -> Result<Image, FailureInfo> {
    let failed = |reason| {
        let message = "One or more container images specified are invalid";
        FailureInfo::user("ContainerInvalidImage", message)
            .with("ContainerImage", name)
            .with("Message", reason)
    };
    if node.context.faults.fire(NodeAction::PullImage(name)).is_some() {
        return Err(failed(format!("pulling {name} fails because of an injected fault")));
    }
    let image = node.context.images.find(name).cloned();
    image.ok_or_else(|| failed(format!("no image named {name} is registered")))
}

fn without_image(node: &Node, work: &Work) -> Container {
    Container {
        image: None,
        entry_point: Vec::new(),
        mounts: all_mounts(node, work),
        shared_memory: None,
        working_directory: work.directory.inside().join("wd"),
        environment: environment::variables(node, work),
        host_name: node.id.clone(),
        elevated: node.is_elevated(&work.task),
        etc: node.root.join("etc"),
    }
}

fn invalid_settings(reason: impl Into<String>) -> FailureInfo {
    let message = "At least one value of specified task container settings is invalid";
    FailureInfo::user("ContainerInvalidSettings", message).with("Message", reason)
}

fn working_directory(work: &Work, settings: &ContainerSettings, options: &RunOptions) -> PathBuf {
    let mounts_nothing =
        settings.container_host_batch_bind_mounts.as_ref().is_some_and(Vec::is_empty);
    if let Some(directory) = &options.working_directory {
        directory.into()
    } else if settings.working_directory == Some(WorkingDirectory::ContainerImageDefault)
        || mounts_nothing
    {
        "/".into()
    } else {
        work.directory.inside().join("wd")
    }
}

fn mounts(
    node: &Node,
    work: &Work,
    settings: &ContainerSettings,
) -> Result<Vec<Mount>, FailureInfo> {
    let Some(list) = &settings.container_host_batch_bind_mounts else {
        return Ok(all_mounts(node, work));
    };
    list.iter()
        .map(|bind| Ok(mount(node, work, source(bind, work)?, bind.is_read_only.unwrap_or(false))))
        .collect()
}

/// Returns the mounts of the node's shared directories, the task's directory and that of the job's
/// preparation task. On a real node a task sees the whole root directory, but no task may rely on
/// the files of another.
fn all_mounts(node: &Node, work: &Work) -> Vec<Mount> {
    let shared = DIRECTORIES.iter().filter(|name| **name != "workitems");
    let own = [Some(&work.directory), work.preparation.as_ref()].into_iter().flatten();
    let relative = shared.copied().chain(own.map(|directory| directory.relative.as_str()));
    relative.map(|relative| mount(node, work, relative, false)).collect()
}

fn mount(node: &Node, work: &Work, relative: &str, read_only: bool) -> Mount {
    Mount {
        host: node.root.join(relative),
        inside: work.directory.inside_root.join(relative),
        read_only,
    }
}

/// Returns the directory of a bind mount, relative to the node's root.
fn source<'a>(bind: &BindMount, work: &'a Work) -> Result<&'a str, FailureInfo> {
    match bind.source {
        BindSource::Shared => Ok("shared"),
        BindSource::Startup => Ok("startup"),
        BindSource::VfsMounts => Ok("fsmounts"),
        BindSource::Applications => Ok("applications"),
        BindSource::Task => Ok(&work.directory.relative),
        BindSource::JobPrep => work
            .preparation
            .as_ref()
            .map(|directory| directory.relative.as_str())
            .ok_or_else(|| invalid_settings("the job has no job preparation task")),
    }
}

/// Writes the files of `/etc` that describe users and hosts.
///
/// # Errors
/// When they cannot be written.
pub(super) fn write_etc(root: &Path, host_name: &str) -> io::Result<()> {
    let etc = root.join("etc");
    std::fs::create_dir_all(&etc)?;
    let (user, group) = ("root:x:0:0:root:/root:/bin/sh", "root:x:0:");
    let own = format!("_azbatchtask:x:{TASK_USER}:{TASK_USER}::/:/bin/sh");
    std::fs::write(etc.join("passwd"), format!("{user}\n{own}\n"))?;
    std::fs::write(etc.join("group"), format!("{group}\n_azbatchgrp:x:{TASK_USER}:\n"))?;
    std::fs::write(etc.join("hosts"), format!("127.0.0.1 localhost {host_name}\n"))?;
    std::fs::write(etc.join("hostname"), format!("{host_name}\n"))
}
