"""Runs a command, and ends its process group when the program that started it is gone.

    python -m blindside.reaper COMMAND…

The starter makes this the leader of a session of its own and holds the other end of its standard input. When that end
closes (the starter ended, was interrupted, or was killed outright), the group gets SIGTERM, and SIGKILL five seconds
later.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

GRACE = 5.0
#: What goes before a command to run it so.
COMMAND = (sys.executable, "-P", str(Path(__file__).resolve()))
_alone = threading.Event()


def _watch() -> None:
    while os.read(0, 1024):
        pass
    _alone.set()
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)


def main(command: list[str]) -> int:
    """The command's own exit status; 128 and the signal's number where a signal ended it."""
    # Whatever signal reaches the group is for the command; this process goes when the command has gone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: None)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    watcher = threading.Thread(target=_watch, daemon=True)
    watcher.start()
    status = process.wait()
    if _alone.is_set():
        watcher.join()  # the command has gone; what it started may not have
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
