"""Pools: https://learn.microsoft.com/rest/api/batchservice/pools"""

import pytest
from azure.batch import models
from azure.core.exceptions import ResourceNotFoundError

from errors import refused
from work import POLLING_SECONDS, POOL, SPARE


@pytest.mark.spec
def test_a_pool_tells_its_machines(batch):
    pool = batch.get_pool(POOL)
    assert (pool.id, pool.state) == (POOL, models.BatchPoolState.ACTIVE)
    assert pool.allocation_state == models.AllocationState.STEADY
    assert pool.current_dedicated_nodes == pool.target_dedicated_nodes
    assert pool.virtual_machine_configuration.node_agent_sku_id.startswith("batch.node.")
    assert pool.virtual_machine_configuration.container_configuration.type == models.ContainerType.DOCKER_COMPATIBLE
    assert pool.url.endswith(f"/pools/{POOL}")
    assert pool.task_slots_per_node == 4


@pytest.mark.spec
def test_a_selection_of_a_pool_leaves_out_the_rest(batch):
    pool = batch.get_pool(POOL, select=["id", "state"])
    assert (pool.id, pool.vm_size) == (POOL, None)


@pytest.mark.spec
def test_pools_are_listed_and_can_be_asked_for(batch):
    assert POOL in [pool.id for pool in batch.list_pools(filter=f"id eq '{POOL}'")]
    assert batch.pool_exists(POOL)
    with pytest.raises(ResourceNotFoundError):
        batch.pool_exists("none")


@pytest.mark.docs
def test_a_pool_that_is_not_there_is_not_found(batch):
    with refused(404, "PoolNotFound", ResourceNotFoundError):
        batch.get_pool("none")


@pytest.mark.field
def test_a_container_fails_on_a_pool_that_is_not_for_containers(batch, work):
    work.pool = "plain"
    work.create()
    execution = work.run("true").execution_info
    assert execution.failure_info.code == "ContainerPoolNotSupported"
    assert work.run("true", "command", container_settings=None).execution_info.exit_code == 0


@pytest.mark.spec
def test_a_pool_is_resized(batch):
    grow = models.BatchPoolResizeOptions(target_dedicated_nodes=2, target_low_priority_nodes=1)
    batch.begin_resize_pool(SPARE, grow, polling_interval=POLLING_SECONDS).wait()
    pool = batch.get_pool(SPARE)
    assert (pool.current_dedicated_nodes, pool.current_low_priority_nodes) == (2, 1)
    surplus = [node.id for node in batch.list_nodes(SPARE)][:2]
    removal = models.BatchNodeRemoveOptions(node_ids=surplus)
    batch.begin_remove_nodes(SPARE, removal, polling_interval=POLLING_SECONDS).wait()
    assert not set(surplus) & {node.id for node in batch.list_nodes(SPARE)}
    shrink = models.BatchPoolResizeOptions(target_dedicated_nodes=1, target_low_priority_nodes=0)
    batch.begin_resize_pool(SPARE, shrink, polling_interval=POLLING_SECONDS).wait()
    pool = batch.get_pool(SPARE)
    assert (pool.current_dedicated_nodes, pool.current_low_priority_nodes) == (1, 0)


@pytest.mark.spec
def test_a_resize_is_stopped(batch):
    resize = batch.begin_resize_pool(SPARE, models.BatchPoolResizeOptions(target_dedicated_nodes=5), polling_interval=POLLING_SECONDS)
    batch.begin_stop_pool_resize(SPARE, polling_interval=POLLING_SECONDS).wait()
    resize.wait()
    pool = batch.get_pool(SPARE)
    assert (pool.allocation_state, pool.current_dedicated_nodes) == (models.AllocationState.STEADY, 1)
    assert [error.code for error in pool.resize_errors] == ["ResizeStopped"]
    back = models.BatchPoolResizeOptions(target_dedicated_nodes=1)
    batch.begin_resize_pool(SPARE, back, polling_interval=POLLING_SECONDS).wait()
