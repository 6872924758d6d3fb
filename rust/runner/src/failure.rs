//! What Azure says went wrong, in words that say what to change.

use azure::batch::{FailureInfo, TaskExecutionInfo, TaskResult};

use crate::refused::{NODES, meaning_of};

/// Returns why a completed task failed; `None` if it succeeded.
///
/// A task that was ended while it ran may have the exit code of its killed command beside its `failureInfo`, which then
/// says more. Without both, `result` decides.
pub(crate) fn of_task(info: Option<&TaskExecutionInfo>, image: &str) -> Option<String> {
    if let Some(error) = info.and_then(container_error) {
        return Some(format!(
            "{} ({})",
            not_started(error, image),
            azure::without_signatures(error)
        ));
    }
    let failure = info.and_then(|info| info.failure_info.as_ref());
    let exit_code = info.and_then(|info| info.exit_code);
    let own_exit = failure.is_none_or(|failure| failure.code.as_deref() == Some("FailureExitCode"));
    match (exit_code.filter(|code| *code != 0), failure) {
        (Some(code), _) if own_exit => Some(format!("The task exited with code {code}")),
        (_, Some(failure)) => Some(in_words(failure, image)),
        _ if exit_code.is_some() => None,
        _ if info.is_some_and(|info| info.result == Some(TaskResult::Success)) => None,
        _ => Some("The task ended without an exit code".to_owned()),
    }
}

/// A container that could not be started may have an exit code all the same (docker says 126 and 127), which is then
/// not the command's.
fn container_error(info: &TaskExecutionInfo) -> Option<&str> {
    let error = info.container_info.as_ref()?.error.as_deref()?.trim();
    (!error.is_empty()).then_some(error)
}

/// The sentence for a command that could not be started. `said` is what the container engine says of it.
fn not_started(said: &str, image: &str) -> String {
    if said.to_ascii_lowercase().contains("exec format error") {
        return format!(
            "containerImage: the image '{image}' is not for the processors of the pool's nodes"
        );
    }
    format!(
        "containerImage: the command could not be started in the image '{image}', which needs /bin/sh and, where \
         `entryPoint` names one, that program; name an image with a shell, or add one to it"
    )
}

/// Whether the words are those of a container engine for a program that it cannot start.
fn is_not_startable(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["exec format error", "executable file not found", "exec: \"", "starting container process"]
        .iter()
        .any(|words| said.contains(words))
}

/// Whether the service reports a failure: of the command, or of what the node does before and after it. True as well
/// where it says nothing of the task's execution.
pub(crate) fn has_failure_info(info: Option<&TaskExecutionInfo>) -> bool {
    info.is_none_or(|info| info.failure_info.is_some())
}

/// One sentence for a task's `failureInfo`, followed by its code and the service's own words.
///
/// [Task failure codes](https://learn.microsoft.com/azure/batch/batch-task-output)
pub(crate) fn in_words(failure: &FailureInfo, image: &str) -> String {
    let code = failure.code.as_deref().unwrap_or("no code");
    let said: Vec<String> = failure
        .message
        .iter()
        .cloned()
        .chain(failure.details.iter().map(|d| format!("{}: {}", d.name, d.value)))
        .map(|text| azure::without_signatures(&text))
        .collect();
    let said = if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
    let refusal = is_transfer(code).then(|| meaning_of(&said, NODES)).flatten();
    let refusal = refusal.map(|meaning| format!(": {meaning}")).unwrap_or_default();
    let is_container = code.starts_with("Container") && code != "ContainerInvalidImage";
    let meaning = match is_container && is_not_startable(&said) {
        true => not_started(&said, image),
        false => explain(code, image, &said),
    };
    format!("{meaning}{refusal} ({code}{said})")
}

fn explain(code: &str, image: &str, said: &str) -> String {
    match code {
        "ContainerInvalidImage" => {
            format!("containerImage: the image '{image}' could not be pulled")
        }
        "ContainerInvalidRegistry" => {
            format!("containerImage: the registry of '{image}' refused or does not exist")
        }
        "ContainerInvalidSettings" => "The node refused the container's settings".to_owned(),
        "CommandProgramNotFound" | "CommandLaunchFailed" => not_started(said, image),
        "BlobAccessDenied" | "ResourceContainerAccessDenied" => {
            "blobStorage: the node may not read the staged input files".to_owned()
        }
        "DiskFull" => "The node's disk is full; clean it or use a larger VM size".to_owned(),
        "TaskEnded" => "The task was ended before its command was done".to_owned(),
        code if code.starts_with("FileUpload") => {
            "outputFiles: the node could not upload the output files".to_owned()
        }
        code if is_transfer(code) => {
            "The node could not download the staged input files".to_owned()
        }
        _ => "The task failed".to_owned(),
    }
}

