//! Batch tasks.

use super::{
    BatchClient,
    job::done_if,
    model::{NewTask, Task},
    request::{Request, job_path, task_path},
};
use crate::Result;
use reqwest::Method;
use url::Url;

impl BatchClient {
    /// Creates a Batch task in a job of our own. Repeating it is safe: at a repeat `TaskExists`
    /// counts as success, as nobody else creates tasks there; at a first attempt it is an error.
    ///
    /// [Create Task](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task)
    ///
    /// # Errors
    /// `TaskExists` (409), `JobNotFound` (404), `RequestBodyTooLarge` (413), and others.
    pub async fn create_task(&self, job: &str, task: &NewTask) -> Result<()> {
        let request = create_task_request(self.endpoint(), job, task)?;
        let created = self.create(&task_path(job, &task.id), &request).await;
        done_if(created, |error| error.may_be_our_own_doing() && error.has_code(&["TaskExists"]))
    }

    /// Says that a task may have been created a moment ago, although not by this client: that it is
    /// not found is believed only after a while.
    pub fn expect_task(&self, job: &str, task: &str) {
        self.expect(&task_path(job, task));
    }

    /// Reads a Batch task, with its statistics where the service has them.
    ///
    /// [Get Task](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task)
    ///
    /// # Errors
    /// `TaskNotFound` or `JobNotFound` (404), and others of the service.
    pub async fn get_task(&self, job: &str, task: &str) -> Result<Task> {
        self.send_for(&get_task_request(self.endpoint(), job, task)).await
    }

    /// Ends a Batch task. One that is gone or completed is as good as terminated.
    ///
    /// [Terminate Task](https://learn.microsoft.com/rest/api/batchservice/tasks/terminate-task)
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn terminate_task(&self, job: &str, task: &str) -> Result<()> {
        let terminated = self.send(&terminate_task_request(self.endpoint(), job, task)).await;
        done_if(terminated, |error| error.is_not_found() || error.has_code(&["TaskCompleted"]))
    }
}

fn create_task_request(endpoint: &Url, job: &str, task: &NewTask) -> Result<Request> {
    let path = format!("{}/tasks", job_path(job));
    let action = format!("create task '{}' of job '{job}'", task.id);
    Request::new(Method::POST, endpoint, &path, &action).with_json(task)
}

fn get_task_request(endpoint: &Url, job: &str, task: &str) -> Request {
    let action = format!("get task '{task}' of job '{job}'");
    Request::get(endpoint, &task_path(job, task), &action).with_query("$expand", "stats")
}

fn terminate_task_request(endpoint: &Url, job: &str, task: &str) -> Request {
    let path = format!("{}/terminate", task_path(job, task));
    let action = format!("terminate task '{task}' of job '{job}'");
    Request::new(Method::POST, endpoint, &path, &action).urgently()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_created_under_its_job_and_terminated_without_a_body() {
        let endpoint = Url::parse("https://h.example").unwrap();
        let task = NewTask { id: "t".into(), command_line: "x".into(), ..NewTask::default() };
        let create = create_task_request(&endpoint, "j", &task).unwrap();
        assert_eq!((create.method.as_str(), create.url.path()), ("POST", "/jobs/j/tasks"));
        assert_eq!(create.body.unwrap(), r#"{"id":"t","commandLine":"x"}"#);
        assert_eq!(create.action, "create task 't' of job 'j' at https://h.example");
        let get = get_task_request(&endpoint, "j", "t");
        assert_eq!(get.url.query(), Some("api-version=2025-06-01&$expand=stats"));
        let terminate = terminate_task_request(&endpoint, "j", "t");
        assert_eq!(terminate.url.path(), "/jobs/j/tasks/t/terminate");
        assert!(terminate.body.is_none());
    }
}
