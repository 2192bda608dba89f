"""The labels of a training's container: which run, and whose.

They are those of the containers that serve, so that `blindside down` finds what a training left behind.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

RUN = "blindside.run"
OWNER = "blindside.owner"


def owner() -> str:
    """This process: the machine, its number, and when it began (numbers are used again)."""
    return f"{socket.gethostname()}:{os.getpid()}:{_began()}"


def _began() -> str:
    """In the kernel's own count; "?" where it does not tell."""
    try:
        return Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "?"
