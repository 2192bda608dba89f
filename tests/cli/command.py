"""The installed `blindside` as a subprocess."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.warm.warm import page_python

#: With all of its start-up.
BLINDSIDE = Path(sys.executable).with_name("blindside")


def blindside(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in `cwd`, without a terminal, for at most five minutes; others' packages are imported already."""
    return subprocess.run(
        [page_python().with_name("blindside"), *args],
        cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip
