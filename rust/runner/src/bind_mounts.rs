//! The directories of the node that a task's container sees.

use azure::batch::{BindMount, BindSource};

use crate::Invalid;
use crate::request;

const PROPERTY: &str = "containerHostBatchBindMounts";

/// None for all that Batch has below its root directory, which is what it mounts where nothing is said.
///
/// # Errors
/// If the task's own directory is not among them: the script, the files and the log of the run are there.
pub(crate) fn bind_mounts(
    mounts: Option<&[request::BindMount]>,
) -> Result<Option<Vec<BindMount>>, Invalid> {
    let Some(mounts) = mounts else { return Ok(None) };
    let mounts = mounts.iter().map(bind_mount).collect::<Result<Vec<_>, _>>()?;
    let own = mounts.iter().find(|mount| mount.source == BindSource::Task);
    if own.is_none_or(|own| own.is_read_only) {
        let reason = "TASK must be among them, and not be read-only: the commands and files of the task are in that directory";
        return Err(Invalid::new(PROPERTY, reason));
    }
    Ok(Some(mounts))
}

fn bind_mount(mount: &request::BindMount) -> Result<BindMount, Invalid> {
    let missing =
        || Invalid::new("containerHostBatchBindMounts.source", "it is required, and empty");
    let source = match mount.source.ok_or_else(missing)? {
        request::BindSource::Task => BindSource::Task,
        request::BindSource::Shared => BindSource::Shared,
        request::BindSource::Startup => BindSource::Startup,
        request::BindSource::VfsMounts => BindSource::VfsMounts,
        request::BindSource::Applications => BindSource::Applications,
    };
    Ok(BindMount { source, is_read_only: mount.is_read_only == Some(true) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(json: serde_json::Value) -> Result<Option<Vec<BindMount>>, String> {
        let mounts: Vec<request::BindMount> = serde_json::from_value(json).unwrap();
        bind_mounts(Some(&mounts)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_directory_of_the_task_is_always_among_them() {
        let shared = BindMount { source: BindSource::Shared, is_read_only: true };
        let task = BindMount { source: BindSource::Task, is_read_only: false };
        let sent = mounts(serde_json::json!([
            {"source": "SHARED", "isReadOnly": true},
            {"source": "TASK", "isReadOnly": null},
        ]));
        assert_eq!(sent, Ok(Some(vec![shared, task])));
        for wrong in [
            serde_json::json!([]),
            serde_json::json!([{"source": "SHARED", "isReadOnly": false}]),
            serde_json::json!([{"source": "TASK", "isReadOnly": true}]),
        ] {
            let error = mounts(wrong).unwrap_err();
            assert!(error.starts_with("containerHostBatchBindMounts: TASK must be"), "{error}");
        }
        assert_eq!(bind_mounts(None), Ok(None));
    }

    #[test]
    fn a_mount_without_a_source_is_refused_by_its_name() {
        let error = mounts(serde_json::json!([{"source": null, "isReadOnly": null}])).unwrap_err();
        assert!(
            error.starts_with("containerHostBatchBindMounts.source: it is required"),
            "{error}"
        );
    }
}
