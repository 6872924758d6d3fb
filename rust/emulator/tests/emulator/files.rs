//! The files of tasks.

use azure_batch_emulator::{Isolation, Logs};
use serde_json::json;

use crate::support::{Cloud, until};

const FILES: &str = "/jobs/run/tasks/task/files";

#[tokio::test]
async fn a_range_of_a_file_is_answered_with_200() {
    let cloud = Cloud::start().await;
    cloud.run("printf 0123456789").await;
    let path = format!("{FILES}/stdout.txt");
    let part = |range: &str| cloud.client.get(&path).header("ocp-range", range).send();
    assert_eq!(part("bytes=2-4").await.expect(200).text, "234");
    assert_eq!(part("bytes=7-").await.expect(200).text, "789");
    assert_eq!(part("bytes=7-99").await.expect(200).text, "789");
    part("bytes=10-").await.expect_error(416, "InvalidRange");
    part("7-9").await.expect_error(400, "InvalidHeaderValue");
}

#[tokio::test]
async fn the_properties_of_a_file_come_as_headers() {
    let cloud = Cloud::start().await;
    cloud.run("printf 12345; mkdir d").await;
    let file = cloud.client.head(&format!("{FILES}/stdout.txt")).send().await.expect(200);
    assert_eq!(file.header("content-length"), "5");
    assert_eq!(file.header("ocp-batch-file-isdirectory"), "False");
    assert!(file.header("ocp-batch-file-url").ends_with("%2Ffiles%2Fstdout.txt"));
    assert!(file.header("last-modified").ends_with(" GMT"));
    assert_eq!(file.header("ocp-creation-time"), "");
    let directory = cloud.client.head(&format!("{FILES}/wd/d")).send().await.expect(200);
    assert_eq!(directory.header("ocp-batch-file-isdirectory"), "True");
    cloud.client.head(&format!("{FILES}/none")).send().await.expect(404);
}

#[tokio::test]
async fn a_directory_has_no_content() {
    let cloud = Cloud::start().await;
    cloud.run("mkdir d").await;
    cloud.get(&format!("{FILES}/wd/d")).await.expect_error(404, "FileNotFound");
}

#[tokio::test]
async fn files_are_listed_flat_or_recursively_and_by_prefix() {
    let cloud = Cloud::start().await;
    cloud.run("mkdir -p d/e; echo > d/e/f; echo > g").await;
    let flat = cloud.get(FILES).await.expect(200);
    assert_eq!(flat.ids("name"), ["stderr.txt", "stdout.txt", "wd"]);
    assert_eq!(flat.body["value"][2]["isDirectory"], true);
    let list = || cloud.client.get(FILES).query("recursive", "true");
    let all = list().send().await.expect(200);
    let names = ["stderr.txt", "stdout.txt", "wd", "wd/d", "wd/g", "wd/d/e", "wd/d/e/f"];
    assert_eq!(all.ids("name"), names);
    let some = list().query("$filter", "startswith(name,'wd/d/')").send().await.expect(200);
    assert_eq!(some.ids("name"), ["wd/d/e", "wd/d/e/f"]);
    let file = &some.body["value"][1];
    assert_eq!(file["properties"]["contentLength"], "1");
}

#[tokio::test]
async fn files_whose_names_differ_only_in_case_are_all_listed() {
    let cloud = Cloud::start().await;
    cloud.run("touch a A b B").await;
    let list = cloud.client.get(FILES).query("recursive", "true").query("maxresults", "1");
    let mut page = list.query("$filter", "startswith(name,'wd/')").send().await.expect(200);
    let mut seen = page.ids("name");
    while let Some(link) = page.body["odata.nextLink"].as_str() {
        page = cloud.client.follow(link).await.expect(200);
        seen.extend(page.ids("name"));
    }
    assert_eq!(seen, ["wd/A", "wd/a", "wd/B", "wd/b"]);
}

#[tokio::test]
async fn names_with_special_characters_are_found() {
    let cloud = Cloud::start().await;
    cloud.run("mkdir 'a b'; echo here > 'a b/50%#+é.txt'").await;
    let path = format!("{FILES}/wd/a%20b/50%25%23%2B%C3%A9.txt");
    assert_eq!(cloud.get(&path).await.expect(200).text, "here\n");
    let list = cloud.client.get(FILES).query("recursive", "true").send().await.expect(200);
    let url = list.body["value"].as_array().unwrap().last().unwrap()["url"].as_str().unwrap();
    assert!(url.ends_with(&path), "{url}");
}

