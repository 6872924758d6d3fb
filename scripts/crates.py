"""What the native library is made of, as cargo says: for its notices and its list of components."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The library, and what it is built for: see NativeLibrary.java.
LIBRARY = "bridge"
TARGETS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu")


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def metadata():
    """What `cargo metadata` knows of everything that could be in the library."""
    platforms = [f"--filter-platform={target}" for target in TARGETS]
    return json.loads(output("cargo", "metadata", "--locked", "--format-version", "1", *platforms))


def crates(packages):
    """The packages that the library holds, those of this project too."""
    targets = [f"--target={target}" for target in TARGETS]
    tree = output("cargo", "tree", "--locked", "--package", LIBRARY, *targets, "--edges", "normal", "--prefix", "none")
    named = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    found = [package for package in packages if (package["name"], "v" + package["version"]) in named]
    return sorted(found, key=lambda package: (package["name"].lower(), package["version"]))