/// True where a node could not get a file from storage, or bring it there.
fn is_transfer(code: &str) -> bool {
    ["Blob", "Resource", "FileUpload"].iter().any(|start| code.starts_with(start))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::recorded_answers::recorded_answers;

    fn failure(code: &str) -> FailureInfo {
        let details = serde_json::json!([{"name": "BlobUrl", "value": "https://h/c?sig=canary"}]);
        let json = serde_json::json!({
            "category": "usererror", "code": code, "message": "as Azure says", "details": details,
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_task_that_was_ended_is_not_told_as_one_that_exited() {
        let table = [
            (json!({"exitCode": 0, "result": "success"}), None),
            (json!({"result": "success"}), None),
            (json!({"result": "failure"}), Some("The task ended without an exit code")),
            (json!({}), Some("The task ended without an exit code")),
            (json!({"exitCode": 3}), Some("The task exited with code 3")),
            (ended(3, "FailureExitCode"), Some("The task exited with code 3")),
            (ended(137, "TaskEnded"), Some("The task was ended before its command was done")),
            (ended(-9, "DiskFull"), Some("The node's disk is full")),
            (ended(0, "FileUploadMiscError"), Some("outputFiles: the node could not upload")),
        ];
        for (info, start) in table {
            let text = of_task(Some(&serde_json::from_value(info.clone()).unwrap()), "img");
            let fits =
                text.as_deref().zip(start).is_some_and(|(text, start)| text.starts_with(start));
            assert!(fits || text.as_deref() == start, "{info}: {text:?}");
        }
        assert!(of_task(None, "img").is_some());
    }

    #[test]
    fn every_recorded_failure_of_a_task_is_told_as_what_it_is() {
        let expected = [
            ("that failed", "The task exited with code 3"),
            ("that was terminated while active", "The task was ended before its command was done"),
            ("that was terminated while running", "The task was ended before its command was done"),
            ("whose blob does not exist", "The node could not download the staged input files"),
            ("whose container for output files does not exist", "outputFiles: the node could not"),
            ("whose image does not exist", "containerImage: the image 'img' could not be pulled"),
            ("whose program does not exist", "containerImage: the command could not be started in"),
            ("whose time limit expired", "The task was ended before its command was done"),
            ("without container settings", "The task failed (ContainerTaskSettingsNotFound: "),
        ];
        let tasks = recorded_answers().into_iter().filter_map(|answer| {
            let info =
                answer.body.get("executionInfo").filter(|info| info["failureInfo"].is_object())?;
            Some((answer.exchange.strip_prefix("get a task ")?.to_owned(), info.clone()))
        });
        let told = tasks.map(|(exchange, info)| {
            (exchange, of_task(Some(&serde_json::from_value(info).unwrap()), "img").unwrap())
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told.len(), expected.len());
        for (told, expected) in told.iter().zip(&expected) {
            assert_eq!(told.0, expected.0);
            assert!(told.1.starts_with(expected.1), "{told:?}");
        }
    }

    #[test]
    fn a_container_that_could_not_be_started_is_told_as_that() {
        let no_shell =
            "OCI runtime create failed: exec: \"/bin/sh\": stat /bin/sh: no such file or directory";
        let start = "containerImage: the command could not be started in the image 'img'";
        for (said, start) in [
            (no_shell, start),
            ("exec /bin/sh: exec format error", "containerImage: the image 'img' is not for"),
        ] {
            let details = json!([{"name": "Message", "value": said}]);
            let refused =
                json!({"failureInfo": {"code": "ContainerInvalidSettings", "details": details}});
            let mut exited = ended(127, "FailureExitCode");
            exited["containerInfo"] =
                json!({"containerId": "c", "state": "created", "error": said});
            for info in [refused, exited] {
                let told = of_task(Some(&serde_json::from_value(info.clone()).unwrap()), "img");
                let told = told.unwrap();
                assert!(told.starts_with(start) && told.contains(said), "{info}: {told}");
            }
        }
        let mut exited = ended(3, "FailureExitCode");
        exited["containerInfo"] = json!({"containerId": "c", "state": "exited", "error": ""});
        let told = of_task(Some(&serde_json::from_value(exited).unwrap()), "img");
        assert_eq!(told.as_deref(), Some("The task exited with code 3"));
    }

    fn ended(exit_code: i32, code: &str) -> serde_json::Value {
        json!({"exitCode": exit_code, "failureInfo": {"category": "UserError", "code": code}})
    }

    #[test]
    fn a_storage_account_that_does_not_let_nodes_in_is_told_as_that() {
        let refusal = |code: &str, words: &str| {
            let details = serde_json::json!([{"name": "Details", "value": words}]);
            let failure =
                serde_json::json!({"category": "usererror", "code": code, "details": details});
            in_words(&serde_json::from_value(failure).unwrap(), "img")
        };
        let firewall = "This request is not authorized to perform this operation.\nRequestId:r";
        let text = refusal("BlobAccessDenied", firewall);
        assert!(text.starts_with("blobStorage: the node may not read"), "{text}");
        assert!(text.contains("network rules do not let the pool's nodes in"), "{text}");
        let text = refusal("FileUploadAccessDenied", "403 KeyBasedAuthenticationNotPermitted");
        assert!(
            text.starts_with("outputFiles: ") && text.contains("allowSharedKeyAccess"),
            "{text}"
        );
        let text = refusal("FailureExitCode", firewall);
        assert!(!text.contains("network rules"), "{text}");
    }

    #[test]
    fn every_kind_of_failure_has_words_of_its_own_and_keeps_azures() {
        let table = [
            ("ContainerInvalidImage", "containerImage: the image 'img' could not be pulled"),
            ("ContainerInvalidRegistry", "containerImage: the registry of 'img'"),
            ("ContainerInvalidSettings", "The node refused the container's settings"),
            (
                "CommandProgramNotFound",
                "containerImage: the command could not be started in the image",
            ),
            ("BlobAccessDenied", "blobStorage: the node may not read"),
            ("ResourceContainerListMiscError", "The node could not download"),
            ("FileUploadAccessDenied", "outputFiles: the node could not upload"),
            ("DiskFull", "The node's disk is full"),
            ("TaskEnded", "The task was ended"),
            ("SomethingNew", "The task failed"),
        ];
        for (code, start) in table {
            let text = in_words(&failure(code), "img");
            assert!(text.starts_with(start), "{text}");
            assert!(
                text.contains(&format!("({code}: as Azure says; BlobUrl: https://h/c")),
                "{text}"
            );
            assert!(!text.contains("canary"), "{text}");
        }
    }
}
