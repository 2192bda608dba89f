"""Ends a server when the program that started it ends, however that happens.

Three ways, because each has a gap: the kernel's parent-death signal acts even while Python is busy, but belongs to
the *thread* that started us (so it is used only when that was the main thread); the end of our standard input comes
with the death of whoever holds its other end, but a forked copy of that process could hold it too; and a parent
number that changes tells the rest, half a second later.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1
LOOK_EVERY = 0.5  # seconds


def follow_parent(parent: int, *, by_kernel: bool) -> None:
    """End this process and its group as soon as process `parent` is gone."""
    if by_kernel and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        _end()
    threading.Thread(target=_watch, args=(parent,), name="guard", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        ready, _, _ = select.select([0], [], [], LOOK_EVERY)
        if ready and not os.read(0, 1):
            break
    _end()


def _end() -> None:
    """Kill the whole group, ourselves included: workers of libraries must not be left behind."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
