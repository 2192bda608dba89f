"""An interpreter without a start-up: the warm one forks a child for the command line, which gets all of this process's
open files, and this process ends as the child does.

`client.py SOCKET EXECUTABLE ARGUMENTS…`, by any Python, with nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _files() -> Iterator[int]:
    """Numbers of all open files; the one by which they are listed is closed again."""
    for number in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        with suppress(OSError):
            os.fstat(number)
            yield number


def main(address: str, executable: str, *arguments: str) -> int:
    numbers = list(_files())
    line = socket.socket(socket.AF_UNIX)
    line.connect(address)
    asked = {
        "executable": executable, "arguments": arguments, "cwd": os.getcwd(), "parent": os.getppid(),  # noqa: PTH109
        "environ": dict(os.environ), "files": numbers,
    }  # fmt: skip
    body = json.dumps(asked).encode()
    socket.send_fds(line, [len(body).to_bytes(4, "big")], numbers)
    line.sendall(body)
    with line.makefile("r", encoding="ascii") as said:
        child = int(said.readline())
        for number in FORWARDED:
            signal.signal(number, lambda number, _: os.kill(child, number))
        status = int(said.readline())
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status in FORWARDED else None
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
