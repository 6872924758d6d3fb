"""Jobs: https://learn.microsoft.com/rest/api/batchservice/jobs"""

from datetime import timedelta

import pytest
from azure.batch import models
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from errors import refused
from work import IMAGE, POLLING_SECONDS


@pytest.mark.spec
def test_a_job_keeps_what_it_was_given(batch, work):
    work.create(
        display_name="a job",
        priority=7,
        constraints=models.BatchJobConstraints(max_wall_clock_time=timedelta(hours=2), max_task_retry_count=3),
        metadata=[models.BatchMetadataItem(name="key", value="v ü")],
        common_environment_settings=[models.EnvironmentSetting(name="A", value="1")],
    )
    job = work.get()
    assert (job.id, job.display_name, job.priority) == (work.job, "a job", 7)
    assert job.constraints.max_wall_clock_time == timedelta(hours=2)
    assert job.constraints.max_task_retry_count == 3
    assert job.metadata == [models.BatchMetadataItem(name="key", value="v ü")]
    assert job.common_environment_settings == [models.EnvironmentSetting(name="A", value="1")]
    assert job.pool_info.pool_id == work.pool


@pytest.mark.spec
def test_a_new_job_has_the_defaults(batch, job):
    new = job.get()
    assert new.state == models.BatchJobState.ACTIVE
    assert new.priority == 0
    assert new.max_parallel_tasks == -1
    assert new.uses_task_dependencies is False
    assert new.all_tasks_complete_mode == models.BatchAllTasksCompleteMode.NO_ACTION
    assert new.task_failure_mode == models.BatchTaskFailureMode.NO_ACTION
    assert new.execution_info.pool_id == job.pool
    assert new.execution_info.start_time == new.creation_time
    assert new.url.endswith(f"/jobs/{job.job}")
    assert new.etag and new.last_modified


@pytest.mark.docs
def test_a_second_job_of_the_same_id_exists_already(batch, job):
    with refused(409, "JobExists", ResourceExistsError):
        job.create()


@pytest.mark.docs
def test_the_id_of_a_completed_job_is_not_free(batch, job):
    job.terminate()
    job.ended()
    with refused(409, "JobCompleted", ResourceExistsError):
        job.create()


@pytest.mark.docs
def test_a_job_that_is_not_there_is_not_found(batch):
    with refused(404, "JobNotFound", ResourceNotFoundError):
        batch.get_job("none")


@pytest.mark.spec
def test_an_update_changes_only_what_it_names(batch, work):
    work.create(priority=1, metadata=[models.BatchMetadataItem(name="a", value="b")])
    before = work.get()
    batch.update_job(work.job, models.BatchJobUpdateOptions(priority=5))
    after = work.get()
    assert after.priority == 5
    assert after.metadata == before.metadata
    assert after.etag != before.etag


@pytest.mark.spec
def test_a_change_is_made_only_to_the_version_that_it_names(batch, job):
    etag = job.get().etag
    update = models.BatchJobUpdateOptions(priority=5)
    condition = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
    batch.update_job(job.job, update, **condition)
    with refused(412, "ConditionNotMet", ResourceModifiedError):
        batch.update_job(job.job, update, **condition)


@pytest.mark.spec
def test_a_job_that_the_reader_knows_is_not_sent_again(batch, job):
    etag = job.get().etag
    with pytest.raises(HttpResponseError) as caught:
        batch.get_job(job.job, etag=etag, match_condition=MatchConditions.IfModified)
    assert caught.value.status_code == 304


@pytest.mark.spec
def test_a_job_that_was_not_changed_since_is_not_sent_again(batch, job):
    at = job.get().last_modified
    with pytest.raises(HttpResponseError) as caught:
        batch.get_job(job.job, if_modified_since=at)
    assert caught.value.status_code == 304
    assert batch.get_job(job.job, if_modified_since=at - timedelta(seconds=2)).id == job.job
    with refused(412, "ConditionNotMet"):
        batch.get_job(job.job, if_unmodified_since=at - timedelta(seconds=2))


@pytest.mark.spec
def test_the_poller_waits_until_a_job_is_terminated(batch, job):
    job.running()
    poller = batch.begin_terminate_job(job.job, {"terminateReason": "enough"}, polling_interval=POLLING_SECONDS)
    assert job.get().state == models.BatchJobState.TERMINATING
    poller.result()
    ended = job.get()
    assert ended.state == models.BatchJobState.COMPLETED
    assert ended.previous_state == models.BatchJobState.ACTIVE
    assert ended.execution_info.termination_reason == "enough"
    assert ended.execution_info.end_time >= ended.execution_info.start_time
    assert job.completed().execution_info.failure_info.code == "TaskEnded"


@pytest.mark.docs
def test_a_terminated_job_cannot_be_terminated_again(batch, job):
    job.terminate()
    with refused(409, "JobCompleted", ResourceExistsError):
        job.terminate()


@pytest.mark.spec
def test_the_poller_waits_until_a_job_is_deleted(batch, job):
    job.running()
    poller = batch.begin_delete_job(job.job, polling_interval=POLLING_SECONDS)
    assert job.get().state == models.BatchJobState.DELETING
    poller.result()
    with refused(404, "JobNotFound", ResourceNotFoundError):
        job.get()


@pytest.mark.docs
def test_a_job_that_is_being_deleted_takes_no_change(batch, job):
    job.running()
    poller = batch.begin_delete_job(job.job, polling_interval=POLLING_SECONDS)
    with refused(409, "JobBeingDeleted", ResourceExistsError):
        batch.update_job(job.job, models.BatchJobUpdateOptions(priority=5))
    poller.result()


@pytest.mark.spec
def test_a_job_completes_with_its_tasks(batch, job):
    job.run("exit 3")
    mode = models.BatchAllTasksCompleteMode.TERMINATE_JOB
    batch.update_job(job.job, models.BatchJobUpdateOptions(all_tasks_complete_mode=mode))
    ended = job.ended()
    assert ended.execution_info.termination_reason == "AllTasksComplete"


@pytest.mark.spec
def test_a_failed_task_ends_a_job_that_asks_for_it(batch, work):
    work.create(task_failure_mode=models.BatchTaskFailureMode.PERFORM_EXIT_OPTIONS_JOB_ACTION)
    work.run("exit 3")
    assert work.ended().execution_info.termination_reason == "TaskFailed"


@pytest.mark.spec
def test_values_that_are_out_of_range_are_named(batch, work):
    with refused(400, "InvalidPropertyValue") as caught:
        work.create(priority=1001)
    assert caught.details["PropertyName"] == "priority"
    assert caught.details["PropertyValue"] == "1001"


@pytest.mark.spec
def test_a_job_ends_with_its_job_manager_task(batch, work):
    command = "/bin/sh -c 'echo managed'"
    manager = models.BatchJobManagerTask(id="manager", command_line=command, container_settings=IMAGE)
    work.create(job_manager_task=manager)
    ended = work.ended()
    assert ended.execution_info.termination_reason == "JMComplete"
    assert ended.job_manager_task.kill_job_on_completion is True
    assert work.text("stdout.txt", "manager") == "managed\n"
