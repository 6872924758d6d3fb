"""Changing, stopping and restarting jobs and tasks: https://learn.microsoft.com/rest/api/batchservice/jobs"""

import pytest
from azure.batch import models
from azure.core.exceptions import ResourceExistsError

from errors import refused
from work import IMAGE, POLLING_SECONDS


def disable(batch, job, tasks):
    options = models.BatchJobDisableOptions(disable_tasks=tasks)
    batch.begin_disable_job(job.job, options, polling_interval=POLLING_SECONDS).result()


def task_of(id, script, **options):
    command = f"/bin/sh -c '{script}'"
    return models.BatchTaskCreateOptions(id=id, command_line=command, container_settings=IMAGE, **options)


@pytest.mark.spec
def test_a_disabled_job_requeues_its_tasks_until_it_is_enabled(batch, job):
    job.running()
    disable(batch, job, models.DisableBatchJobOption.REQUEUE)
    assert job.get().state == models.BatchJobState.DISABLED
    task = batch.get_task(job.job, "task")
    assert (task.state, task.execution_info.requeue_count) == (models.BatchTaskState.ACTIVE, 1)
    batch.begin_enable_job(job.job, polling_interval=POLLING_SECONDS).result()
    assert job.get().state == models.BatchJobState.ACTIVE
    job.task_in(models.BatchTaskState.RUNNING)


@pytest.mark.spec
def test_a_job_that_is_replaced_has_the_defaults_of_what_is_not_named(batch, work):
    work.create(priority=3, metadata=[models.BatchMetadataItem(name="a", value="b")])
    job = work.get()
    job.priority, job.metadata = None, None
    batch.replace_job(work.job, job)
    replaced = work.get()
    assert (replaced.priority, replaced.metadata) == (0, None)


@pytest.mark.spec
def test_the_tasks_of_a_collection_are_added_and_counted(batch, job):
    tasks = [task_of("good", "true"), task_of("bad", "exit 3"), task_of("wide", "true", required_slots=2)]
    results = batch.create_tasks(job.job, tasks).result_values
    assert {result.task_id: result.status for result in results} == dict.fromkeys(["good", "bad", "wide"], "Success")
    assert all(result.location.endswith(f"/tasks/{result.task_id}") and result.etag for result in results)
    for id in ["good", "bad", "wide"]:
        job.completed(id)
    counts = batch.get_job_task_counts(job.job)
    tasks, slots = counts.task_counts, counts.task_slot_counts
    assert (tasks.active, tasks.running, tasks.completed, tasks.succeeded, tasks.failed) == (0, 0, 3, 2, 1)
    assert (slots.completed, slots.succeeded, slots.failed) == (4, 3, 1)


@pytest.mark.spec
def test_a_task_of_a_collection_that_is_there_already_says_so_by_itself(batch, job):
    job.run("true", "there")
    group = models.BatchTaskGroup(task_values=[task_of("there", "true"), task_of("new", "true")])
    results = {result.task_id: result for result in batch.create_task_collection(job.job, group).result_values}
    assert results["there"].status == models.BatchTaskAddStatus.CLIENT_ERROR
    assert results["there"].error.code == "TaskExists"
    assert results["new"].status.lower() == models.BatchTaskAddStatus.SUCCESS


@pytest.mark.spec
def test_a_task_gets_other_constraints(batch, job):
    job.running()
    task = batch.get_task(job.job, "task")
    task.constraints = models.BatchTaskConstraints(max_task_retry_count=5)
    batch.replace_task(job.job, "task", task)
    assert batch.get_task(job.job, "task").constraints.max_task_retry_count == 5


@pytest.mark.spec
def test_only_a_failed_task_can_be_reactivated(batch, job):
    job.run('mkdir "$AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID" && exit 3; exit 0')
    batch.reactivate_task(job.job, "task")
    assert job.completed().execution_info.exit_code == 0
    with refused(409, "TaskSucceeded", ResourceExistsError):
        batch.reactivate_task(job.job, "task")


@pytest.mark.spec
def test_a_task_waits_for_what_it_depends_on(batch, work):
    work.create(uses_task_dependencies=True)
    after = models.BatchTaskDependencies(task_ids=["first"], task_id_ranges=[models.BatchTaskIdRange(start=1, end=2)])
    work.add("true", "last", depends_on=after)
    for id in ["first", "1"]:
        work.run("true", id)
    assert batch.get_task(work.job, "last").state == models.BatchTaskState.ACTIVE
    work.run("true", "2")
    assert work.completed("last").depends_on.task_ids == ["first"]


@pytest.mark.spec
def test_an_exit_code_can_disable_the_job(batch, work):
    work.create(task_failure_mode=models.BatchTaskFailureMode.PERFORM_EXIT_OPTIONS_JOB_ACTION)
    options = models.ExitOptions(job_action=models.BatchJobActionKind.DISABLE)
    mapping = models.ExitCodeMapping(code=3, exit_options=options)
    work.run("exit 3", exit_conditions=models.ExitConditions(exit_codes=[mapping]))
    assert work.get().state in (models.BatchJobState.DISABLING, models.BatchJobState.DISABLED)


@pytest.mark.spec
def test_a_file_of_a_task_is_deleted(batch, job):
    job.run("mkdir d; touch d/f g")
    batch.delete_task_file(job.job, "task", "wd/g")
    batch.delete_task_file(job.job, "task", "wd/d", recursive=True)
    names = [file.name for file in batch.list_task_files(job.job, "task", recursive=True)]
    assert names == ["stderr.txt", "stdout.txt", "wd"]


@pytest.fixture
def waiting(work):
    """A job whose tasks never run."""
    work.pool = "later"
    work.create()
    return work


@pytest.mark.spec
def test_more_than_100_tasks_are_added_in_several_collections(batch, waiting):
    tasks = [task_of(f"t{number}", "true") for number in range(250)]
    batch.create_tasks(waiting.job, tasks, max_concurrency=3)
    pages = [list(page) for page in batch.list_tasks(waiting.job, max_results=200).by_page()]
    assert [len(page) for page in pages] == [200, 50]
    assert {task.id for page in pages for task in page} == {task.id for task in tasks}


@pytest.mark.docs
def test_a_collection_that_is_too_large_is_sent_in_smaller_ones(batch, waiting):
    tasks = [task_of(f"t{number}", "x" * 60_000) for number in range(30)]
    batch.create_tasks(waiting.job, tasks)
    assert len(list(batch.list_tasks(waiting.job, select=["id"]))) == 30


@pytest.mark.spec
def test_a_task_of_a_collection_that_is_refused_is_named(batch, waiting):
    with pytest.raises(models.CreateTasksError) as caught:
        batch.create_tasks(waiting.job, [task_of("good", "true"), task_of("b.d", "true")])
    [failed] = caught.value.failure_tasks
    assert (failed.task_id, failed.error.code) == ("b.d", "InvalidPropertyValue")
    assert [task.id for task in batch.list_tasks(waiting.job)] == ["good"]


@pytest.mark.spec
def test_a_job_prepares_its_nodes_and_releases_them_at_its_end(batch, work):
    command = "/bin/sh -c 'exit 0'"
    work.create(
        job_preparation_task=models.BatchJobPreparationTask(command_line=command, container_settings=IMAGE),
        job_release_task=models.BatchJobReleaseTask(command_line=command, container_settings=IMAGE),
    )
    work.run('test -d "$AZ_BATCH_JOB_PREP_WORKING_DIR"')
    work.terminate()
    [status] = batch.list_job_preparation_and_release_task_status(work.job)
    prepared, released = status.job_preparation_task_execution_info, status.job_release_task_execution_info
    assert (prepared.state, prepared.exit_code, prepared.retry_count) == ("completed", 0, 0)
    assert (released.state, released.exit_code) == ("completed", 0)
    assert status.node_id == batch.get_task(work.job, "task").node_info.node_id
    with refused(409, "JobCompleted", ResourceExistsError):
        work.terminate()
