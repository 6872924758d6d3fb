"""Azure Batch's classic quickstart, from the upload of its input to the deletion of the pool.

https://learn.microsoft.com/azure/batch/quick-run-python: a pool of Ubuntu nodes, a job, a task for each input file, and
the output of each task. Only the storage client is not Microsoft's.
"""

import time

import pytest
from azure.batch import models
from azure.core.exceptions import ResourceNotFoundError

from storage import Container
from work import POLLING_SECONDS

POOL, JOB = "PythonQuickstartPool", "PythonQuickstartJob"
NODES = 2
INPUT = {f"taskdata{number}.txt": f"The text of the input file {number}.\n" for number in range(3)}
LIMIT_SECONDS = 120


@pytest.fixture
def quickstart(batch):
    """Deletes the job and the pool of a case that failed."""
    yield batch
    for delete, name in [(batch.begin_delete_job, JOB), (batch.begin_delete_pool, POOL)]:
        try:
            delete(name, polling_interval=POLLING_SECONDS).wait()
        except ResourceNotFoundError:
            pass


def upload():
    """Uploads the input files, and returns each as a resource file with a signature of its own."""
    container = Container()
    for name, text in INPUT.items():
        container.put(f"quickstart/{name}", text.encode())
    return [models.ResourceFile(http_url=container.url("r", f"quickstart/{name}"), file_path=name) for name in INPUT]


def create_pool(batch):
    image = models.BatchVmImageReference(publisher="canonical", offer="0001-com-ubuntu-server-jammy", sku="22_04-lts", version="latest")
    machine = models.VirtualMachineConfiguration(image_reference=image, node_agent_sku_id="batch.node.ubuntu 22.04")
    pool = models.BatchPoolCreateOptions(
        id=POOL, virtual_machine_configuration=machine, vm_size="STANDARD_DS1_V2", target_dedicated_nodes=NODES
    )
    batch.create_pool(pool)


def add_tasks(batch, files):
    tasks = [
        models.BatchTaskCreateOptions(id=f"Task{number}", command_line=f'/bin/bash -c "cat {file.file_path}"', resource_files=[file])
        for number, file in enumerate(files)
    ]
    added = batch.create_tasks(JOB, tasks)
    # Azure writes 'Success', the client's enumeration 'success'.
    assert [one.status.lower() for one in added.result_values] == [models.BatchTaskAddStatus.SUCCESS] * len(tasks)


def wait_for_tasks(batch):
    end = time.monotonic() + LIMIT_SECONDS
    while any(task.state != models.BatchTaskState.COMPLETED for task in batch.list_tasks(JOB)):
        assert time.monotonic() < end, "the tasks were not completed in time"
        time.sleep(POLLING_SECONDS)


@pytest.mark.docs
def test_the_quickstart_runs_and_leaves_nothing(quickstart):
    batch = quickstart
    files = upload()
    create_pool(batch)
    batch.create_job(models.BatchJobCreateOptions(id=JOB, pool_info=models.BatchPoolInfo(pool_id=POOL)))
    add_tasks(batch, files)
    wait_for_tasks(batch)
    nodes = {node.id for node in batch.list_nodes(POOL)}
    assert len(nodes) == NODES
    outputs = {}
    for task in batch.list_tasks(JOB):
        assert (task.execution_info.exit_code, task.node_info.node_id in nodes) == (0, True)
        outputs[task.id] = b"".join(batch.download_task_file(JOB, task.id, "stdout.txt")).decode()
    assert outputs == {f"Task{number}": text for number, text in enumerate(INPUT.values())}
    batch.begin_delete_job(JOB, polling_interval=POLLING_SECONDS).wait()
    batch.begin_delete_pool(POOL, polling_interval=POLLING_SECONDS).wait()
    assert JOB not in [job.id for job in batch.list_jobs()]
    assert POOL not in [pool.id for pool in batch.list_pools()]
    for gone, name in [(batch.get_job, JOB), (batch.get_pool, POOL)]:
        with pytest.raises(ResourceNotFoundError):
            gone(name)
