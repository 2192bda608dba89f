"""What several tests share: the rule for missing components, and free ports."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from eval.judge.study.blinding import nonce
from eval.records import Mark, Pair, Verdict, utc_now
from eval.run import Run

ROOT = Path(__file__).resolve().parents[1]
#: `make test-fast`: no browser, no Docker, no training, and no environment but our own, whatever this machine has.
FAST = os.environ.get("BLINDSIDE_FAST_TESTS") == "1"
TRAIN_PYTHON = ROOT / (".venv-train" if not FAST else ".no-environment") / "bin" / "python"
OLD_PYTHON = ROOT / (".venv-old" if not FAST else ".no-environment") / "bin" / "python"


def require(there: bool, reason: str) -> None:
    """Skip the test for want of a component; where CI=true a missing component is a failure, but among fast tests."""
    if there:
        return
    if FAST:
        pytest.skip(f"not among the fast tests: {reason}")
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have every component: {reason}")
    pytest.skip(reason)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def judged(run: Run, pair: Pair, *, outcome: Mark = "tuned") -> Verdict:
    """A verdict on a pair of a run, as the page would write it."""
    return Verdict(
        verdict_id=nonce(),
        run=run.name,
        item=pair.prompt_id,
        category=pair.category,
        reviewer="ann",
        outcome=outcome,
        left="base",
        base_sha256=pair.base.sha256,
        tuned_sha256=pair.tuned.sha256,
        comment="",
        seconds=1.0,
        judged_at=utc_now(),
    )
