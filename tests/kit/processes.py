"""Processes that end with us: each in a group of its own, which is ended as a whole."""

import ctypes
import os
import re
import signal
import subprocess
import time
from pathlib import Path

GRACE_SECONDS = 10
START_SECONDS = 30
POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


class StartError(Exception):
    """A service did not come up; the text says which one and what it printed."""


def _end_with_parent():
    """Asks Linux for a SIGTERM when our parent dies, for a launcher that is killed has no time to clean up."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start(command, **options):
    """Starts a command as the leader of a new process group."""
    return subprocess.Popen(command, start_new_session=True, preexec_fn=_end_with_parent, **options)


def start_service(name, command, ready, log: Path, **options):
    """Starts a command and waits for the line that says where it listens.

    Returns the process and what the group in the pattern `ready` matched.
    """
    with log.open("wb") as output:
        process = start(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **options)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(ready, log.read_text(errors="replace"), re.MULTILINE)
        if found:
            return process, found.group(1)
        time.sleep(POLL_SECONDS)
    why = "did not say that it listens" if process.poll() is None else f"ended with {process.returncode}"
    end(process)
    raise StartError(f"{name} {why}. It printed:\n{log.read_text(errors='replace')}")


def end(process):
    """Ends the whole group: politely, then by force for whatever is still there."""
    _signal_group(process, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
