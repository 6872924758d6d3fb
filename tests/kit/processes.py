"""Processes that end with us: each leads a group of its own, and a guard ends the groups when we are gone."""

import re
import subprocess
import sys
import time
from pathlib import Path

START_SECONDS = 30
POLL_SECONDS = 0.05
GUARD = Path(__file__).with_name("guard.py")


class StartError(Exception):
    """A service did not come up; the text says which one and what it printed."""


class Processes:
    """What the launcher has started. `directory` is removed with the last of them."""

    def __init__(self, directory):
        self.directory = directory
        self._started = []
        self._guard = subprocess.Popen([sys.executable, GUARD, directory], stdin=subprocess.PIPE, text=True, start_new_session=True)

    def start(self, command, **options):
        """Starts a command in a process group of its own."""
        process = subprocess.Popen(command, start_new_session=True, **options)
        self._started.append(process)
        print(process.pid, file=self._guard.stdin, flush=True)
        return process

    def start_service(self, name, command, ready, **options):
        """Starts a command and waits for the lines that say where it listens: what the groups in `ready` match."""
        log = self.directory / f"{name}.log"
        with log.open("wb") as output:
            process = self.start(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **options)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            found = re.search(ready, log.read_text(errors="replace"), re.MULTILINE)
            if found:
                return found.groups()
            time.sleep(POLL_SECONDS)
        raise StartError(f"{name} did not say where it listens. It printed:\n{log.read_text(errors='replace')}")

    def end(self):
        """Ends everything and waits until it is gone."""
        self._guard.stdin.close()
        while self._guard.poll() is None:
            # A process that nobody has asked for its exit code would look alive to the guard.
            for process in self._started:
                process.poll()
            time.sleep(POLL_SECONDS)
