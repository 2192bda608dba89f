"""What the tests of training share: one start-up of Axolotl for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.warm.warm import train_python


@pytest.fixture(scope="session")
def warm() -> Path:
    """An interpreter of the train environment without its start-up; `warm.parents[1]` is an environment for `train`."""
    return train_python()
