"""The next pair is there with the key; that the verdict is saved is told when it is, and one that is not comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route

from eval.judge.store.verdict_files import read_verdicts
from tests.browser.screen import Screen, screen
from tests.browser.servers import Page

pytestmark = pytest.mark.browser


#: A pair that was ready, before the server has answered.
SHOWN = ".bs-stage[data-turn='']"


class Wire:
    """Holds verdicts back on their way to the server, until they are let through or lost."""

    def __init__(self, page: Screen) -> None:
        self.held: list[Route] = []
        self._page = page
        page.page.route("**/run/predict", self._pass)

    def _pass(self, route: Route) -> None:
        if '\\"act\\":\\"vote\\"' in (route.request.post_data or ""):
            self.held.append(route)
        else:
            route.continue_()

    def wait(self) -> None:
        """Until a verdict is on its way."""
        for _ in range(3000):
            if self.held:
                return
            self._page.page.wait_for_timeout(10)
        raise AssertionError("no verdict was sent")

    def let_through(self) -> None:
        self.wait()
        self.held.pop().continue_()

    def lose(self) -> None:
        self.wait()
        self.held.pop().fulfill(status=401, body="{}")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def wait_for_next(page: Screen) -> None:
    """Until the pair after this one is ready."""
    page.page.wait_for_selector("body[data-ahead=ready]")


@pytest.fixture
def plain(browser: Browser, judging: dict[str, Page]) -> Iterator[Screen]:
    with screen(browser, judging["plain"].url) as page:
        yield page
        assert page.problems == []


def test_the_next_pair_is_there_before_the_verdict_is_saved(plain: Screen, judging: dict[str, Page], name: str) -> None:
    plain.open(name)
    wire = Wire(plain)
    wait_for_next(plain)
    before, turn = plain.panes(), plain.turn
    plain.keys("1")
    plain.page.wait_for_selector(SHOWN)
    shown = (plain.question, plain.panes())
    assert plain.panes() != before
    assert (plain.status, plain.count[:2], plain.turn) == ("", "0 ", "")
    # Keys are dead until the answer is there, and what is read and typed meanwhile stays.
    plain.type_by_hand(3, code="Digit4")
    plain.keys("End", "c")
    plain.page.keyboard.type("at once")
    top = plain.page.evaluate("document.querySelector('.bs-pane').scrollTop")
    assert top > 0
    wire.let_through()
    plain.wait_for_next(turn)
    assert (plain.status, plain.count[:2], plain.comment) == ("Saved", "1 ", "at once")
    assert (plain.question, plain.panes()) == shown
    assert plain.page.evaluate("document.querySelector('.bs-pane').scrollTop") == top
    rows = [row for row in read_verdicts(judging["plain"].run.verdicts_path) if row.reviewer == name]
    assert [row.comment for row in rows] == [""]


def test_a_verdict_that_is_lost_brings_its_pair_back(browser: Browser, judging: dict[str, Page], name: str) -> None:
    with screen(browser, judging["full"].url) as page:
        page.open(name)
        while page.page.get_attribute(".bs-stage", "data-practice"):
            page.press("s")
        wire = Wire(page)
        wait_for_next(page)
        pair, turn = (page.question, page.panes()), page.turn
        for group in page.page.locator(".bs-radio-group").all():
            group.locator("input").first.check(force=True)
        given = page.page.evaluate("JSON.stringify(window.blindside.form.given())")
        page.page.fill("#bs-comment", "mine")
        page.keys("Escape", "1")
        page.page.wait_for_selector(SHOWN)
        wire.lose()
        page.page.wait_for_selector("#bs-lost:visible")
        assert (page.question, page.panes()) == pair
        assert (page.turn, page.status, page.comment) == (turn, "Not saved", "mine")
        again = page.page.evaluate("JSON.stringify(window.blindside.form.given())")
        assert again == given.replace('"comment":""', '"comment":"mine"')
        page.keys("1")
        wire.let_through()
        page.wait_for_next(turn)
        assert page.status == "Saved"
    rows = [row for row in read_verdicts(judging["full"].run.verdicts_path) if row.reviewer == name]
    assert [row.comment for row in rows] == ["mine"]


def test_what_no_verdict_can_follow_shows_no_other_pair(browser: Browser, judging: dict[str, Page], name: str) -> None:
    with screen(browser, judging["full"].url) as page:
        page.open(name)
        while page.page.get_attribute(".bs-stage", "data-practice"):
            page.press("s")
        wire = Wire(page)
        wait_for_next(page)
        pair = page.panes()
        page.keys("1")
        wire.wait()
        assert page.panes() == pair
        turn = page.turn
        wire.let_through()
        page.wait_for_next(turn)
        assert (page.status, page.panes()) == ("Answer missing", pair)


def test_differences_are_made_ahead_too(plain: Screen, name: str) -> None:
    plain.open(name)
    plain.press("d")
    wire = Wire(plain)
    wait_for_next(plain)
    turn = plain.turn
    plain.keys("1")
    plain.page.wait_for_selector(SHOWN)
    assert plain.page.locator(".bs-stage mark, .bs-stage .bs-diff, .bs-stage .bs-plain").count()
    marked = plain.page.inner_html("#bs-pane-a .bs-formatted")
    wire.let_through()
    plain.wait_for_next(turn)
    assert plain.page.inner_html("#bs-pane-a .bs-formatted") == marked
