"""Tasks: https://learn.microsoft.com/rest/api/batchservice/tasks"""

from datetime import timedelta

import pytest
from azure.batch import models
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from errors import refused
from work import IMAGE


@pytest.mark.spec
def test_a_task_keeps_what_it_was_given(batch, job):
    job.add(
        "true",
        display_name="a task",
        environment_settings=[models.EnvironmentSetting(name="A", value="$b 'c'")],
        constraints=models.BatchTaskConstraints(
            max_wall_clock_time=timedelta(minutes=5), retention_time=timedelta(days=1), max_task_retry_count=2
        ),
        required_slots=2,
        user_identity=models.UserIdentity(auto_user=models.AutoUserSpecification(scope="task", elevation_level="admin")),
    )
    task = batch.get_task(job.job, "task")
    assert (task.id, task.display_name, task.required_slots) == ("task", "a task", 2)
    assert task.command_line == "/bin/sh -c 'true'"
    assert task.container_settings.image_name == "ubuntu:latest"
    assert task.environment_settings == [models.EnvironmentSetting(name="A", value="$b 'c'")]
    assert task.constraints.max_wall_clock_time == timedelta(minutes=5)
    assert task.constraints.retention_time == timedelta(days=1)
    assert task.constraints.max_task_retry_count == 2
    assert task.user_identity.auto_user.elevation_level == models.ElevationLevel.ADMIN
    assert task.url.endswith(f"/jobs/{job.job}/tasks/task")


@pytest.mark.spec
def test_a_new_task_has_the_defaults(batch, job):
    job.add("true")
    task = batch.get_task(job.job, "task")
    assert task.required_slots == 1
    assert task.constraints.max_task_retry_count == 0
    assert task.constraints.retention_time == timedelta(days=7)
    assert task.execution_info.retry_count == 0
    assert task.execution_info.requeue_count == 0


@pytest.mark.spec
def test_a_task_that_succeeds_tells_how_it_ran(batch, job):
    task = job.run("exit 0")
    execution = task.execution_info
    assert execution.exit_code == 0
    assert execution.result == models.BatchTaskExecutionResult.SUCCESS
    assert execution.failure_info is None
    assert execution.start_time <= execution.end_time
    assert task.previous_state == models.BatchTaskState.RUNNING
    assert task.state_transition_time == execution.end_time
    assert task.node_info.pool_id == job.pool
    assert task.node_info.node_id
    assert execution.container_info.container_id


@pytest.mark.spec
def test_a_task_that_exits_otherwise_fails(batch, job):
    execution = job.run("exit 9").execution_info
    assert execution.exit_code == 9
    assert execution.result == models.BatchTaskExecutionResult.FAILURE
    assert execution.failure_info.category.lower() == models.BatchErrorSourceCategory.USER_ERROR
    assert execution.failure_info.code == "FailureExitCode"


@pytest.mark.spec
def test_a_task_is_tried_as_often_as_its_constraints_say(batch, job):
    constraints = models.BatchTaskConstraints(max_task_retry_count=2)
    execution = job.run("exit 1", constraints=constraints).execution_info
    assert execution.retry_count == 2
    assert execution.last_retry_time <= execution.end_time


@pytest.mark.spec
def test_a_task_inherits_the_retries_of_its_job(batch, work):
    work.create(constraints=models.BatchJobConstraints(max_task_retry_count=1))
    assert work.run("exit 1").execution_info.retry_count == 1


@pytest.mark.spec
def test_a_terminated_task_is_completed(batch, job):
    job.running()
    batch.terminate_task(job.job, "task")
    execution = job.completed().execution_info
    assert execution.result == models.BatchTaskExecutionResult.FAILURE
    assert execution.failure_info.code == "TaskEnded"
    with refused(409, "TaskCompleted", ResourceExistsError):
        batch.terminate_task(job.job, "task")


@pytest.mark.field
def test_an_image_that_cannot_be_pulled_leaves_no_exit_code(batch, job):
    settings = models.BatchTaskContainerSettings(image_name="example.invalid/none")
    execution = job.run("true", container_settings=settings).execution_info
    assert execution.exit_code is None
    assert execution.failure_info.code == "ContainerInvalidImage"


@pytest.mark.spec
def test_a_deleted_task_is_gone(batch, job):
    job.running()
    batch.delete_task(job.job, "task")
    with refused(404, "TaskNotFound", ResourceNotFoundError):
        batch.get_task(job.job, "task")


@pytest.mark.docs
def test_a_second_task_of_the_same_id_exists_already(batch, job):
    job.add("true")
    with refused(409, "TaskExists", ResourceExistsError):
        job.add("true")


@pytest.mark.docs
def test_a_task_needs_a_job(batch, work):
    with refused(404, "JobNotFound", ResourceNotFoundError):
        work.add("true")


@pytest.mark.spec
def test_a_task_is_deleted_only_in_the_version_that_was_named(batch, job):
    job.running()
    stale = {"etag": "0x1", "match_condition": MatchConditions.IfNotModified}
    with refused(412, "ConditionNotMet", ResourceModifiedError):
        batch.delete_task(job.job, "task", **stale)
    current = {"etag": batch.get_task(job.job, "task").etag, "match_condition": MatchConditions.IfNotModified}
    batch.delete_task(job.job, "task", **current)


@pytest.mark.docs
def test_a_task_knows_where_it_runs(batch, job):
    names = ["ACCOUNT_NAME", "JOB_ID", "TASK_ID", "POOL_ID", "NODE_ID", "TASK_DIR", "TASK_WORKING_DIR"]
    task = job.run("; ".join(f"echo $AZ_BATCH_{name}" for name in names) + "; pwd")
    account, job_id, task_id, pool, node, directory, working, here = job.text("stdout.txt").splitlines()
    assert (job_id, task_id, pool, node) == (job.job, "task", job.pool, task.node_info.node_id)
    assert working == f"{directory}/wd" == here
    assert account


@pytest.mark.spec
def test_a_task_sees_the_variables_of_its_job_unless_it_has_its_own(batch, work):
    setting = models.EnvironmentSetting
    work.create(common_environment_settings=[setting(name="A", value="job"), setting(name="B", value="job")])
    work.run("echo $A $B", environment_settings=[setting(name="B", value="task")])
    assert work.text("stdout.txt") == "job task\n"


@pytest.mark.spec
def test_the_password_of_a_registry_is_not_told(batch, job):
    registry = models.ContainerRegistryReference(registry_server="r.invalid", username="u", password="secret")
    settings = models.BatchTaskContainerSettings(image_name=IMAGE.image_name, registry=registry)
    job.add("true", container_settings=settings)
    shown = batch.get_task(job.job, "task").container_settings.registry
    assert (shown.username, shown.password) == ("u", None)


@pytest.mark.spec
def test_statistics_say_what_was_used(batch, job):
    job.run("dd if=/dev/zero of=/dev/null bs=1 count=20000; sleep 0.5")
    used = batch.get_task(job.job, "task", expand=["stats"]).task_statistics
    assert used.read_iops >= 20_000 and used.write_iops >= 20_000
    assert used.wall_clock_time >= timedelta(seconds=0.5)
    assert timedelta() <= used.user_cpu_time + used.kernel_cpu_time <= 2 * used.wall_clock_time
    whole = batch.get_job(job.job, expand=["stats"]).job_statistics
    assert (whole.succeeded_tasks_count, whole.failed_tasks_count, whole.task_retries_count) == (1, 0, 0)
    assert (whole.read_iops, whole.wall_clock_time) == (used.read_iops, used.wall_clock_time)
    assert job.get().job_statistics is None
