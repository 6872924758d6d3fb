//! Jobs.

use super::{
    BatchClient,
    model::{Job, JobPatch, NewJob},
    request::{Request, job_path},
};
use crate::{Error, Result};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use url::Url;

impl BatchClient {
    /// Creates a job. `JobExists` is an error also where an earlier attempt of ours may have
    /// created that job ([`Error::may_be_our_own_doing`]): the caller knows whether the id is its
    /// own.
    ///
    /// [Create Job](https://learn.microsoft.com/rest/api/batchservice/jobs/create-job)
    ///
    /// # Errors
    /// `JobExists` (409), `ActiveJobAndScheduleQuotaReached` (409), and others of the service.
    pub async fn create_job(&self, job: &NewJob) -> Result<()> {
        let request = create_job_request(self.endpoint(), job)?;
        self.create(&job_path(&job.id), &request).await
    }

    /// Says that a job may have been created a moment ago, although not by this client: that it is
    /// not found is believed only after a while.
    pub fn expect_job(&self, job: &str) {
        self.expect(&job_path(job));
    }

    /// Reads a job.
    ///
    /// [Get Job](https://learn.microsoft.com/rest/api/batchservice/jobs/get-job)
    ///
    /// # Errors
    /// `JobNotFound` (404), and others of the service.
    pub async fn get_job(&self, job: &str) -> Result<Job> {
        self.send_for(&get_job_request(self.endpoint(), job)).await
    }

    /// Lists the jobs that match an OData filter, over all pages.
    ///
    /// [List Jobs](https://learn.microsoft.com/rest/api/batchservice/jobs/list-jobs)
    ///
    /// # Errors
    /// What the service refuses, a bad filter (400) for example.
    pub async fn list_jobs(&self, filter: Option<&str>) -> Result<Vec<Job>> {
        self.list(list_jobs_request(self.endpoint(), filter)).await
    }

    /// The ids of the account's active jobs: one request tells of a thousand.
    ///
    /// [List Jobs](https://learn.microsoft.com/rest/api/batchservice/jobs/list-jobs)
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn list_active_jobs(&self) -> Result<HashSet<String>> {
        let jobs: Vec<JobId> = self.list(list_active_jobs_request(self.endpoint())).await?;
        Ok(jobs.into_iter().map(|job| job.id).collect())
    }

    /// Changes a job.
    ///
    /// [Update Job](https://learn.microsoft.com/rest/api/batchservice/jobs/update-job)
    ///
    /// # Errors
    /// `JobNotFound` (404), `JobCompleted` (409), and others of the service.
    pub async fn patch_job(&self, job: &str, patch: &JobPatch) -> Result<()> {
        self.send(&patch_job_request(self.endpoint(), job, patch)?).await.map(drop)
    }

    /// Asks the service to end a job and its tasks, which it does in its own time. A job that is
    /// gone, ended or about to end is as good as terminated.
    ///
    /// [Terminate Job](https://learn.microsoft.com/rest/api/batchservice/jobs/terminate-job)
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn terminate_job(&self, job: &str, reason: &str) -> Result<()> {
        let terminated = self.send(&terminate_job_request(self.endpoint(), job, reason)?).await;
        done_if(terminated, |error| {
            error.is_not_found()
                || error.has_code(&["JobCompleted", "JobBeingTerminated", "JobBeingDeleted"])
        })
    }

    /// Asks the service to delete a job and its tasks, which it does in its own time. A job that
    /// is gone or about to go is as good as deleted.
    ///
    /// [Delete Job](https://learn.microsoft.com/rest/api/batchservice/jobs/delete-job)
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_job(&self, job: &str) -> Result<()> {
        let deleted = self.send(&delete_job_request(self.endpoint(), job)).await;
        done_if(deleted, |error| error.is_not_found() || error.has_code(&["JobBeingDeleted"]))
    }
}

#[derive(Deserialize)]
struct JobId {
    id: String,
}

/// Drops an answer, and an error that means that there is nothing left to do.
pub(crate) fn done_if<T>(result: Result<T>, done: impl Fn(&Error) -> bool) -> Result<()> {
    match result {
        Err(error) if !done(&error) => Err(error),
        _ => Ok(()),
    }
}

fn create_job_request(endpoint: &Url, job: &NewJob) -> Result<Request> {
    let action = format!("create job '{}'", job.id);
    Request::new(Method::POST, endpoint, "/jobs", &action).with_json(job)
}

fn get_job_request(endpoint: &Url, job: &str) -> Request {
    Request::get(endpoint, &job_path(job), &format!("get job '{job}'"))
}

fn list_jobs_request(endpoint: &Url, filter: Option<&str>) -> Request {
    let request = Request::get(endpoint, "/jobs", "list jobs");
    match filter {
        Some(filter) => request.with_query("$filter", filter),
        None => request,
    }
}

fn patch_job_request(endpoint: &Url, job: &str, patch: &JobPatch) -> Result<Request> {
    let action = format!("update job '{job}'");
    Request::new(Method::PATCH, endpoint, &job_path(job), &action).with_json(patch)
}

fn terminate_job_request(endpoint: &Url, job: &str, reason: &str) -> Result<Request> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        terminate_reason: &'a str,
    }
    let path = format!("{}/terminate", job_path(job));
    Request::new(Method::POST, endpoint, &path, &format!("terminate job '{job}'"))
        .urgently()
        .with_json(&Body { terminate_reason: reason })
}

fn delete_job_request(endpoint: &Url, job: &str) -> Request {
    Request::new(Method::DELETE, endpoint, &job_path(job), &format!("delete job '{job}'"))
}

fn list_active_jobs_request(endpoint: &Url) -> Request {
    Request::get(endpoint, "/jobs", "list the active jobs")
        .with_query("$filter", "state eq 'active'")
        .with_query("$select", "id")
        .urgently()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Url {
        Url::parse("https://h.example").unwrap()
    }

    #[test]
    fn jobs_are_listed_with_the_filter_encoded() {
        let request = list_jobs_request(&endpoint(), Some("id eq 'a+b'"));
        assert_eq!(
            request.url.as_str(),
            "https://h.example/jobs?api-version=2025-06-01&$filter=id%20eq%20%27a%2Bb%27"
        );
        assert_eq!(
            list_jobs_request(&endpoint(), None).url.query(),
            Some("api-version=2025-06-01")
        );
    }

    #[test]
    fn of_active_jobs_nothing_but_the_id_is_asked() {
        assert_eq!(
            list_active_jobs_request(&endpoint()).url.query(),
            Some("api-version=2025-06-01&$filter=state%20eq%20%27active%27&$select=id")
        );
    }

    #[test]
    fn a_job_is_terminated_with_its_reason() {
        let request = terminate_job_request(&endpoint(), "j", "killed").unwrap();
        assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/jobs/j/terminate"));
        assert_eq!(request.body.unwrap(), r#"{"terminateReason":"killed"}"#);
    }
}
