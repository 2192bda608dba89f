"""What holds for every test, and the start-up of Axolotl that many share."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support import FAST
from tests.times import Times
from tests.warm import warm

#: Folders whose tests share a browser, an engine or both cores, the longest first: each goes to one worker as a whole.
TOGETHER = {folder: place for place, folder in enumerate(("browser", "docker", "e2e", "vllm"))}
#: Where a folder goes to the same worker as another one. Each network that Docker makes is a change of the machine's
#: network to Chromium, which then gives up whatever it is fetching (ERR_NETWORK_CHANGED).
WITH = {"docker": "browser"}
#: Files elsewhere that see every container of the machine.
CONTAINERS = {"tests/train/test_container.py"}


@pytest.fixture(scope="session", name="warm")
def warm_python() -> Path:
    """An interpreter of the train environment without its start-up; `warm.parents[1]` is an environment for `train`."""
    return warm.train_python()


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C mean Ctrl-C: a shell that starts us in the background has it ignored, also by whatever we start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # No test fails for being slow: a busy machine says nothing about the code.
    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")
    config.pluginmanager.register(Times())
    if not hasattr(config, "workerinput"):
        warm.prepare()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first, so that nobody waits for them at the end; the fast tests are those without others."""
    if FAST:
        slow = [item for item in items if _is_slow(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not _is_slow(item)]
    trains = {_folder(item.nodeid) for item in items if item.get_closest_marker("train")}
    items.sort(key=lambda item: TOGETHER.get(scope := _folder(item.nodeid), len(TOGETHER) + (scope not in trains)))


def _is_slow(item: pytest.Item) -> bool:
    """Whether a test needs a browser, Docker, an environment that trains, or everything at once."""
    named = any(item.get_closest_marker(name) for name in ("browser", "train", "docker", "slow"))
    return named or _folder(item.nodeid) in TOGETHER or "warm" in getattr(item, "fixturenames", ())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Several workers share the tests by what belongs together; the fast ones need not stay together."""
    return None if FAST else _Together(config, log)


class _Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def _scope(nodeid: str) -> str:
    """What goes to one worker as a whole: folders of TOGETHER, else a file."""
    folder = _folder(nodeid)
    return WITH.get(folder, folder)


def _folder(nodeid: str) -> str:
    """A folder of TOGETHER, else a file."""
    path = nodeid.partition("::")[0]
    folder = "docker" if path in CONTAINERS else path.split("/")[1]
    return folder if folder in TOGETHER else path
