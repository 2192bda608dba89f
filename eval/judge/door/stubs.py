"""Importing Gradio without the type stubs that it writes for each of its components.

At import Gradio reads its own sources and writes a .pyi beside each: a quarter of the import's time, and of use to type
checkers only. It has no switch for that, but leaves out a class without a source file: so it is told that none has one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def no_stubs() -> Iterator[None]:
    """While this lasts, classes of Gradio have no source file. Where Gradio asks in another way, nothing changes."""
    real = inspect.getfile

    def getfile(object: Any) -> str:
        if isinstance(object, type) and object.__module__.startswith("gradio."):
            raise OSError(f"no stub is wanted for {object.__name__}")
        return real(object)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = real
