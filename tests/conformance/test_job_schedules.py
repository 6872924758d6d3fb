"""Job schedules: https://learn.microsoft.com/rest/api/batchservice/job-schedules"""

from datetime import UTC, datetime, timedelta

import pytest
from azure.batch import models
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from errors import refused
from work import IMAGE, POLLING_SECONDS, POOL, until

ACTIVE, COMPLETED = models.BatchJobScheduleState.ACTIVE, models.BatchJobScheduleState.COMPLETED
HOURLY = models.BatchJobScheduleConfiguration(recurrence_interval=timedelta(hours=1))


class Schedule:
    """A job schedule with the id of its case. Nothing is created until a case asks for it."""

    def __init__(self, batch, id):
        self.batch, self.id = batch, id

    def create(self, times=HOURLY, script=None, **options):
        """Creates the schedule. With a script, its jobs run that as their job manager task."""
        self.batch.create_job_schedule(
            models.BatchJobScheduleCreateOptions(id=self.id, schedule=times, job_specification=specification(script), **options)
        )

    def get(self):
        return self.batch.get_job_schedule(self.id)

    def jobs(self):
        return [job.id for job in self.batch.list_jobs_from_schedule(self.id)]

    def completed(self):
        return until("the end of the schedule", lambda: self.get() if self.get().state == COMPLETED else None)

    def terminate(self):
        return self.batch.begin_terminate_job_schedule(self.id, polling_interval=POLLING_SECONDS)

    def delete(self):
        return self.batch.begin_delete_job_schedule(self.id, polling_interval=POLLING_SECONDS)


def specification(script=None, **options):
    if script:
        command = f"/bin/sh -c '{script}'"
        manager = models.BatchJobManagerTask(id="manager", command_line=command, container_settings=IMAGE)
        options["job_manager_task"] = manager
    return models.BatchJobSpecification(pool_info=models.BatchPoolInfo(pool_id=POOL), **options)


@pytest.fixture
def schedule(work, batch):
    """A schedule, not yet created; deleted at the end of the case."""
    schedule = Schedule(batch, work.job)
    yield schedule
    try:
        schedule.delete().result()
    except (ResourceNotFoundError, ResourceExistsError):
        pass


@pytest.mark.spec
def test_a_schedule_keeps_what_it_was_given(batch, schedule):
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    times = models.BatchJobScheduleConfiguration(
        do_not_run_until=later,
        do_not_run_after=later + timedelta(days=1),
        start_window=timedelta(minutes=5),
        recurrence_interval=timedelta(hours=2),
    )
    schedule.create(times, display_name="often", metadata=[models.BatchMetadataItem(name="a", value="b")])
    kept = schedule.get()
    assert (kept.id, kept.display_name, kept.state) == (schedule.id, "often", ACTIVE)
    shown = kept.schedule
    assert (shown.do_not_run_until, shown.do_not_run_after) == (later, later + timedelta(days=1))
    assert (shown.start_window, shown.recurrence_interval) == (timedelta(minutes=5), timedelta(hours=2))
    assert kept.metadata == [models.BatchMetadataItem(name="a", value="b")]
    assert kept.job_specification.pool_info.pool_id == POOL
    assert kept.execution_info.next_run_time == later
    assert kept.execution_info.recent_job is None
    assert schedule.jobs() == []


@pytest.mark.spec
def test_a_schedule_exists_once_it_was_created(batch, schedule):
    # The client takes 404 for an error, although it is a regular response.
    with pytest.raises(ResourceNotFoundError):
        batch.job_schedule_exists(schedule.id)
    schedule.create()
    assert batch.job_schedule_exists(schedule.id) is True


@pytest.mark.docs
def test_a_second_schedule_of_the_same_id_exists_already(batch, schedule, job):
    with refused(409, "JobWithSameIdExists", ResourceExistsError):
        schedule.create()
    job.delete()
    until("the id is free", lambda: is_free(schedule))
    with refused(409, "JobScheduleExists", ResourceExistsError):
        schedule.create()
    with refused(409, "JobScheduleWithSameIdExists", ResourceExistsError):
        job.create()


def is_free(schedule):
    try:
        schedule.create()
        return True
    except ResourceExistsError:
        return False


