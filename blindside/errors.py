"""The root of all errors that people see; train.errors, compose.errors and eval.errors derive from it."""

from __future__ import annotations


class BlindsideError(Exception):
    """What a person can fix: its text is one sentence that names the remedy, exit status 1."""

    #: Whether more lines follow the sentence: the end of a log.
    lines = False
    #: The end of a log that belongs above the sentence.
    excerpt: tuple[str, ...] = ()
