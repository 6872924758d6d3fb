"""What `make release` writes, up to the builds: changelog, versions, list of components. Needs the jar in build/plugins."""

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from script import ROOT, load

CHANGELOG = """# Changelog

## Unreleased

### Added
- A thing.

## 0.1.0 - 2026-01-02

### Fixed
- An older thing.
"""


@pytest.fixture
def script():
    return load("release")


@pytest.fixture
def repository(script, tmp_path, monkeypatch):
    """A small project with a commit, which the script takes for its own."""
    (tmp_path / "gradle.properties").write_text("version=0.1.0\n")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "PLACES", {"gradle.properties": script.PLACES["gradle.properties"]})
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(folder, *arguments):
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    subprocess.run(("git", *identity, *arguments), cwd=folder, check=True)


def commit(folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A state")


def test_what_was_unreleased_belongs_to_the_version_and_stays_as_it_is(script):
    changelog = script.released(CHANGELOG, "0.2.0", "2026-12-01")

    assert changelog == CHANGELOG.replace("## Unreleased\n", "## Unreleased\n\n## 0.2.0 - 2026-12-01\n")
    assert script.section(changelog, "0.2.0") == ("2026-12-01", "### Added\n- A thing.")
    assert script.section(changelog, "0.1.0") == ("2026-01-02", "### Fixed\n- An older thing.")
    assert script.section(changelog, "0.1") is None


def test_nothing_to_release_is_refused(script):
    nothing = script.released(CHANGELOG, "0.2.0", "2026-12-01")

    with pytest.raises(script.Refused, match="lists no change"):
        script.released(nothing, "0.3.0", "2026-12-02")


@pytest.mark.parametrize("version", ["", "1", "v0.2.0", "0.2", "0.2.0-rc.1", "0.2.0\n", "../0.2.0"])
def test_what_is_no_version_is_refused(script, version):
    with pytest.raises(script.Refused, match="make release VERSION=0.2.0"):
        script.number(version)


def test_every_place_of_the_version_is_found_and_nothing_else(script):
    old = re.search(r"^version=(.*)$", (ROOT / "gradle.properties").read_text(), re.MULTILINE)[1]
    for place in script.PLACES:
        text = (ROOT / place).read_text()
        changed = script.with_version(text, place, old, "99.0.0")

        lines = [line for line in changed.splitlines() if "99.0.0" in line]
        assert lines and changed.replace("99.0.0", old) == text
        assert [line for line in text.splitlines() if re.search(rf"(plugin-azure-batch[-:]|^version\W+){re.escape(old)}\b", line)] == [
            line.replace("99.0.0", old) for line in lines
        ]


def test_a_release_is_of_a_commit(script, repository):
    (repository / "gradle.properties").write_text("version=0.1.0\nforgotten=1\n")

    with pytest.raises(script.Refused, match="not committed"):
        script.check_repository("0.2.0")


def test_a_tag_is_not_made_twice(script, repository):
    git(repository, "tag", "v0.2.0")
    script.check_repository("0.2.0")
    (repository / "more").write_text("")
    commit(repository)

    with pytest.raises(script.Refused, match="v0.2.0 is the tag of another commit"):
        script.check_repository("0.2.0")


def test_a_version_that_is_lower_or_taken_is_refused_and_one_that_is_committed_changes_nothing(script, repository):
    with pytest.raises(script.Refused, match="lower"):
        script.prepare("0.0.9")
    assert script.prepare("0.1.0") == ("2026-01-02", "### Fixed\n- An older thing.")
    (repository / "gradle.properties").write_text("version=0.3.0\n")
    with pytest.raises(script.Refused, match="has version 0.1.0 already"):
        script.prepare("0.1.0")


def test_the_version_is_written_with_its_changes(script, repository, monkeypatch):
    monkeypatch.setattr(script, "run", lambda *command, **environment: None)

    date, changes = script.prepare("0.2.0")

    assert changes == "### Added\n- A thing."
    assert (repository / "gradle.properties").read_text() == "version=0.2.0\n"
    assert f"## 0.2.0 - {date}\n" in (repository / "CHANGELOG.md").read_text()


@pytest.fixture
def jar():
    (file,) = (ROOT / "build" / "plugins").glob("*.jar")
    return file


def bill(folder, name, jar):
    """The list of components of a jar, beside one module of Java."""
    module, file = folder / "module.jar", folder / name
    module.write_bytes(b"")
    (folder / "java").write_text(f"io.kestra:core:1.0.0\t{module}\n")
    command = (ROOT / ".tools" / "upkeep" / "bin" / "python", ROOT / "scripts" / "sbom", jar, folder / "java", file)
    subprocess.run(command, check=True, env=os.environ | {"SOURCE_DATE_EPOCH": "1790000000"})
    return file.read_bytes()


def test_a_jar_is_listed_with_the_kestra_that_it_is_compiled_against(script):
    assert script.base_version(Path("plugin-azure-batch-0.1.0.jar")).startswith("0.21.")
    assert script.base_version(Path("plugin-azure-batch-0.1.0-windows.jar")).startswith("0.21.")
    assert script.base_version(Path("plugin-azure-batch-0.1.0-kestra-0.19.jar")).startswith("0.19.")


def test_the_list_of_components_has_both_sides_and_is_the_same_each_time(tmp_path, jar):
    first = bill(tmp_path, "first", jar)
    parts = {part["name"]: part for part in json.loads(first)["components"]}
    needs = {edge["ref"]: edge.get("dependsOn", []) for edge in json.loads(first)["dependencies"]}

    lock = (ROOT / "Cargo.lock").read_text()
    jni = re.search(r'name = "jni"\nversion = "(.*)"\nsource = .*\nchecksum = "(.*)"', lock)
    assert (parts["jni"]["version"], parts["jni"]["hashes"]) == (jni[1], [{"alg": "SHA-256", "content": jni[2]}])
    assert parts["jni"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert f"pkg:cargo/jni@{jni[1]}" in needs[parts["bridge"]["bom-ref"]]
    assert parts["core"]["scope"] == "excluded" and parts["core"]["group"] == "io.kestra"
    assert "rust-std" in parts
    # What only tests and the emulator need.
    assert not {"proptest", "axum", "winx", "mingw-w64-runtime"} & set(parts)
    assert bill(tmp_path, "second", jar) == first


def test_the_list_of_components_is_that_of_the_system_which_the_jar_is_for(tmp_path):
    jar = tmp_path / "windows.jar"
    with zipfile.ZipFile(jar, "w") as file:
        file.writestr("META-INF/MANIFEST.MF", "X-Kestra-Version: 1.2.3\n")
        file.writestr("native/windows-x86_64/kestra_azure_batch.dll", "")

    parts = json.loads(bill(tmp_path, "bill", jar))

    assert parts["metadata"]["component"]["version"] == "1.2.3"
    assert {"jni", "winx", "mingw-w64-runtime"} <= {part["name"] for part in parts["components"]}