@pytest.mark.spec
def test_a_schedule_that_does_not_recur_ends_with_its_job(batch, schedule):
    schedule.create(models.BatchJobScheduleConfiguration(), "echo managed")
    ended = schedule.completed()
    job = ended.execution_info.recent_job
    assert job.id == f"{schedule.id}:job-1"
    assert schedule.jobs() == [job.id]
    assert ended.execution_info.end_time >= ended.creation_time
    output = b"".join(batch.download_task_file(job.id, "manager", "stdout.txt"))
    assert output == b"managed\n"


@pytest.mark.spec
def test_a_disabled_schedule_can_be_enabled(batch, schedule):
    schedule.create()
    batch.disable_job_schedule(schedule.id)
    assert schedule.get().state == models.BatchJobScheduleState.DISABLED
    batch.enable_job_schedule(schedule.id)
    enabled = schedule.get()
    assert (enabled.state, enabled.previous_state) == (ACTIVE, models.BatchJobScheduleState.DISABLED)


@pytest.mark.spec
def test_an_update_changes_only_what_it_names(batch, schedule):
    schedule.create(metadata=[models.BatchMetadataItem(name="a", value="b")])
    before = schedule.get()
    update = models.BatchJobScheduleUpdateOptions(job_specification=specification(priority=5))
    batch.update_job_schedule(schedule.id, update, etag=before.etag, match_condition=MatchConditions.IfNotModified)
    after = schedule.get()
    assert after.job_specification.priority == 5
    assert (after.metadata, after.schedule) == (before.metadata, before.schedule)
    with refused(412, "ConditionNotMet", ResourceModifiedError):
        batch.update_job_schedule(schedule.id, update, etag=before.etag, match_condition=MatchConditions.IfNotModified)


@pytest.mark.spec
def test_a_schedule_that_was_read_can_be_sent_back(batch, schedule):
    schedule.create(HOURLY, "sleep 600", metadata=[models.BatchMetadataItem(name="a", value="b")])
    read = schedule.get()
    read.metadata, read.schedule.recurrence_interval = None, timedelta(hours=3)
    batch.replace_job_schedule(schedule.id, read)
    replaced = schedule.get()
    assert (replaced.metadata, replaced.schedule.recurrence_interval) == (None, timedelta(hours=3))
    assert replaced.job_specification.job_manager_task.id == "manager"


@pytest.mark.spec
def test_the_poller_waits_until_a_schedule_is_terminated(batch, schedule):
    schedule.create(HOURLY, "sleep 600")
    poller = schedule.terminate()
    assert schedule.get().state == models.BatchJobScheduleState.TERMINATING
    poller.result()
    assert schedule.get().state == COMPLETED
    job = batch.get_job(f"{schedule.id}:job-1")
    assert job.execution_info.termination_reason == "TerminateJobSchedule"
    with refused(409, "JobScheduleCompleted", ResourceExistsError):
        schedule.terminate()


@pytest.mark.spec
def test_the_poller_waits_until_a_schedule_is_deleted(batch, schedule):
    schedule.create(HOURLY, "sleep 600")
    poller = schedule.delete()
    assert schedule.get().state == models.BatchJobScheduleState.DELETING
    poller.result()
    with refused(404, "JobScheduleNotFound", ResourceNotFoundError):
        schedule.get()
    with refused(404, "JobNotFound", ResourceNotFoundError):
        batch.get_job(f"{schedule.id}:job-1")


@pytest.mark.spec
def test_schedules_are_listed(batch, schedule):
    schedule.create()
    listed = batch.list_job_schedules(filter=f"id eq '{schedule.id}'", select=["id", "state"])
    assert [(one.id, one.state) for one in listed] == [(schedule.id, ACTIVE)]


@pytest.mark.spec
def test_an_interval_of_less_than_a_minute_is_refused(batch, schedule):
    with refused(400, "InvalidPropertyValue", HttpResponseError) as caught:
        schedule.create(models.BatchJobScheduleConfiguration(recurrence_interval=timedelta(seconds=59)))
    assert caught.details["PropertyName"] == "schedule.recurrenceInterval"
