"""What is shown while answers come: a line now and then without a terminal, bars on one."""

from __future__ import annotations

import io
from threading import Event

import pytest
from rich.console import Console

from blindside.console import terminal
from eval.collect import progress
from eval.collect.progress import Progress, Steps
from eval.records import Side

TOTALS: dict[Side, int] = {"base": 300, "tuned": 300}


def off() -> Console:
    return terminal(file=io.StringIO(), force_terminal=False)


def test_a_line_has_counts_rate_and_remaining_time() -> None:
    said: list[str] = []
    with Progress(TOTALS, said.append, console=off()) as progress:
        for _ in range(120):
            progress.advance("base")
        for number in range(80):
            progress.advance("tuned", failed=number < 3)
        assert progress.line(20.0) == "base 120/300 · tuned 80/300 · 10.0 answers/s · 40 s left · 3 failed"
        assert progress.line(400.0) == "base 120/300 · tuned 80/300 · 0.5 answers/s · 13 min 20 s left · 3 failed"
        assert progress.line(8000.0).endswith(" · 4 h 26 min left · 3 failed")
    assert said == []


def test_before_the_first_answer_no_rate_is_claimed() -> None:
    assert Progress(TOTALS, print, console=off()).line(3.0) == "base 0/300 · tuned 0/300"


def test_lines_come_no_more_often_than_asked() -> None:
    said: list[str] = []
    progress = Progress(TOTALS, said.append, every=600, console=off())
    for _ in range(5):
        progress.tick()
    assert said == []
    eager = Progress(TOTALS, said.append, every=0, console=off())
    eager.tick()
    assert said == ["base 0/300 · tuned 0/300"]


def test_on_a_terminal_bars_show_counts_failures_and_what_is_told() -> None:
    out, said = io.StringIO(), list[str]()
    console = terminal(file=out, force_terminal=True, width=120, color_system=None)
    with Progress({"base": 2, "tuned": 2}, said.append, every=0, console=console) as progress:
        progress.advance("base")
        progress.advance("base", failed=True)
        progress.advance("tuned")
        progress.tell("base: [not] markup; trying \x1b[2Jagain")
        progress.tick()
    shown = out.getvalue()
    assert "2/2" in shown
    assert "1/2" in shown
    assert "1 failed" in shown
    assert "base: [not] markup; trying \\x1b[2Jagain" in shown
    assert said == []


def test_long_steps_are_counted_with_the_time_left() -> None:
    steps = Steps("parity", {"base": 9, "tuned": 9}, print, step="probe", console=off())
    assert steps.line(5.0) == "parity: base probe 0/9 · tuned probe 0/9"
    steps.count("base", 3, 9)
    assert steps.line(30.0) == "parity: base probe 3/9 · tuned probe 0/9 · 2 min 30 s left"
    steps.count("tuned", 4, 10, share=0.75)
    assert steps.line(30.0) == "parity: base probe 3/9 · tuned probe 4/10 · 10 s left"


def test_long_steps_are_told_when_they_are_new_and_move_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    heard = Event()
    with Steps("parity", {"base": 2}, lambda line: heard.set(), step="probe", console=off()) as steps:
        steps.count("base", 1, 2)
        assert heard.wait(60)
    out = io.StringIO()
    console = terminal(file=out, force_terminal=True, width=120, color_system=None)
    with Steps("parity", {"base": 9}, lambda line: pytest.fail(line), step="probe", console=console):
        pass
    assert "parity: base probe 0/9" in out.getvalue()
