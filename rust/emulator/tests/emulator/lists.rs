//! Lists: pages, filters and selections.

use serde_json::json;

use crate::support::Cloud;
use crate::support::client::escape;

async fn cloud_with_jobs(count: usize) -> Cloud {
    let cloud = Cloud::start().await;
    for number in 0..count {
        cloud.job(&format!("Job-{number}")).await;
    }
    cloud
}

#[tokio::test]
async fn a_list_is_read_page_by_page_through_its_links() {
    let cloud = cloud_with_jobs(5).await;
    let request = cloud.client.get("/jobs").query("maxresults", "2");
    let mut page = request.query("$filter", "startswith(id,'job')").send().await.expect(200);
    let mut seen = vec![page.ids("id")];
    while let Some(link) = page.body["odata.nextLink"].as_str() {
        page = cloud.client.follow(link).await.expect(200);
        seen.push(page.ids("id"));
    }
    assert_eq!(seen, [vec!["Job-0", "Job-1"], vec!["Job-2", "Job-3"], vec!["Job-4"]]);
}

#[tokio::test]
async fn jobs_that_have_not_ended_come_first_and_none_is_left_out_when_one_ends_between_pages() {
    let cloud = cloud_with_jobs(4).await;
    for id in ["job-0", "job-2"] {
        cloud.client.post(&format!("/jobs/{id}/terminate")).send().await.expect(202);
        cloud.job_in_state(id, "completed").await;
    }
    let request = cloud.client.get("/jobs").query("maxresults", "1");
    let mut page = request.send().await.expect(200);
    assert_eq!(page.ids("id"), ["Job-1"]);
    cloud.client.post("/jobs/job-3/terminate").send().await.expect(202);
    let mut rest = Vec::new();
    while let Some(link) = page.body["odata.nextLink"].as_str() {
        page = cloud.client.follow(link).await.expect(200);
        rest.extend(page.ids("id"));
    }
    assert_eq!(rest, ["Job-0", "Job-2", "Job-3"]);
    let other = cloud.client.get("/jobs").query("$skiptoken", "Job-1").send().await;
    other.expect_error(400, "InvalidQueryParameterValue");
}

#[tokio::test]
async fn files_are_listed_breadth_first_whatever_the_size_of_a_page() {
    let cloud = Cloud::start().await;
    cloud.run("mkdir -p a/c a.b; touch a/c/x a/y a.b/z A").await;
    let levels = [
        vec!["stderr.txt", "stdout.txt", "wd"],
        vec!["wd/A", "wd/a", "wd/a.b"],
        vec!["wd/a/c", "wd/a/y", "wd/a.b/z", "wd/a/c/x"],
    ];
    for size in ["1", "3", "1000"] {
        let files = cloud.client.get("/jobs/run/tasks/task/files").query("recursive", "true");
        let mut page = files.query("maxresults", size).send().await.expect(200);
        let mut names = page.ids("name");
        while let Some(link) = page.body["odata.nextLink"].as_str() {
            page = cloud.client.follow(link).await.expect(200);
            names.extend(page.ids("name"));
        }
        assert_eq!(names, levels.concat(), "{size}");
    }
}

