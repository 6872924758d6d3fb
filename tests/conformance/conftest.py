"""Runs the cases against the account in the environment variables: the one that tests/kit/launch starts."""

import os
import re

import pytest

from work import Work, client_of

# The sources of a case, as in docs/emulator-rules.md.
SOURCES = {"spec", "docs", "field", "infer"}


def pytest_configure(config):
    for source in SOURCES:
        config.addinivalue_line("markers", f"{source}: where the case's claim comes from")


def pytest_collection_modifyitems(items):
    """Every case names its source; the case that checks all requests runs last."""
    for item in items:
        if len(SOURCES & {mark.name for mark in item.iter_markers()}) != 1:
            raise pytest.UsageError(f"{item.nodeid} needs exactly one of the marks {', '.join(sorted(SOURCES))}")
    items.sort(key=lambda item: item.path.name == "test_operations.py")


@pytest.fixture(scope="session")
def batch():
    account, key = os.environ["AZURE_BATCH_ACCOUNT"], os.environ["AZURE_BATCH_ACCESS_KEY"]
    with client_of(account, key) as client:
        yield client


@pytest.fixture
def work(batch, request):
    """A job with the name of the case, not yet created; deleted at the end of the case."""
    work = Work(batch, re.sub(r"\W", "-", request.node.name.removeprefix("test_"))[:64])
    yield work
    work.delete()


@pytest.fixture
def job(work):
    """The same job, created."""
    work.create()
    return work
