"""Runs the snippets of docs/emulator.md that are said to be tested, as a reader would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "emulator.md"
LIMIT_SECONDS = 120
# Where scripts/clients leaves it.
JAVA_CLIENT = (ROOT / "build" / "java-client.classpath").read_text()
JAVA = (f"{os.environ['JAVA_HOME']}/bin/java", "--add-opens=java.base/java.util=ALL-UNNAMED", "-cp", JAVA_CLIENT)
INTERPRETERS = {
    "python": (sys.executable, "snippet.py"),
    "javascript": ("node", "snippet.mjs"),
    "java": (*JAVA, "Snippet.java"),
}


def snippet(language):
    """The first one in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)[0]


@pytest.mark.parametrize("language", INTERPRETERS)
def test_a_snippet_prints_the_output_of_its_task(language, tmp_path):
    command = INTERPRETERS[language]
    (tmp_path / command[-1]).write_text(snippet(language))
    # Node.js looks for packages beside the file that imports them.
    (tmp_path / "node_modules").symlink_to(ROOT / ".tools" / "javascript" / "node_modules")
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, encoding="utf-8", timeout=LIMIT_SECONDS)
    assert (done.returncode, done.stdout.strip()) == (0, "hello")