#[tokio::test]
async fn a_path_cannot_leave_the_tasks_directory() {
    let cloud = Cloud::start().await;
    cloud.run("true").await;
    for path in
        ["..%2F..%2F..%2Fetc%2Fhosts", "wd%2F..%2Fstdout.txt", "%2Fetc%2Fpasswd", "..%2Fother"]
    {
        let reply = cloud.get(&format!("{FILES}/{path}")).await;
        reply.expect_error(404, "FileNotFound");
    }
}

#[tokio::test]
async fn a_link_cannot_lead_out_of_the_tasks_directory() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let cloud = Cloud::start_with(|settings| settings.isolation = Isolation::None).await;
    let target = secret.path().display();
    cloud.run(&format!("cat {target}; ln -s {target} out; ln -s ../stdout.txt in")).await;
    assert_eq!(cloud.output("wd/in").await, "secret");
    cloud.get(&format!("{FILES}/wd/out")).await.expect_error(404, "FileNotFound");
}

#[tokio::test]
async fn a_task_that_did_not_run_has_no_files() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"poolInfo": {"poolId": "later"}})).await;
    cloud.script("job", "task", "true").await;
    let reply = cloud.get("/jobs/job/tasks/task/files/stdout.txt").await;
    reply.expect_error(409, "OperationInvalidForCurrentState");
    cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    let reply = cloud.get("/jobs/job/tasks/task/files/stdout.txt").await;
    reply.expect_error(409, "TaskFilesUnavailable");
}

#[tokio::test]
async fn files_are_cleaned_up_when_the_retention_time_is_over() {
    let cloud = Cloud::start().await;
    cloud.run_with("true", json!({"constraints": {"retentionTime": "PT0.1S"}})).await;
    let reply = until("the files are gone", || async {
        let reply = cloud.get(&format!("{FILES}/stdout.txt")).await;
        (reply.status != 200).then_some(reply)
    })
    .await;
    reply.expect_error(409, "TaskFilesCleanedup");
}

#[tokio::test]
async fn logs_that_come_at_the_end_do_not_exist_before() {
    let cloud = Cloud::start_with(|settings| settings.logs = Logs::AtEnd).await;
    cloud.job("run").await;
    let script = "echo up; ln -s ../stdout.txt link; touch ready; sleep 600";
    cloud.script("run", "task", script).await;
    until("a file of the task", || async {
        (cloud.get(&format!("{FILES}/wd/ready")).await.status == 200).then_some(())
    })
    .await;
    for name in ["stdout.txt", "stderr.txt", "wd/link"] {
        cloud.get(&format!("{FILES}/{name}")).await.expect_error(404, "FileNotFound");
        cloud.client.head(&format!("{FILES}/{name}")).send().await.expect(404);
    }
    let list = || cloud.client.get(FILES).query("recursive", "true").send();
    assert_eq!(list().await.expect(200).ids("name"), ["wd", "wd/ready"]);
    cloud.client.post("/jobs/run/tasks/task/terminate").send().await.expect(204);
    cloud.completed("run", "task").await;
    assert_eq!(cloud.output("stdout.txt").await, "up\n");
    assert_eq!(list().await.expect(200).ids("name").len(), 5);
}

#[tokio::test]
async fn a_file_of_a_task_can_be_deleted_and_a_directory_with_all_that_is_in_it() {
    let cloud = Cloud::start().await;
    cloud.run("mkdir -p d/e f; touch d/e/g; ln -s d/e/g link").await;
    let delete = |name: &str| cloud.client.delete(&format!("{FILES}/{name}"));
    delete("wd/link").send().await.expect(200);
    delete("stdout.txt").send().await.expect(200);
    delete("stdout.txt").send().await.expect_error(404, "FileNotFound");
    delete("wd/f").send().await.expect(200);
    delete("wd/d").send().await.expect_error(403, "IOError");
    assert!(cloud.get(&format!("{FILES}/wd/d/e/g")).await.status == 200);
    delete("wd/d").query("recursive", "true").send().await.expect(200);
    let list = cloud.client.get(FILES).query("recursive", "true").send().await.expect(200);
    assert_eq!(list.ids("name"), ["stderr.txt", "wd"]);
    delete("wd%2F..").query("recursive", "true").send().await.expect_error(404, "FileNotFound");
    delete(".").query("recursive", "true").send().await.expect(403);
}
