//! Writes whose answer got lost, or whose work was done already.

use crate::scripted_service::{Reply, ScriptedService};
use azure::batch::{JobPatch, NewJob, NewTask, OnAllTasksComplete, PoolInfo};

fn job() -> NewJob {
    let pool_info = PoolInfo { pool_id: "p".into() };
    NewJob { id: "j".into(), pool_info, ..NewJob::default() }
}

fn task() -> NewTask {
    NewTask { id: "t".into(), command_line: "x".into(), ..NewTask::default() }
}

#[tokio::test]
async fn a_job_that_exists_after_an_attempt_of_ours_may_be_ours() {
    for lost in [Reply::hang_up(), Reply::status(429), Reply::status(500), Reply::status(504)] {
        let service = ScriptedService::start([lost, Reply::error(409, "JobExists")]).await;
        let error = service.batch().create_job(&job()).await.unwrap_err();
        assert_eq!((error.code(), error.may_be_our_own_doing()), (Some("JobExists"), true));
        assert_eq!(service.calls(), ["POST /jobs"; 2]);
        let received = service.received();
        assert_eq!(received[0].body, received[1].body);
    }
}

#[tokio::test]
async fn a_job_that_exists_at_the_first_attempt_is_not_ours() {
    let service = ScriptedService::start([Reply::error(409, "JobExists")]).await;
    let error = service.batch().create_job(&job()).await.unwrap_err();
    assert_eq!((error.code(), error.may_be_our_own_doing()), (Some("JobExists"), false));
}

#[tokio::test]
async fn a_task_that_exists_after_an_attempt_of_ours_is_ours() {
    for lost in [Reply::hang_up(), Reply::status(429), Reply::status(500)] {
        let exists = Reply::error(409, "TaskExists");
        let service = ScriptedService::start([lost, exists.clone(), exists]).await;
        let batch = service.batch();
        batch.create_task("j", &task()).await.unwrap();
        let error = batch.create_task("j", &task()).await.unwrap_err();
        assert_eq!(error.code(), Some("TaskExists"));
    }
}

#[tokio::test]
async fn a_job_is_created_patched_terminated_and_deleted() {
    let replies = [201, 201, 200, 202, 202].map(Reply::status);
    let service = ScriptedService::start(replies).await;
    let batch = service.batch();
    batch.create_job(&job()).await.unwrap();
    batch.create_task("j", &task()).await.unwrap();
    let patch = JobPatch { on_all_tasks_complete: Some(OnAllTasksComplete::TerminateJob) };
    batch.patch_job("j", &patch).await.unwrap();
    batch.terminate_job("j", "killed").await.unwrap();
    batch.delete_job("j").await.unwrap();
    assert_eq!(
        service.calls(),
        [
            "POST /jobs",
            "POST /jobs/j/tasks",
            "PATCH /jobs/j",
            "POST /jobs/j/terminate",
            "DELETE /jobs/j"
        ]
    );
    let received = service.received();
    assert_eq!(received[2].body, br#"{"onAllTasksComplete":"terminatejob"}"#);
    assert_eq!(received[2].headers["content-type"], "application/json; odata=minimalmetadata");
}

#[tokio::test]
async fn a_job_that_ended_is_as_good_as_terminated() {
    for (status, code) in [
        (404, "JobNotFound"),
        (409, "JobCompleted"),
        (409, "JobBeingTerminated"),
        (409, "JobBeingDeleted"),
    ] {
        let service = ScriptedService::start([Reply::error(status, code)]).await;
        service.batch().terminate_job("j", "killed").await.unwrap();
    }
    let service = ScriptedService::start([Reply::error(409, "JobDisabled")]).await;
    assert!(service.batch().terminate_job("j", "killed").await.is_err());
}

#[tokio::test]
async fn a_job_that_is_gone_is_as_good_as_deleted() {
    for (status, code) in [(404, "JobNotFound"), (409, "JobBeingDeleted")] {
        let service = ScriptedService::start([Reply::error(status, code)]).await;
        service.batch().delete_job("j").await.unwrap();
    }
    let service = ScriptedService::start([Reply::error(403, "AuthenticationFailed")]).await;
    assert!(service.batch().delete_job("j").await.is_err());
}

#[tokio::test]
async fn a_task_that_ended_is_as_good_as_terminated() {
    for reply in
        [Reply::status(204), Reply::error(404, "TaskNotFound"), Reply::error(409, "TaskCompleted")]
    {
        let service = ScriptedService::start([reply]).await;
        service.batch().terminate_task("j", "t").await.unwrap();
        assert_eq!(service.received()[0].headers["content-length"], "0");
    }
    let service = ScriptedService::start([Reply::error(409, "JobDisabled")]).await;
    assert!(service.batch().terminate_task("j", "t").await.is_err());
}

#[tokio::test]
async fn what_was_created_a_moment_ago_is_looked_for_again() {
    let (no_job, no_task) = (Reply::error(404, "JobNotFound"), Reply::error(404, "TaskNotFound"));
    let task = || Reply::ok(r#"{"id":"t","state":"active"}"#);
    let service = ScriptedService::start([
        Reply::status(201),
        no_job.clone(),
        Reply::status(201),
        no_job,
        no_task.clone(),
        task(),
        no_task.clone(),
    ]);
    let service = service.await;
    let batch = service.batch();
    batch.create_job(&job()).await.unwrap();
    batch.create_task("j", &self::task()).await.unwrap();
    batch.get_task("j", "t").await.unwrap();
    let gone = batch.get_task("j", "t").await.unwrap_err();
    assert!(gone.is_not_found(), "what was seen and is gone is gone: {gone}");
    assert_eq!(service.calls().len(), 7);
}

#[tokio::test]
async fn a_job_whose_creation_was_not_answered_is_looked_for_again() {
    let replies = [Reply::status(500), Reply::status(500), Reply::status(500), Reply::status(500)];
    let service = ScriptedService::start(replies).await;
    let batch = service.batch();
    batch.create_job(&job()).await.unwrap_err();
    service.queue(Reply::error(404, "JobNotFound"));
    service.queue(Reply::ok(r#"{"id":"j","state":"active"}"#));
    batch.get_job("j").await.unwrap();
}

#[tokio::test]
async fn a_job_that_is_ended_before_it_is_seen_is_ended_all_the_same() {
    let not_found = Reply::error(404, "JobNotFound");
    let replies = [Reply::status(201), not_found.clone(), Reply::status(202), not_found];
    let service = ScriptedService::start(replies).await;
    let batch = service.batch();
    batch.create_job(&job()).await.unwrap();
    batch.terminate_job("j", "killed").await.unwrap();
    service.queue(Reply::status(202));
    batch.delete_job("j").await.unwrap();
    assert_eq!(service.calls()[1..3], ["POST /jobs/j/terminate"; 2]);
    assert_eq!(service.calls()[3..], ["DELETE /jobs/j"; 2]);
}

#[tokio::test]
async fn a_job_that_was_refused_is_not_looked_for_again() {
    let replies = [Reply::error(400, "InvalidPropertyValue"), Reply::error(404, "JobNotFound")];
    let service = ScriptedService::start(replies).await;
    let batch = service.batch();
    batch.create_job(&job()).await.unwrap_err();
    assert!(batch.get_job("j").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_job_of_another_worker_is_looked_for_again_where_it_may_be_new() {
    let task = Reply::ok(r#"{"id":"t","state":"active"}"#);
    let replies = [Reply::error(404, "TaskNotFound"), task];
    let service = ScriptedService::start(replies).await;
    let batch = service.batch();
    batch.expect_task("j", "t");
    batch.get_task("j", "t").await.unwrap();
}
