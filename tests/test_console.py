"""What is printed: nothing that is not ours commands the terminal, turns text around, or stays unseen."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindside.console import one_line, visible
from tests.support import ROOT

ATTACKS = {
    "title": ("\x1b]0;pwned\x07", r"\x1b]0;pwned\x07"),
    "clear": ("\x1b[2J", r"\x1b[2J"),
    "clipboard": ("\x1b]52;c;cHduZWQ=\x07", r"\x1b]52;c;cHduZWQ=\x07"),
    "C1": ("\x9b31m \x85", r"\x9b31m \x85"),
    "return": ("bad\rgood", r"bad\rgood"),
    "backspace, NUL, DEL": ("a\x08\0\x7f", r"a\x08\x00\x7f"),
    "turned around": ("\u202egpj.exe\u2066\u200e\u061c", r"\u202egpj.exe\u2066\u200e\u061c"),
    "separators": ("a\u2028b\u2029", r"a\u2028b\u2029"),
    "zero width": ("a\u200bb\ufeff\u2060\u00ad", r"a\u200bb\ufeff\u2060\xad"),
    "tags": ("\U000e0041", r"\U000e0041"),
    "half a pair": ("\ud800", r"\ud800"),
    "letters": ("Zoë 汉字 مرحبا é 👍 [bold]", "Zoë 汉字 مرحبا é 👍 [bold]"),
}
#: Runs in the terminal of the test: each way that a line is printed.
PRINTS = """
import logging, sys
from rich.table import Table
from blindside import console
foreign = sys.argv[1].encode().decode("unicode_escape")
console.guard()
console.say(foreign)
console.tell(foreign)
logging.getLogger("blindside.test").warning("warned: %s", foreign)
grid = Table(foreign, title=foreign)
grid.add_row(foreign, console.styled(foreign, "red"))
console.terminal(width=300).print(grid)
console.terminal(width=300, stderr=True).print(foreign)
raise ValueError(foreign)
"""


@pytest.mark.parametrize(("text", "shown"), ATTACKS.values(), ids=ATTACKS.keys())
def test_what_is_not_seen_becomes_an_escape(text: str, shown: str) -> None:
    assert visible(text) == one_line(text) == shown


def test_lines_stay_lines_only_where_several_are_wanted() -> None:
    assert visible("a\n\tb") == "a\n\tb"
    assert one_line("a\n\tb") == r"a\n\tb"


@given(st.text())
def test_nothing_unseen_is_left_and_all_that_is_seen_is_there(text: str) -> None:
    shown = one_line(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    rest = iter(shown)
    assert all(char in rest for char in text if char.isprintable())


@pytest.mark.parametrize(
    "attack", ["\\x1b]0;pwned\\x07", "\\x9b2J", "\\u202etxt", "a\\rb", "[bold red]x[/bold red]", "[/x]"]
)
def test_on_a_real_terminal_nothing_comes_through_by_any_way(attack: str) -> None:
    shown = _in_a_terminal(attack)
    ours = shown.replace("\x1b[31m", "").replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[3m", "")
    unseen = {char for char in ours if unicodedata.category(char) in {"Cc", "Cf"}} - {"\r", "\n"}
    assert unseen == set(), shown
    assert ours.replace("\r\n", "\n").count("\r") == 0
    expected = one_line(attack.encode().decode("unicode_escape"))
    assert ours.count(expected) >= 7, shown


def _in_a_terminal(attack: str) -> str:
    """All that the lines above print into a pty, warnings and traceback too."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PRINTS, attack], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not piece:
                break
            pieces.append(piece)
    os.close(ours)
    assert process.returncode == 1
    return b"".join(pieces).decode()
