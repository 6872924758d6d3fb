"""Runs the snippets of docs/emulator.md that are said to be tested, as a reader would."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "emulator.md"
LIMIT_SECONDS = 120
INTERPRETERS = {"python": (sys.executable, "snippet.py"), "javascript": ("node", "snippet.mjs")}


def snippet(language):
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return text


@pytest.mark.parametrize("language", INTERPRETERS)
def test_a_snippet_prints_the_output_of_its_task(language, tmp_path):
    interpreter, name = INTERPRETERS[language]
    (tmp_path / name).write_text(snippet(language))
    # Node.js looks for packages beside the file that imports them.
    (tmp_path / "node_modules").symlink_to(ROOT / ".tools" / "javascript" / "node_modules")
    command = [interpreter, name]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, encoding="utf-8", timeout=LIMIT_SECONDS)
    assert (done.returncode, done.stdout.strip()) == (0, "hello")
