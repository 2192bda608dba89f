"""Figures that only one page asks for: never waited for past the page's patience, computed once, and then shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eval.report.pages.behind import Behind, Late
from eval.report.pages.live_snapshot import SnapshotSource
from eval.report.pages.page import show_page
from tests.evidence.judged import make_judged

COMPUTING = "These figures are being computed"


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a computation waits for; opened at the end."""
    gate = threading.Event()
    yield gate
    gate.set()


def until_fresh(behind: Behind, make: Callable[[], int]) -> Late[int]:
    while not (found := behind.get("one", "now", make)).fresh:
        time.sleep(0.01)
    return found


def test_a_page_has_nothing_then_the_figures_then_those_from_before(gate: threading.Event) -> None:
    behind = Behind(0)

    def slow(value: int) -> Callable[[], int]:
        return lambda: value if gate.wait() else 0

    assert behind.get("one", "now", slow(1)) == Late(None, fresh=False)
    gate.set()
    assert until_fresh(behind, slow(1)) == Late(1, fresh=True)
    gate.clear()
    # It has changed since: what was there before is shown meanwhile.
    assert behind.get("one", "later", slow(2)) == Late(1, fresh=False)
    gate.set()
    while not (found := behind.get("one", "later", slow(3))).fresh:
        time.sleep(0.01)
    assert found.value == 2


def test_many_who_ask_share_one_computation_and_its_error(gate: threading.Event) -> None:
    behind, made = Behind(), list[int]()

    def fails() -> int:
        made.append(1)
        gate.wait()
        raise ValueError("no figure")

    def ask(_: int) -> str:
        with pytest.raises(ValueError, match="no figure") as caught:
            behind.get("one", "now", fails)
        return str(caught.value)

    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(ask, n) for n in range(4)]
        while not made:
            time.sleep(0.01)
        gate.set()
        assert {one.result() for one in asked} == {"no figure"}
    # Whoever came after the first had ended asked anew; nobody did before.
    assert len(made) <= 4
    assert behind.get("one", "now", lambda: 3) == Late(3, fresh=True)


@pytest.mark.parametrize(("address", "there"), [("?view=compare", "No other run here"), ("?without=ann", "As it is")])
def test_the_page_says_so_and_follows(address: str, there: str, gate: threading.Event, tmp_path: Path) -> None:
    run = make_judged(tmp_path, pairs=12, reviewers=("ann", "bob"))
    source = SnapshotSource(run)
    source.current()
    source.behind = Behind(0)
    source.behind.get("before it", "now", gate.wait)
    page = show_page(run, source, address)
    assert COMPUTING in page
    assert there not in page
    # No files have this stamp: the page asks again at its next look.
    assert f'data-stamp="{source.stamp()} computing"' in page
    gate.set()
    while COMPUTING in (page := show_page(run, source, address)):
        time.sleep(0.01)
    assert there in page
