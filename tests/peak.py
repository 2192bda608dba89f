"""Test equipment: how much memory a command took at its most, measured by the kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT

#: A process of its own, small: a child begins with the peak of what it was forked from. What takes more address
#: space than the limit fails by itself instead of taking the machine down.
_WRAPPER = """
import json, os, resource, sys
room = int(sys.argv[1])
pid = os.fork()
if not pid:
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
sys.stderr.write("\\n" + json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss]))
"""


@dataclass(frozen=True)
class Ran:
    """What a command did. `megabytes` is the most that it had in memory."""

    code: int
    out: str
    err: str
    megabytes: float


def measured(command: Sequence[str | Path], *, cwd: Path = ROOT, room: int = 6 * 2**30, stdin: str = "") -> Ran:
    """Run a command, `room` bytes of address space at its disposal."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _WRAPPER, str(room), *map(str, command)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    err, _, last = done.stderr.rpartition("\n")
    code, kilobytes = json.loads(last)
    return Ran(code, done.stdout, err, kilobytes / 1024)
