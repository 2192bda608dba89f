"""What several tests share: the rule for missing components, and free ports."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TRAIN_PYTHON = ROOT / ".venv-train" / "bin" / "python"


def require(there: bool, reason: str) -> None:
    """Skip the test for want of a component; where CI=true a missing component is a failure."""
    if there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have every component: {reason}")
    pytest.skip(reason)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
