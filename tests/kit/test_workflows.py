"""What .github has for a public forge: as GitHub's own schemas want it, and safe as far as zizmor sees."""

import re
import subprocess

import pytest

from script import ROOT

FORGE = ROOT / ".github"
SCHEMAS = {
    "vendor.github-workflows": "workflows/*.yml",
    "custom.github-workflows-require-timeout": "workflows/*.yml",
    "vendor.github-actions": "actions/*/action.yml",
    "vendor.github-issue-forms": "ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.github-issue-config": "ISSUE_TEMPLATE/config.yml",
}


def run(tool, *arguments):
    command = (ROOT / ".tools" / "upkeep" / "bin" / tool, *arguments)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_have_the_shape_that_github_takes(schema):
    files = sorted(FORGE.glob(SCHEMAS[schema]))

    checked = run("check-jsonschema", "--builtin-schema", schema, *files)

    assert files and checked.returncode == 0, checked.stdout


def test_zizmor_finds_nothing():
    checked = run("zizmor", "--offline", "--no-progress", FORGE)

    assert checked.returncode == 0, checked.stdout


def test_zizmor_would_find_what_is_wrong(tmp_path):
    workflow = tmp_path / "unsafe.yml"
    workflow.write_text("on: issues\njobs:\n  one:\n    runs-on: a\n    steps:\n      - run: echo ${{ github.event.issue.title }}\n")

    checked = run("zizmor", "--offline", "--no-progress", workflow)

    assert checked.returncode != 0 and "template-injection" in checked.stdout, checked.stdout


def test_workflows_and_documents_call_targets_that_there_are():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = [*FORGE.glob("workflows/*.yml"), *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    called = {target for file in texts for target in re.findall(r"(?:^\s*|run: |`|&& )make ([a-z-]+)", file.read_text(), re.MULTILINE)}

    assert len(called) > 10 and called <= targets, called - targets
