"""Every case works in a folder of its own."""

from tests.cases.commands import folder

__all__ = ["folder"]
