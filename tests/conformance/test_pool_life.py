"""Pools that the cases create: https://learn.microsoft.com/rest/api/batchservice/pools"""

import re
from datetime import UTC, datetime, timedelta

import pytest
from azure.batch import models
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from errors import refused
from work import POLLING_SECONDS, until

IMAGE = models.BatchVmImageReference(publisher="canonical", offer="ubuntu-24_04-lts", sku="server")
MACHINE = models.VirtualMachineConfiguration(image_reference=IMAGE, node_agent_sku_id="batch.node.ubuntu 24.04")


class Pool:
    """A pool of plain Ubuntu nodes, not created until a case asks for it."""

    def __init__(self, batch, id):
        self.batch, self.id = batch, id

    def create(self, **options):
        options = {"target_dedicated_nodes": 1, "virtual_machine_configuration": MACHINE} | options
        self.batch.create_pool(models.BatchPoolCreateOptions(id=self.id, vm_size="Standard_D2s_v3", **options))

    def get(self):
        return self.batch.get_pool(self.id)

    def steady(self):
        def ask():
            pool = self.get()
            return pool if pool.allocation_state == models.AllocationState.STEADY else None

        return until(f"the pool {self.id} is steady", ask)

    def delete(self):
        """Deletes the pool if it still exists, and waits until it is gone."""
        try:
            self.batch.begin_delete_pool(self.id, polling_interval=POLLING_SECONDS).wait()
        except ResourceNotFoundError:
            pass


@pytest.fixture
def pool(batch, request):
    """A pool with the name of the case, not yet created; deleted at the end of the case."""
    pool = Pool(batch, re.sub(r"\W", "-", request.node.name.removeprefix("test_"))[:64])
    yield pool
    pool.delete()


@pytest.mark.spec
def test_a_pool_runs_tasks_from_its_creation_to_its_deletion(batch, pool, work):
    pool.create(start_task=models.BatchStartTask(command_line="/bin/sh -c 'echo started > f'"))
    assert pool.get().state == models.BatchPoolState.ACTIVE
    work.pool = pool.id
    work.create()
    work.run("cat $AZ_BATCH_NODE_STARTUP_DIR/wd/f", container_settings=None)
    assert work.text("stdout.txt") == "started\n"
    node = next(iter(batch.list_nodes(pool.id)))
    assert node.start_task_info.result == models.BatchTaskExecutionResult.SUCCESS
    pool.delete()
    with refused(404, "PoolNotFound", ResourceNotFoundError):
        pool.get()
    assert work.get().state == models.BatchJobState.ACTIVE


@pytest.mark.spec
def test_the_id_of_a_pool_is_taken_until_it_is_deleted(batch, pool):
    pool.create()
    with refused(409, "PoolExists", ResourceExistsError):
        pool.create()
    deletion = batch.begin_delete_pool(pool.id, polling_interval=POLLING_SECONDS)
    assert pool.get().state == models.BatchPoolState.DELETING
    with refused(409, "PoolBeingDeleted", ResourceExistsError):
        pool.create()
    deletion.wait()
    pool.create()


@pytest.mark.spec
def test_a_pool_is_changed_and_its_properties_are_replaced(batch, pool):
    pool.create()
    named = pool.steady()
    metadata = [models.BatchMetadataItem(name="n", value="v")]
    start = models.BatchStartTask(command_line="true")
    batch.update_pool(
        pool.id,
        models.BatchPoolUpdateOptions(metadata=metadata, start_task=start),
        etag=named.etag,
        match_condition=MatchConditions.IfNotModified,
    )
    changed = pool.get()
    assert (changed.metadata[0].value, changed.start_task.command_line) == ("v", "true")
    assert changed.etag != named.etag
    with refused(412, "ConditionNotMet", ResourceModifiedError):
        batch.update_pool(
            pool.id,
            models.BatchPoolUpdateOptions(metadata=[]),
            etag=named.etag,
            match_condition=MatchConditions.IfNotModified,
        )
    nothing = models.BatchPoolReplaceOptions(application_package_references=[], metadata=[])
    batch.replace_pool_properties(pool.id, nothing)
    replaced = pool.get()
    assert (replaced.start_task, replaced.metadata) == (None, None)


