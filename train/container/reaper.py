"""Stops and removes a training's container when the program that started it is gone, however it ended.

    python -m train.container.reaper RUN

The starter holds the other end of our standard input. A byte before the end says that all is removed already.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from train.container.container import remove
from train.errors import LaunchError
from train.resources.gpus import connect

LOOK_EVERY = 0.5  # seconds
CALM = 6.0  # seconds without anything found: a request that was under way may still create one


def clear(run: str) -> None:
    """Remove what the run has until nothing more appears."""
    calm_since = time.monotonic()
    while time.monotonic() - calm_since < CALM:
        try:
            client = connect()
        except LaunchError:
            return  # no engine, no containers
        try:
            if remove(client, run):
                calm_since = time.monotonic()
        finally:
            client.close()
        time.sleep(LOOK_EVERY)


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if not os.read(0, 1):
        clear(arguments[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
