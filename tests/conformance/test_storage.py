"""Resource files and output files, with Azurite as the storage account.

https://learn.microsoft.com/azure/batch/resource-files, https://learn.microsoft.com/azure/batch/batch-task-output-files
"""

import pytest
from azure.batch import models

from errors import refused
from storage import Container


@pytest.fixture(scope="module")
def container():
    return Container()


def output(pattern, url, path, condition=models.OutputFileUploadCondition.TASK_COMPLETION):
    destination = models.OutputFileBlobContainerDestination(container_url=url, path=path)
    return models.OutputFile(
        file_pattern=pattern,
        destination=models.OutputFileDestination(container=destination),
        upload_options=models.OutputFileUploadConfiguration(upload_condition=condition),
    )


@pytest.mark.spec
def test_a_blob_becomes_a_file_with_the_mode_that_was_asked_for(batch, job, container):
    container.put("one/input", b"content")
    url = container.url("r", "one/input")
    job.run("cat d/f; stat -c ' %a' d/f", resource_files=[models.ResourceFile(http_url=url, file_path="d/f", file_mode="0640")])
    assert job.text("stdout.txt") == "content 640\n"


@pytest.mark.docs
def test_the_blobs_of_a_container_keep_their_directories(batch, job, container):
    for name in ["many/in/a", "many/in/d/b c"]:
        container.put(name, name.encode())
    files = models.ResourceFile(storage_container_url=container.url("rl"), blob_prefix="many/in/", file_path="files")
    job.run("cat 'files/many/in/d/b c' && find files -type f | wc -l", resource_files=[files])
    assert job.text("stdout.txt") == "many/in/d/b c2\n"


@pytest.mark.field
def test_a_blob_that_is_not_there_leaves_no_exit_code(batch, job, container):
    file = models.ResourceFile(http_url=container.url("r", "none"), file_path="f")
    execution = job.run("true", resource_files=[file]).execution_info
    assert (execution.exit_code, execution.failure_info.code) == (None, "BlobNotFound")
    assert "sig=" not in str(execution.failure_info.as_dict())


@pytest.mark.field
def test_a_blob_that_may_not_be_read_is_told_apart(batch, job, container):
    container.put("locked/input", b"content")
    file = models.ResourceFile(http_url=container.url("w", "locked/input"), file_path="f")
    assert job.run("true", resource_files=[file]).execution_info.failure_info.code == "BlobAccessDenied"


@pytest.mark.docs
def test_output_files_are_there_once_the_task_is_completed(batch, job, container):
    files = [output("d/*.txt", container.url("w"), "out"), output("../stdout.txt", container.url("w"), "log")]
    execution = job.run("mkdir d; echo x > d/f.txt; echo done", output_files=files).execution_info
    assert execution.result == models.BatchTaskExecutionResult.SUCCESS
    assert container.get("out/f.txt") == b"x\n"
    assert container.get("log") == b"done\n"


@pytest.mark.docs
def test_the_condition_decides_what_is_uploaded(batch, job, container):
    condition = models.OutputFileUploadCondition
    files = [output("../stdout.txt", container.url("w"), f"if/{one.value}", one) for one in condition]
    job.run("exit 1", output_files=files)
    found = {one.value: container.get(f"if/{one.value}") for one in condition}
    assert found == {"tasksuccess": None, "taskfailure": b"", "taskcompletion": b""}


@pytest.mark.docs
def test_an_upload_that_fails_makes_the_task_fail(batch, job, container):
    execution = job.run("true", output_files=[output("../stdout.txt", container.url("r"), "x")]).execution_info
    assert execution.exit_code == 0
    assert execution.result == models.BatchTaskExecutionResult.FAILURE
    assert execution.failure_info.code == "FileUploadAccessDenied"


@pytest.mark.field
def test_resource_files_of_more_than_32768_characters_are_refused(batch, job):
    files = [models.ResourceFile(http_url="http://127.0.0.1/" + "x" * 32_768, file_path="f")]
    with refused(400, "InvalidPropertyValue") as error:
        job.add("true", resource_files=files)
    assert error.details["Reason"] == "Total size of resourceFiles cannot be more than 32768 characters"


@pytest.mark.spec
def test_a_container_of_the_linked_account_needs_no_signature(batch, job, container):
    container.put("auto/in/a b", b"content")
    files = models.ResourceFile(auto_storage_container_name=container.name, blob_prefix="auto/", file_path="files")
    job.run("cat 'files/auto/in/a b'", resource_files=[files])
    assert job.text("stdout.txt") == "content"


@pytest.mark.spec
def test_the_headers_of_an_output_file_come_with_its_blob(batch, job, container):
    file = output("f", container.url("w"), "headers/f")
    header = models.OutputFileUploadHeader(name="x-ms-blob-content-type", value="text/x-log")
    file.destination.container.upload_headers = [header]
    execution = job.run("echo x > f", output_files=[file]).execution_info
    assert execution.result == models.BatchTaskExecutionResult.SUCCESS
    assert container.content_type("headers/f") == "text/x-log"
