"""Pools: https://learn.microsoft.com/rest/api/batchservice/pools"""

import pytest
from azure.batch import models
from azure.core.exceptions import ResourceNotFoundError

from errors import refused
from work import POOL


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
