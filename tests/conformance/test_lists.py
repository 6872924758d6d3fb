"""Lists: https://learn.microsoft.com/rest/api/batchservice/odata-filters-in-batch"""

import pytest
from azure.batch import models
from azure.core.exceptions import ResourceNotFoundError

from errors import refused


@pytest.fixture
def tasks(batch, job):
    """A job with the tasks t0 to t4, which exit with their numbers."""
    for number in range(5):
        job.add(f"exit {number}", f"t{number}")
    for number in range(5):
        job.completed(f"t{number}")
    return job


def ids(batch, job, **options):
    return [task.id for task in batch.list_tasks(job.job, **options)]


@pytest.mark.spec
def test_a_list_is_read_page_by_page(batch, tasks):
    pages = [[task.id for task in page] for page in batch.list_tasks(tasks.job, max_results=2).by_page()]
    assert pages == [["t0", "t1"], ["t2", "t3"], ["t4"]]


@pytest.mark.spec
def test_a_filter_and_a_selection_hold_on_every_page(batch, tasks):
    options = {"filter": "executionInfo/exitCode ge 1 and id ne 't3'", "select": ["id", "state"], "max_results": 1}
    found = list(batch.list_tasks(tasks.job, **options))
    assert [task.id for task in found] == ["t1", "t2", "t4"]
    assert {task.state for task in found} == {models.BatchTaskState.COMPLETED}
    assert {task.command_line for task in found} == {None}


@pytest.mark.docs
def test_tasks_are_filtered_by_how_they_ended(batch, tasks):
    assert ids(batch, tasks, filter="executionInfo/result eq 'success'") == ["t0"]
    assert ids(batch, tasks, filter="executionInfo/exitCode gt 2") == ["t3", "t4"]
    assert ids(batch, tasks, filter="state eq 'running'") == []
    assert ids(batch, tasks, filter="creationTime lt DateTime'2016-01-01T00:00:00Z'") == []


@pytest.mark.docs
def test_filters_are_combined(batch, tasks):
    either = "(id eq 't0' or startswith(id,'T4')) and state eq 'completed'"
    assert ids(batch, tasks, filter=either) == ["t0", "t4"]


@pytest.mark.docs
def test_an_unknown_property_cannot_be_filtered_by(batch, tasks):
    with refused(400, "InvalidQueryParameterValue") as error:
        ids(batch, tasks, filter="commandLine eq 'x'")
    assert error.details["QueryParameterName"] == "$filter"


@pytest.mark.docs
def test_jobs_are_filtered_by_state(batch, job):
    def found(state):
        return [one.id for one in batch.list_jobs(filter=f"state eq '{state}' and id eq '{job.job}'")]

    assert found("active") == [job.job]
    job.terminate()
    assert found("active") == []
    assert found("completed") == [job.job]


@pytest.mark.docs
def test_the_metadata_of_jobs_cannot_be_filtered_by(batch):
    with refused(400, "InvalidQueryParameterValue"):
        list(batch.list_jobs(filter="metadata eq 'x'"))


@pytest.mark.spec
def test_a_page_of_more_than_1000_is_refused(batch):
    with refused(400, "OutOfRangeQueryParameterValue"):
        list(batch.list_jobs(max_results=1001))


@pytest.mark.spec
def test_a_selection_of_one_resource_leaves_out_the_rest(batch, job):
    shown = batch.get_job(job.job, select=["id", "state"])
    assert (shown.id, shown.state) == (job.job, models.BatchJobState.ACTIVE)
    assert shown.pool_info is None


@pytest.mark.docs
def test_the_tasks_of_a_job_that_is_not_there_are_not_found(batch):
    with refused(404, "JobNotFound", ResourceNotFoundError):
        list(batch.list_tasks("none"))
