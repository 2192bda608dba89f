"""What holds for every test."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let Ctrl-C mean Ctrl-C: a shell that starts us in the background has it ignored, also by whatever we start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
