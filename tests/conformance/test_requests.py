"""What all requests have in common: https://learn.microsoft.com/rest/api/batchservice/batch-api-basics"""

import base64
import importlib
import inspect
import os
import re
from datetime import UTC, datetime, timedelta

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from errors import refused
from work import client_of


@pytest.mark.docs
def test_a_wrong_key_is_forbidden():
    key = base64.b64encode(b"another key").decode()
    with client_of(os.environ["AZURE_BATCH_ACCOUNT"], key) as stranger, refused(403, "AuthenticationFailed"):
        list(stranger.list_jobs())


@pytest.mark.docs
def test_another_account_is_forbidden():
    with client_of("another", os.environ["AZURE_BATCH_ACCESS_KEY"]) as stranger, refused(403, "AuthenticationFailed"):
        list(stranger.list_jobs())


@pytest.mark.docs
def test_a_request_of_an_hour_ago_is_forbidden(batch):
    with refused(403, "AuthenticationFailed"):
        batch.get_job("none", ocp_date=datetime.now(UTC) - timedelta(hours=1))


@pytest.mark.spec
def test_the_time_out_of_a_request_is_signed_as_the_client_writes_it(batch, job):
    assert batch.get_job(job.job, service_timeout=20).id == job.job


@pytest.mark.spec
def test_the_answer_names_the_request(batch, job):
    seen = {}

    def keep(response):
        seen.update(response.http_response.headers)

    batch.get_job(job.job, headers={"client-request-id": "mine", "return-client-request-id": "true"}, raw_response_hook=keep)
    assert seen["client-request-id"] == "mine"
    assert seen["request-id"]


def operations():
    """Returns the verb and the path of every operation of the client whose errors it can read: HEAD has none."""
    source = inspect.getsource(importlib.import_module("azure.batch._operations._operations"))
    builders = re.findall(r"^def build_\w+\(.*?(?=^def |^class )", source, re.MULTILINE | re.DOTALL)
    parts = [(re.search(r'method="(\w+)"', one)[1], re.search(r'_url = "(.*?)"', one)[1]) for one in builders]
    return [(verb, re.sub(r"{\w+}", "none", path)) for verb, path in parts if verb != "HEAD"]


@pytest.mark.spec
def test_the_emulator_knows_every_operation_of_the_client(batch):
    unknown = []
    for verb, path in operations():
        # Nothing is named none, and no request has a body, so none of them changes anything.
        try:
            batch.send_request(HttpRequest(verb, path, params={"api-version": "2025-06-01"}))
        except HttpResponseError as error:
            code = error.model.code if error.model else None
            if error.status_code == 405 or code == "InvalidUri":
                unknown.append((verb, path))
    assert unknown == []


@pytest.mark.infer
def test_an_operation_that_the_emulator_does_not_have_is_named(batch):
    with refused(501, "NotImplemented") as error:
        list(batch.list_applications())
    assert error.details["Operation"] == "List Applications"


@pytest.mark.spec
def test_an_unknown_property_is_refused(batch, work):
    body = {"id": work.job, "poolInfo": {"poolId": work.pool}, "colour": "red"}
    with refused(400, "InvalidRequestBody") as error:
        batch.create_job(body)
    assert error.details["PropertyName"] == "colour"


@pytest.mark.spec
def test_a_missing_property_is_named(batch, work):
    with refused(400, "MissingRequiredProperty") as error:
        batch.create_job({"id": work.job})
    assert error.details["PropertyName"] == "poolInfo"


@pytest.mark.docs
def test_a_body_of_more_than_a_mebibyte_is_too_large(batch, job):
    task = models.BatchTaskCreateOptions(id="task", command_line="x" * 1_048_576)
    with refused(413, "RequestBodyTooLarge"):
        batch.create_task(job.job, task)


@pytest.mark.spec
def test_an_error_can_be_read_as_a_model(batch):
    with pytest.raises(HttpResponseError) as caught:
        batch.get_pool("none")
    error = caught.value.model
    assert isinstance(error, models.BatchError)
    assert (error.code, error.message.lang) == ("PoolNotFound", "en-US")


@pytest.mark.docs
def test_an_empty_parameter_that_the_client_does_not_sign_makes_the_signature_wrong(batch):
    with refused(403, "AuthenticationFailed"):
        list(batch.list_jobs(filter=""))
