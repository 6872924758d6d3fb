//! The environment of a task.
//!
//! [Batch runtime environment variables](https://learn.microsoft.com/azure/batch/batch-compute-node-environment-variables)

use std::collections::BTreeMap;
use std::path::Path;

use super::directory::TaskDirectory;
use super::{Node, Work};

/// Returns the variables of a task. The task's settings override the job's, and the service's own
/// variables override both.
pub(super) fn variables(node: &Node, work: &Work) -> BTreeMap<String, String> {
    let own = work.task.environment_settings.iter().flatten();
    let mut variables: BTreeMap<String, String> = work
        .common_environment
        .iter()
        .chain(own)
        .map(|setting| (setting.name.clone(), setting.value.clone().unwrap_or_default()))
        .collect();
    variables.extend(batch_variables(node, work));
    variables.extend(preparation_variables(work));
    let token = work.token.iter().cloned();
    variables.extend(token.map(|token| ("AZ_BATCH_AUTHENTICATION_TOKEN".to_owned(), token)));
    variables
}

/// Returns the variables for the directory of the job's preparation task.
fn preparation_variables(work: &Work) -> Vec<(String, String)> {
    let Some(directory) = work.preparation.as_ref().map(TaskDirectory::inside) else {
        return Vec::new();
    };
    vec![
        ("AZ_BATCH_JOB_PREP_DIR".to_owned(), text(&directory)),
        ("AZ_BATCH_JOB_PREP_WORKING_DIR".to_owned(), text(&directory.join("wd"))),
    ]
}

fn batch_variables(node: &Node, work: &Work) -> Vec<(String, String)> {
    let root = &work.directory.inside_root;
    let task = work.directory.inside();
    let of_job = work
        .job_id
        .iter()
        .flat_map(|job| [("JOB_ID", job.clone()), ("TASK_ID", work.task.id.clone())]);
    let of_node = [
        ("ACCOUNT_NAME", node.context.account.clone()),
        ("ACCOUNT_URL", node.context.account_url.clone()),
        ("POOL_ID", node.pool_id.clone()),
        ("NODE_ID", node.id.clone()),
        ("NODE_IS_DEDICATED", node.is_dedicated.to_string()),
        ("NODE_ROOT_DIR", text(root)),
        ("NODE_SHARED_DIR", text(&root.join("shared"))),
        ("NODE_STARTUP_DIR", text(&root.join("startup"))),
        ("NODE_MOUNTS_DIR", text(&root.join("fsmounts"))),
        ("TASK_DIR", text(&task)),
        ("TASK_WORKING_DIR", text(&task.join("wd"))),
    ];
    let all = of_node.into_iter().chain(of_job);
    all.map(|(name, value)| (format!("AZ_BATCH_{name}"), value)).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