@pytest.mark.spec
def test_a_pool_is_scaled_by_its_formula(batch, pool):
    interval = timedelta(minutes=5)
    pool.create(
        target_dedicated_nodes=None,
        enable_auto_scale=True,
        auto_scale_formula="$TargetDedicatedNodes = 1;",
        auto_scale_evaluation_interval=interval,
    )
    scaled = pool.steady()
    assert (scaled.current_dedicated_nodes, scaled.auto_scale_evaluation_interval) == (1, interval)
    results = "$TargetDedicatedNodes=1;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue"
    assert (scaled.auto_scale_run.results, scaled.auto_scale_run.error) == (results, None)
    with refused(409, "OperationNotValidOnPool", ResourceExistsError):
        batch.begin_resize_pool(pool.id, models.BatchPoolResizeOptions(target_dedicated_nodes=2))

    formula = models.BatchPoolEvaluateAutoScaleOptions(auto_scale_formula="a = $CPUPercent.GetSample(TimeInterval_Hour);")
    run = batch.evaluate_pool_auto_scale(pool.id, formula)
    assert run.error.code == "InsufficientSampleData"
    assert "$CPUPercent wanted 10%, received 0%" in run.error.error_values[0].value

    new = models.BatchPoolEnableAutoScaleOptions(auto_scale_formula="$TargetDedicatedNodes = 2;")
    batch.enable_pool_auto_scale(pool.id, new)
    assert pool.get().auto_scale_evaluation_interval == interval
    assert pool.steady().current_dedicated_nodes == 2
    batch.disable_pool_auto_scale(pool.id)
    fixed = pool.get()
    assert (fixed.enable_auto_scale, fixed.auto_scale_formula, fixed.auto_scale_run) == (False, None, None)


@pytest.mark.docs
def test_a_formula_with_an_error_is_refused(pool):
    with refused(400, "AutoScalingFormulaSyntaxError") as error:
        pool.create(target_dedicated_nodes=None, enable_auto_scale=True, auto_scale_formula="a = (1;")
    assert error.details["Reason"].startswith("Line 1, Col 7: ")


@pytest.mark.spec
def test_a_pool_without_nodes_can_become_another_one(batch, pool):
    pool.create(target_dedicated_nodes=0)
    pool.steady()
    fill = models.BatchTaskSchedulingPolicy(node_fill_type=models.BatchNodeFillType.PACK)
    new = models.BatchPoolUpdateOptions(vm_size="Standard_D4s_v3", task_slots_per_node=4, task_scheduling_policy=fill)
    batch.update_pool(pool.id, new)
    found = pool.get()
    assert (found.vm_size, found.task_slots_per_node) == ("standard_d4s_v3", 4)
    assert found.task_scheduling_policy.node_fill_type.lower() == models.BatchNodeFillType.PACK
    grow = models.BatchPoolResizeOptions(target_dedicated_nodes=1)
    batch.begin_resize_pool(pool.id, grow, polling_interval=POLLING_SECONDS).wait()
    with refused(409, "OperationInvalidForCurrentState", ResourceExistsError):
        batch.update_pool(pool.id, new)


@pytest.mark.spec
def test_a_job_can_have_a_pool_of_its_own(batch, work):
    pool = models.BatchPoolSpecification(vm_size="Standard_D2s_v3", virtual_machine_configuration=MACHINE, target_dedicated_nodes=1)
    own = models.BatchAutoPoolSpecification(auto_pool_id_prefix="own", pool_lifetime_option=models.BatchPoolLifetimeOption.JOB, pool=pool)
    info = models.BatchPoolInfo(auto_pool_specification=own)
    batch.create_job(models.BatchJobCreateOptions(id=work.job, pool_info=info))
    work.run("echo $AZ_BATCH_POOL_ID", container_settings=None)
    job = work.get()
    assert job.pool_info.pool_id is None
    assert work.text("stdout.txt") == f"{job.execution_info.pool_id}\n"
    assert job.execution_info.pool_id.startswith("own_")
    work.terminate()
    work.ended()

    def gone():
        return job.execution_info.pool_id not in [found.id for found in batch.list_pools()]

    until("the end of the pool of the job", gone)


@pytest.mark.spec
def test_the_images_for_pools_are_listed(batch):
    images = list(batch.list_supported_images(filter="verificationType eq 'verified' and osType eq 'linux'"))
    assert all(image.verification_type == models.ImageVerificationType.VERIFIED for image in images)
    jammy = [image for image in images if image.image_reference.offer == "0001-com-ubuntu-server-jammy"]
    assert {image.node_agent_sku_id for image in jammy} == {"batch.node.ubuntu 22.04"}


@pytest.mark.spec
def test_the_nodes_of_a_pool_are_counted(batch, pool):
    pool.create(target_dedicated_nodes=2)
    pool.steady()
    counts = list(batch.list_pool_node_counts(filter=f"poolId eq '{pool.id}'"))
    assert [one.pool_id for one in counts] == [pool.id]
    assert (counts[0].dedicated.total, counts[0].low_priority.total) == (2, 0)
    assert counts[0].dedicated.idle + counts[0].dedicated.starting == 2


@pytest.mark.spec
def test_the_usage_of_a_new_account_is_not_there_yet(batch):
    assert list(batch.list_pool_usage_metrics()) == []
    with refused(400, "InvalidQueryParameterValue"):
        list(batch.list_pool_usage_metrics(start_time=datetime.now(UTC)))
