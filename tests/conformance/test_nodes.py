"""Nodes: https://learn.microsoft.com/rest/api/batchservice/nodes"""

import pytest
from azure.batch import models
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from errors import refused
from work import POLLING_SECONDS, POOL, SPARE, Work


@pytest.mark.spec
def test_a_node_tells_what_it_is_and_what_it_ran(batch, job):
    ran = job.run("exit 3").node_info
    node = batch.get_node(POOL, ran.node_id)
    assert (node.url, node.affinity_id) == (ran.node_url, ran.affinity_id)
    assert node.is_dedicated and node.scheduling_state == models.SchedulingState.ENABLED
    assert node.allocation_time <= node.last_boot_time <= node.state_transition_time
    assert node.total_tasks_run > 0
    recent = next(task for task in node.recent_tasks if task.job_id == job.job)
    assert (recent.task_state, recent.execution_info.exit_code) == (models.BatchTaskState.COMPLETED, 3)


@pytest.mark.spec
def test_a_node_is_running_as_long_as_it_runs_a_task(batch, job):
    job.running()
    node = job.batch.get_task(job.job, "task").node_info.node_id
    assert node in [found.id for found in batch.list_nodes(POOL, filter="state eq 'running'")]
    assert batch.get_node(POOL, node).running_tasks_count >= 1


@pytest.mark.docs
def test_a_node_that_is_not_there_is_not_found(batch):
    with refused(404, "NodeNotFound", ResourceNotFoundError):
        batch.get_node(POOL, "none")
    with refused(404, "PoolNotFound", ResourceNotFoundError):
        list(batch.list_nodes("none"))


@pytest.mark.spec
def test_a_selection_of_nodes_leaves_out_the_rest(batch):
    for node in batch.list_nodes("plain", select=["id", "state"]):
        assert node.id and node.state
        assert (node.vm_size, node.allocation_time) == (None, None)


@pytest.mark.spec
def test_a_node_that_was_rebooted_works_again(batch):
    node = next(iter(batch.list_nodes(SPARE)))
    # The client has no model for this, and fails if there is nothing to send.
    batch.begin_reboot_node(SPARE, node.id, {"nodeRebootOption": "requeue"}, polling_interval=POLLING_SECONDS).wait()
    again = batch.get_node(SPARE, node.id)
    assert again.state == models.BatchNodeState.IDLE
    assert again.last_boot_time > node.last_boot_time


@pytest.mark.spec
def test_a_reimaged_node_works_again_without_its_files(batch):
    node = next(iter(batch.list_nodes(SPARE)))
    own = Work(batch, "reimaged", SPARE)
    own.create()
    try:
        own.run("echo text > f")
        # The client has no model for this, and fails if there is nothing to send.
        options = {"nodeReimageOption": "requeue"}
        batch.begin_reimage_node(SPARE, node.id, options, polling_interval=POLLING_SECONDS).wait()
        again = batch.get_node(SPARE, node.id)
        assert again.state == models.BatchNodeState.IDLE
        assert again.last_boot_time > node.last_boot_time
        assert own.text("wd/f") is None
    finally:
        own.delete()


@pytest.mark.spec
def test_scheduling_on_a_node_is_switched_off_and_on(batch):
    node = next(iter(batch.list_nodes(SPARE))).id
    option = models.BatchNodeDisableSchedulingOptions(node_disable_scheduling_option="requeue")
    batch.disable_node_scheduling(SPARE, node, option)
    shown = batch.get_node(SPARE, node)
    assert (shown.state, shown.scheduling_state) == (models.BatchNodeState.OFFLINE, models.SchedulingState.DISABLED)
    with refused(409, "NodeAlreadyInTargetSchedulingState", ResourceExistsError):
        batch.disable_node_scheduling(SPARE, node, option)
    batch.enable_node_scheduling(SPARE, node)
    assert batch.get_node(SPARE, node).state == models.BatchNodeState.IDLE


@pytest.mark.spec
def test_the_files_of_a_node_are_those_of_its_tasks_and_its_own(batch, job):
    ran = job.run("echo text > f").node_info
    root = ran.task_root_directory
    assert f"{root}/wd/f" in [file.name for file in batch.list_node_files(POOL, ran.node_id, recursive=True)]
    assert b"".join(batch.download_node_file(POOL, ran.node_id, f"{root}/wd/f")) == b"text\n"
    assert batch.get_node_file_properties(POOL, ran.node_id, f"{root}/wd/f").content_length == 5
    batch.delete_node_file(POOL, ran.node_id, f"{root}/wd/f")
    assert job.text("wd/f") is None
