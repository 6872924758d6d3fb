"""A job from creation to deletion with azure-batch 14.2.0, Microsoft's Python client before its rewrite as 15."""

import os
import time

import pytest
from azure.batch import BatchServiceClient, models
from azure.batch.batch_auth import SharedKeyCredentials

POOL = "pool1"
# How often and at what interval a condition is checked before a case fails.
TRIES = 600
PAUSE_SECONDS = 0.1


@pytest.fixture(scope="session")
def batch():
    credentials = SharedKeyCredentials(os.environ["AZURE_BATCH_ACCOUNT"], os.environ["AZURE_BATCH_ACCESS_KEY"])
    client = BatchServiceClient(credentials, batch_url=os.environ["AZURE_BATCH_ENDPOINT"])
    # An answer of 500 fails the case that got it, and the requests stay on this machine.
    client.config.retry_policy.policy.total = 0
    client.config.proxies.use_env_settings = False
    yield client
    client.close()


@pytest.fixture
def job(batch, request):
    """The id of a job with the name of the case; the job is deleted at the end."""
    job = request.node.name.removeprefix("test_").replace("_", "-")[:64]
    batch.job.add(models.JobAddParameter(id=job, pool_info=models.PoolInformation(pool_id=POOL)))
    yield job
    delete(batch, job)


def delete(batch, job):
    try:
        batch.job.delete(job)
    except models.BatchErrorException as error:
        if error.error.code not in ("JobNotFound", "JobBeingDeleted"):
            raise


def until(what, ask):
    """Polls until there is a true value, and returns it."""
    for _ in range(TRIES):
        answer = ask()
        if answer:
            return answer
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"this did not come: {what}")


def task_that_runs(script, task="task"):
    return models.TaskAddParameter(id=task, command_line=f'/bin/sh -c "{script}"')


def completed(batch, job, task="task"):
    def ask():
        found = batch.task.get(job, task)
        return found if found.state == models.TaskState.completed else None

    return until(f"the end of the task {task}", ask)


def pages(paged):
    """Returns the ids of a list, page by page."""
    found = []
    while paged.next_link is not None:
        found.append([item.id for item in paged.advance_page()])
    return found


def refusal(request, *arguments):
    """Returns the status, the error code and the language of the message with which a request is refused."""
    with pytest.raises(models.BatchErrorException) as caught:
        request(*arguments)
    return caught.value.response.status_code, caught.value.error.code, caught.value.error.message.lang


def refused_to_read(batch, job):
    """Returns the error code with which a job is refused, or None while it can be read."""
    try:
        batch.job.get(job)
    except models.BatchErrorException as error:
        return error.error.code
    return None


def test_a_job_is_terminated_and_deleted(batch, job):
    assert batch.job.get(job).state == models.JobState.active
    batch.job.terminate(job, terminate_reason="enough")
    until("the end of the job", lambda: batch.job.get(job).state == models.JobState.completed)
    assert batch.job.get(job).execution_info.terminate_reason == "enough"
    batch.job.delete(job)
    until("404 for the job", lambda: refused_to_read(batch, job) == "JobNotFound")


def test_a_task_runs_and_its_output_is_read(batch, job):
    batch.task.add(job, task_that_runs("echo to stdout; echo to stderr >&2; exit 3"))
    info = completed(batch, job).execution_info
    assert (info.exit_code, info.result) == (3, models.TaskExecutionResult.failure)
    assert info.failure_info.code == "FailureExitCode"
    assert b"".join(batch.file.get_from_task(job, "task", "stdout.txt")) == b"to stdout\n"
    assert b"".join(batch.file.get_from_task(job, "task", "stderr.txt")) == b"to stderr\n"


def test_a_part_of_a_file_is_read(batch, job):
    batch.task.add(job, task_that_runs("printf 0123456789 > digits"))
    completed(batch, job)
    part = models.FileGetFromTaskOptions(ocp_range="bytes=2-5")
    assert b"".join(batch.file.get_from_task(job, "task", "wd/digits", part)) == b"2345"
    headers = batch.file.get_properties_from_task(job, "task", "wd/digits", raw=True).headers
    assert (headers["Content-Length"], headers["ocp-batch-file-isdirectory"]) == (10, False)


def test_the_files_of_a_task_are_listed_in_pages(batch, job):
    batch.task.add(job, task_that_runs("mkdir d; printf abc > d/f"))
    completed(batch, job)
    found = batch.file.list_from_task(
        job, "task", recursive=True, file_list_from_task_options=models.FileListFromTaskOptions(max_results=2)
    )
    files = {file.name: file for file in found}
    assert set(files) == {"stdout.txt", "stderr.txt", "wd", "wd/d", "wd/d/f"}
    assert (files["wd/d"].is_directory, files["wd/d/f"].is_directory) == (True, False)
    assert files["wd/d/f"].properties.content_length == 3


def test_a_collection_of_tasks_is_added_and_listed_in_pages(batch, job):
    added = batch.task.add_collection(job, [task_that_runs("true", f"task-{n}") for n in range(5)])
    assert [result.status for result in added.value] == [models.TaskAddStatus.success] * 5
    listed = pages(batch.task.list(job, models.TaskListOptions(max_results=2)))
    assert [len(page) for page in listed] == [2, 2, 1]
    assert sorted(task for page in listed for task in page) == [f"task-{n}" for n in range(5)]
    until("five successes", lambda: batch.job.get_task_counts(job).task_counts.succeeded == 5)


def test_jobs_are_listed_in_pages(batch, job):
    others = [f"{job}-{n}" for n in range(2)]
    for other in others:
        batch.job.add(models.JobAddParameter(id=other, pool_info=models.PoolInformation(pool_id=POOL)))
    options = models.JobListOptions(filter=f"startswith(id, '{job}')", select="id,state", max_results=1)
    assert sorted(pages(batch.job.list(options))) == [[job], *([other] for other in others)]
    for other in others:
        delete(batch, other)


def test_a_refusal_has_a_status_and_an_error_code(batch, job):
    same = models.JobAddParameter(id=job, pool_info=models.PoolInformation(pool_id=POOL))
    assert refusal(batch.job.add, same) == (409, "JobExists", "en-US")
    assert refusal(batch.job.get, "none") == (404, "JobNotFound", "en-US")
    assert refusal(batch.task.get, job, "none") == (404, "TaskNotFound", "en-US")
    batch.task.add(job, task_that_runs("true"))
    completed(batch, job)
    assert refusal(batch.task.add, job, task_that_runs("true")) == (409, "TaskExists", "en-US")
    assert refusal(batch.file.get_from_task, job, "task", "wd/none") == (404, "FileNotFound", "en-US")