#[tokio::test]
async fn a_page_begins_after_the_last_one_even_if_items_are_gone() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    for id in ["a", "b", "c"] {
        cloud.script("job", id, "true").await;
    }
    let page = cloud.client.get("/jobs/job/tasks").query("maxresults", "2").send().await;
    let page = page.expect(200);
    assert_eq!(page.ids("id"), ["a", "b"]);
    cloud.client.delete("/jobs/job/tasks/a").send().await.expect(200);
    let next = cloud.client.follow(page.body["odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(next.expect(200).ids("id"), ["c"]);
}

#[tokio::test]
async fn a_page_has_1_to_1000_items() {
    let cloud = Cloud::start().await;
    for size in ["0", "-1", "many"] {
        let reply = cloud.client.get("/jobs").query("maxresults", size).send().await;
        reply.expect_error(400, "InvalidQueryParameterValue");
    }
    let reply = cloud.client.get("/jobs").query("maxresults", "1001").send().await;
    reply.expect_error(400, "OutOfRangeQueryParameterValue");
}

#[tokio::test]
async fn a_filter_selects_and_a_wrong_one_is_refused() {
    let cloud = cloud_with_jobs(2).await;
    cloud.client.post("/jobs/job-1/terminate").send().await.expect(202);
    cloud.job_in_state("job-1", "completed").await;
    let list = |filter: &str| cloud.client.get("/jobs").query("$filter", filter).send();
    assert_eq!(list("state eq 'active'").await.expect(200).ids("id"), ["Job-0"]);
    assert_eq!(list("executionInfo/poolId eq 'pool'").await.expect(200).ids("id").len(), 2);
    let reply = list("metadata eq 'x'").await;
    reply.expect_error(400, "InvalidQueryParameterValue");
}

#[tokio::test]
async fn a_selection_shows_only_what_it_names() {
    let cloud = cloud_with_jobs(1).await;
    let list = cloud.client.get("/jobs").query("$select", "id,state").send().await.expect(200);
    assert_eq!(list.body["value"], json!([{"id": "Job-0", "state": "active"}]));
    let one = cloud.client.get("/jobs/job-0").query("$select", "priority").send().await.expect(200);
    assert_eq!(one.body["priority"], 0);
    assert!(one.body.get("id").is_none());
    let reply = cloud.client.get("/jobs").query("$select", "colour").send().await;
    reply.expect_error(400, "InvalidQueryParameterValue");
}

#[tokio::test]
async fn tasks_are_filtered_by_how_they_ended() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "good", "true").await;
    cloud.script("job", "bad", "exit 4").await;
    cloud.completed("job", "good").await;
    cloud.completed("job", "bad").await;
    let list = |filter: &str| cloud.client.get("/jobs/job/tasks").query("$filter", filter).send();
    assert_eq!(list("executionInfo/result eq 'failure'").await.expect(200).ids("id"), ["bad"]);
    assert_eq!(list("executionInfo/exitCode lt 4").await.expect(200).ids("id"), ["good"]);
}

#[tokio::test]
async fn the_host_of_links_is_the_one_that_the_client_asked() {
    let cloud = cloud_with_jobs(2).await;
    let request = cloud.client.get("/jobs").query("maxresults", "1");
    let page = request.header("host", "batch.test:81").send().await.expect(200);
    let link = page.body["odata.nextLink"].as_str().unwrap();
    assert!(link.starts_with("http://batch.test:81/jobs?"), "{link}");
}

#[tokio::test]
async fn behind_a_proxy_urls_are_those_that_the_client_asked_for() {
    let cloud = cloud_with_jobs(2).await;
    let request = || {
        let request = cloud.client.get("/jobs").query("maxresults", "1");
        request.header("host", "inside:1").header("x-forwarded-proto", "https, http")
    };
    let page = request().send().await.expect(200);
    let text = |name: &str| page.body[name].as_str().unwrap().to_owned();
    assert!(text("odata.nextLink").starts_with("https://inside:1/jobs?"), "{}", page.text);
    assert_eq!(text("odata.metadata"), "https://inside:1/$metadata#jobs");
    let page = request().header("x-forwarded-host", "batch.test").send().await.expect(200);
    let link = page.body["odata.nextLink"].as_str().unwrap();
    assert!(link.starts_with("https://batch.test/jobs?"), "{link}");
    cloud.run("true").await;
    let file = "/jobs/run/tasks/task/files/stdout.txt";
    let url = cloud.client.head(file).header("x-forwarded-proto", "https").send().await;
    let expected = cloud.emulator.endpoint().replace("http://", "https://") + file;
    let expected = escape(&expected).replace("%2E", ".").replace("%5F", "_");
    assert_eq!(url.expect(200).header("ocp-batch-file-url"), expected);
    let other = cloud.client.get("/jobs").header("x-forwarded-proto", "ftp").send().await;
    other.expect_error(400, "InvalidHeaderValue");
}
