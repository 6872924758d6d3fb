#!/usr/bin/python3
"""Ends process groups and removes a directory when the launcher is through: guard.py DIRECTORY

Standard input names the groups, one a line. Its end is the launcher's end, whether it finished, was stopped or was
killed: so there is one way of cleaning up, and it works without the launcher.
"""

import os
import shutil
import signal
import sys
import time

GRACE_SECONDS = 10
POLL_SECONDS = 0.05


def send(group, number):
    """Signals a group and tells whether it still exists."""
    try:
        os.killpg(group, number)
        return True
    except ProcessLookupError:
        return False


def end(groups):
    """Ends all groups: politely, then by force what is still there."""
    for group in groups:
        send(group, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(send(group, 0) for group in groups) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for group in groups:
        send(group, signal.SIGKILL)


def main():
    end([int(line) for line in sys.stdin])
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
