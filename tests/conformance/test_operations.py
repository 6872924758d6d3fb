"""Checks that the cases used every operation. Runs last."""

import json
import os
import urllib.request

import pytest


@pytest.mark.spec
def test_every_operation_of_the_emulator_was_exercised():
    with urllib.request.urlopen(f"{os.environ['AZURE_BATCH_ENDPOINT']}/_emulator/operations") as answer:
        counts = json.load(answer)
    assert len(counts) > 10
    assert [count["operation"] for count in counts if count["succeeded"] == 0] == []
