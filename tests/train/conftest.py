"""What the tests of training share: one start-up of Axolotl for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support import TRAIN_PYTHON, require
from tests.warm.warm import warmed


@pytest.fixture(scope="session")
def warm() -> Iterator[Path]:
    """An interpreter of the train environment without its start-up; `warm.parents[1]` is an environment for `train`."""
    require(TRAIN_PYTHON.exists(), "`make env-train` builds it")
    # Not pytest's own folder: a socket's path may have a hundred characters.
    with TemporaryDirectory(prefix="warm-") as folder, warmed(TRAIN_PYTHON.parents[1], Path(folder) / "env") as python:
        yield python
