"""Words that depend on a figure."""

from __future__ import annotations

from blindside.words import counted


def test_one_is_singular_and_all_else_plural() -> None:
    assert [counted(n, "server") for n in (0, 1, 2)] == ["0 servers", "1 server", "2 servers"]
    assert [counted(n, "answer is", "answers are") for n in (1, 3)] == ["1 answer is", "3 answers are"]
