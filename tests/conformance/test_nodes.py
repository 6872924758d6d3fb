"""Nodes: https://learn.microsoft.com/rest/api/batchservice/nodes"""

import pytest
from azure.batch import models
from azure.core.exceptions import ResourceNotFoundError

from errors import refused
from work import POOL


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
