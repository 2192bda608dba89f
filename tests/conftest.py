"""What holds for every test."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: Folders whose tests share a browser, an engine or both cores: one worker runs them, one after another.
TOGETHER = {"browser", "docker", "e2e"}


def pytest_configure() -> None:
    """Let Ctrl-C mean Ctrl-C: a shell that starts us in the background has it ignored, also by whatever we start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_itemcollected(item: pytest.Item) -> None:
    """What belongs together goes to one worker: a folder of TOGETHER, else a file."""
    folder = _folder(item)
    item.add_marker(pytest.mark.xdist_group(folder if folder in TOGETHER else item.nodeid.partition("::")[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest folder first, so that nobody waits for it at the end."""
    items.sort(key=lambda item: _folder(item) != "e2e")


def _folder(item: pytest.Item) -> str:
    """The folder below tests/ in which a test lies."""
    return item.path.relative_to(HERE).parts[0]
