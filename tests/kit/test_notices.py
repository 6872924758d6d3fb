"""What the plugin jar passes on for the crates in its library. Needs the jar in build/plugins, as `make test` leaves it."""

import re
import subprocess
import zipfile

import pytest

from script import ROOT, load


@pytest.fixture
def jar():
    (file,) = (ROOT / "build" / "plugins").glob("*.jar")
    with zipfile.ZipFile(file) as jar:
        yield jar


@pytest.fixture
def script():
    return load("notices")


def crates_of_the_library():
    command = "cargo tree --locked -p bridge -e normal --prefix none --format {p}".split()
    command += [f"--target={machine}-unknown-linux-gnu" for machine in ("x86_64", "aarch64")]
    tree = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    # Those of this project end with their path.
    return set(re.findall(r"^(\S+) v(\S+)(?: \(proc-macro\))?(?: \(\*\))?$", tree, re.MULTILINE))


def test_the_jar_names_every_crate_of_the_library_and_holds_its_texts(jar):
    notices = jar.read("META-INF/THIRD-PARTY-NOTICES.txt").decode()
    entries = re.findall(r"^(\S+) (\d\S*)\n    licence: \S.*\n    source: \S.*\n((?:    text \d+: .+\n)+)", notices, re.MULTILINE)
    printed = set(re.findall(r"^=+\ntext (\d+)\n=+\n\n(?=.)", notices, re.MULTILINE))

    assert {(name, version) for name, version, _ in entries} == crates_of_the_library()
    assert {number for *_, texts in entries for number in re.findall(r"text (\d+):", texts)} == printed


def test_the_jar_holds_the_licence_of_the_project_and_the_notices_of_rust(jar):
    assert jar.read("LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert b"Copyright notices for The Rust Standard Library" in jar.read("META-INF/RUST-STANDARD-LIBRARY.html")


def test_a_crate_without_a_text_is_named_and_a_rule_is_for_one_licence(script, tmp_path):
    def package(repository, licence):
        manifest = str(tmp_path / "Cargo.toml")
        return {"name": "new", "version": "1.0.0", "license": licence, "repository": repository, "manifest_path": manifest}

    _, missing = script.notices([package("https://example.org/new", "MIT"), package("https://github.com/jni-rs/jni-rs", "MIT")])

    assert missing == ["new 1.0.0 (MIT, https://example.org/new)", "new 1.0.0 (MIT, https://github.com/jni-rs/jni-rs)"]


def test_what_a_crate_copied_from_others_goes_along(script, tmp_path):
    for name in ["LICENSE-MIT", "NOTICE", "third_party/copied/LICENSE", "src/license.rs"]:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)

    found = script.texts({"manifest_path": str(tmp_path / "Cargo.toml"), "repository": None, "license": "MIT"})

    assert found == {name: name for name in ["LICENSE-MIT", "third_party/copied/LICENSE", "NOTICE"]}
