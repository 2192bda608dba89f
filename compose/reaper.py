"""Takes a run's containers down when the program that started them is gone, however it ended.

    python -m compose.reaper PROJECT OWNER

The starter holds the other end of our standard input. A line before the end says that all is down already; an end
without one, or an owner that has vanished, means that nobody is left to do it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from compose.errors import ComposeError
from compose.leftovers import owner_lives, sweep

LOOK_EVERY = 0.5  # seconds between looks at the owner
CALM = 15.0  # seconds without anything found: on a busy machine a `docker compose up` under way may still create one


def wait(owner: str) -> bool:
    """Until the owner is gone; True where it had taken everything down itself."""
    while True:
        ready, _, _ = select.select([0], [], [], LOOK_EVERY)
        if ready:
            return bool(os.read(0, 1))
        if not owner_lives(owner):
            return False


def clear(project: str) -> None:
    """Remove what the project has until nothing more appears."""
    calm_since = time.monotonic()
    while time.monotonic() - calm_since < CALM:
        try:
            found = sweep(project)
        except ComposeError:
            return  # no engine, no containers
        if found:
            calm_since = time.monotonic()
        time.sleep(LOOK_EVERY)


def main(arguments: list[str]) -> int:
    project, owner = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if not wait(owner):
        clear(project)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
