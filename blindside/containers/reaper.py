"""Removes containers when the program that started them is gone, however it ended.

    python -m blindside.containers.reaper LABEL OWNER GRACE

LABEL is name=value of the containers and networks, GRACE the seconds that a container has to stop by itself. The
starter holds the other end of our standard input. A byte before the end says that all is down already; an end without
one, or an owner that has vanished, means that nobody is left to do it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time

from blindside.containers.owned import owner, owner_lives, remove_labelled
from blindside.machine import NoEngine, connect
from blindside.places import python_path

LOOK_EVERY = 0.5  # seconds between checks of the owner
CALM = 15.0  # seconds without anything found: on a busy machine a request that was under way may still create one


def start(label: str, *, grace: int = 0) -> subprocess.Popen[bytes]:
    """Start one for this process, in a session of its own, so that no signal that ends us reaches it."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "blindside.containers.reaper", label, owner(), str(grace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": python_path()},
    )


def dismiss(reaper: subprocess.Popen[bytes], *, all_down: bool) -> None:
    """Let it end at once where `all_down`, and else when it has removed what was left."""
    assert reaper.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        if all_down:
            reaper.stdin.write(b".")
        reaper.stdin.close()
    reaper.wait()


def wait(owner: str) -> bool:
    """Until the owner is gone; True where it had taken everything down itself."""
    while True:
        ready, _, _ = select.select([0], [], [], LOOK_EVERY)
        if ready:
            return bool(os.read(0, 1))
        if not owner_lives(owner):
            return False


def clear(label: str, grace: int) -> None:
    """Remove what the label finds until nothing more appears."""
    calm_since = time.monotonic()
    while time.monotonic() - calm_since < CALM:
        try:
            client = connect(remedy="")
        except NoEngine:
            return  # no engine, no containers
        try:
            if remove_labelled(client, label, grace=grace):
                calm_since = time.monotonic()
        finally:
            client.close()
        time.sleep(LOOK_EVERY)


def main(arguments: list[str]) -> int:
    label, owner, grace = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if not wait(owner):
        clear(label, int(grace))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
