"""The files of tasks: https://learn.microsoft.com/rest/api/batchservice/tasks/get-task-file"""

from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from errors import refused


def content(batch, job, path, **options):
    return b"".join(batch.download_task_file(job.job, "task", path, **options))


@pytest.mark.spec
def test_a_file_comes_byte_for_byte(batch, job):
    job.run("head -c 300000 /dev/zero | tr '\\0' x; printf '\\001\\377' > bytes")
    assert content(batch, job, "stdout.txt") == b"x" * 300_000
    assert content(batch, job, "wd/bytes") == b"\x01\xff"


@pytest.mark.spec
def test_a_range_brings_the_bytes_that_it_names(batch, job):
    job.run("printf 0123456789")
    ranges = {"bytes=0-0": b"0", "bytes=2-4": b"234", "bytes=7-": b"789", "bytes=8-99": b"89"}
    for asked, brought in ranges.items():
        assert content(batch, job, "stdout.txt", ocp_range=asked) == brought, asked


@pytest.mark.docs
def test_a_range_that_starts_at_the_end_is_not_satisfiable(batch, job):
    job.run("printf 0123456789")
    with refused(416, "InvalidRange"):
        content(batch, job, "stdout.txt", ocp_range="bytes=10-")


@pytest.mark.spec
def test_the_properties_of_a_file_tell_its_size_and_mode(batch, job):
    job.run("printf 12345 > f; chmod 640 f")
    file = batch.get_task_file_properties(job.job, "task", "wd/f")
    assert file.content_length == 5
    assert file.is_directory is False
    assert file.file_mode.endswith("640")
    assert file.url.endswith(f"%2Fjobs%2F{job.job}%2Ftasks%2Ftask%2Ffiles%2Fwd%2Ff")
    assert datetime.now(UTC) - file.last_modified < timedelta(hours=1)


@pytest.mark.spec
def test_the_time_of_creation_is_not_told_of_files_on_linux(batch, job):
    job.run("true")
    assert batch.get_task_file_properties(job.job, "task", "stdout.txt").creation_time is None
    listed = {file.name: file for file in batch.list_task_files(job.job, "task")}
    assert listed["stdout.txt"].properties.creation_time is None
    assert listed["stdout.txt"].properties.content_length == 0


@pytest.mark.spec
def test_files_are_listed_flat_or_with_what_is_below(batch, job):
    job.run("mkdir d; touch d/f")
    flat = list(batch.list_task_files(job.job, "task"))
    assert {file.name for file in flat} == {"stdout.txt", "stderr.txt", "wd"}
    assert [file.name for file in flat if file.is_directory] == ["wd"]
    deep = {file.name for file in batch.list_task_files(job.job, "task", recursive=True)}
    assert deep == {"stdout.txt", "stderr.txt", "wd", "wd/d", "wd/d/f"}


@pytest.mark.spec
def test_files_are_listed_by_a_prefix_page_by_page(batch, job):
    job.run("touch a1 a2 a3 b1")
    options = {"recursive": True, "filter": "startswith(name,'wd/a')", "max_results": 2}
    pages = [[file.name for file in page] for page in batch.list_task_files(job.job, "task", **options).by_page()]
    assert pages == [["wd/a1", "wd/a2"], ["wd/a3"]]


@pytest.mark.spec
def test_a_name_is_found_whatever_its_characters(batch, job):
    name = "wd/a b/50%#+&=é.txt"
    job.run("mkdir 'a b'; echo here > 'a b/50%#+&=é.txt'")
    assert content(batch, job, name) == b"here\n"
    assert name in {file.name for file in batch.list_task_files(job.job, "task", recursive=True)}


@pytest.mark.docs
def test_a_file_that_is_not_there_is_not_found(batch, job):
    job.run("true")
    with refused(404, "FileNotFound", ResourceNotFoundError):
        content(batch, job, "none.txt")


@pytest.mark.infer
def test_a_path_cannot_leave_the_directory_of_the_task(batch, job):
    job.run("true")
    for path in ["../../../etc/passwd", "/etc/passwd", "wd/../../x"]:
        with pytest.raises(HttpResponseError) as caught:
            content(batch, job, path)
        assert caught.value.status_code in (400, 404), path


@pytest.mark.docs
def test_a_task_that_did_not_run_has_no_files(batch, work):
    work.pool = "later"
    work.create()
    work.add("true")
    with refused(409, "OperationInvalidForCurrentState", ResourceExistsError):
        content(batch, work, "stdout.txt")


@pytest.mark.spec
def test_a_file_is_read_only_if_it_was_changed_since(batch, job):
    job.run("echo x")
    at = batch.get_task_file_properties(job.job, "task", "stdout.txt").last_modified
    before = at - timedelta(seconds=2)
    assert content(batch, job, "stdout.txt", if_modified_since=before) == b"x\n"
    assert content(batch, job, "stdout.txt", if_unmodified_since=at) == b"x\n"
    with refused(412, "ConditionNotMet"):
        content(batch, job, "stdout.txt", if_unmodified_since=before)
    with pytest.raises(HttpResponseError) as caught:
        content(batch, job, "stdout.txt", if_modified_since=at)
    assert caught.value.status_code == 304
