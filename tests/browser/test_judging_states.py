"""Every state of the page, on a desk and a phone, in both languages, in light and dark: nothing that axe-core finds."""

from __future__ import annotations

import resource

import pytest
from playwright.sync_api import Browser

from tests.browser.audit import foreign_words, picture, violations
from tests.browser.screen import Screen, screen
from tests.browser.servers import Page
from tests.browser.studies import PASSWORD

pytestmark = pytest.mark.browser

#: Of each walk; a name in the page's own script is no foreign word.
REVIEWERS = {"desk": "Ana", "phone": "安娜"}


class Walk:
    """A walk through states in one browser, each looked at as it comes."""

    def __init__(self, page: Screen, name: str, *, chinese: bool) -> None:
        self.page = page
        self.name = name
        self.chinese = chinese
        self.seen: list[str] = []

    def look(self, state: str) -> None:
        picture(self.page.page, f"{state}-{self.name}")
        assert violations(self.page.page, everything=self.name == "desk") == [], state
        assert foreign_words(self.page.page, chinese=self.chinese) == [], state
        assert self.page.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
        self.seen.append(state)


@pytest.mark.parametrize(
    ("name", "width", "height", "chinese", "dark"),
    [("desk", 1280, 800, False, False), ("phone", 390, 844, True, True)],
)
def test_every_state_is_accessible_and_in_one_language(
    browser: Browser, judging: dict[str, Page], name: str, width: int, height: int, chinese: bool, dark: bool
) -> None:
    with screen(
        browser,
        "",
        width=width,
        height=height,
        touch=width < 500,
        scheme="dark" if dark else "light",
        locale="zh-CN" if chinese else "en-GB",
        still=True,
    ) as page:
        walk = Walk(page, name, chinese=chinese)
        through_a_study(walk, judging["full"])
        through_a_guided_study(walk, judging["guided"])
        through_thumbs(walk, judging["thumbs"])
        page.url = judging["none"].url
        page.page.goto(page.url)
        page.page.wait_for_selector(".bs-card pre")
        walk.look("none")
        through_a_login(walk, judging["login"], REVIEWERS[name])
        assert page.problems == []
        assert page.page.evaluate("document.documentElement.lang") == ("zh-CN" if chinese else "en")
        assert page.page.evaluate("document.body.classList.contains('dark')") == dark


def through_a_study(walk: Walk, served: Page) -> None:
    page = walk.page
    page.url = served.url
    page.open()
    walk.look("welcome")
    page.page.fill("#bs-name", REVIEWERS[walk.name])
    page.press("Enter")
    assert page.page.is_visible(".bs-strip")
    walk.look("practice")
    fill_in(page)
    page.press("4")
    walk.look("practice, wrong")
    page.press("Enter")
    walk.look("practice over")
    page.press("2")
    assert page.page.locator(".bs-missing").count() == 2
    walk.look("criterion missing")
    fill_in(page)
    with_a_full_disk(walk, served)
    page.press("2")
    walk.look("saved")
    page.press("d")
    walk.look("differences")
    page.press("d")
    page.page.keyboard.press("r")
    walk.look("raw")
    page.page.keyboard.press("r")
    page.page.keyboard.press("?")
    walk.look("help")
    page.page.keyboard.press("Escape")
    page.press("u")
    walk.look("undone")
    page.press("1")
    page.press("e")
    walk.look("my last verdicts")
    page.press("Enter")
    walk.look("editing")
    page.press("Escape")
    walk.look("edit left")
    for _ in range(2):
        fill_in(page)
        page.press("1")
    assert page.state == "done"
    walk.look("done")


def fill_in(page: Screen) -> None:
    """Answer what is required, by the keyboard."""
    for key in ("f", "4", "3", "Escape"):
        page.page.keyboard.press(key)


def with_a_full_disk(walk: Walk, served: Page) -> None:
    path = served.run.verdicts_path
    size = path.stat().st_size if path.exists() else 0
    limits = resource.prlimit(served.pid, resource.RLIMIT_FSIZE, (size + 50, resource.RLIM_INFINITY))
    walk.page.press("2")
    resource.prlimit(served.pid, resource.RLIMIT_FSIZE, limits)
    assert walk.page.page.is_visible(".bs-stage > .bs-alarm")
    walk.look("not saved")


def through_a_guided_study(walk: Walk, served: Page) -> None:
    page = walk.page
    page.url = served.url
    page.open()
    walk.look("guided welcome")
    page.page.fill("#bs-name", REVIEWERS[walk.name])
    page.press("Enter")
    page.press("1")
    walk.look("guided practice, wrong")
    page.press("Enter")
    walk.look("guided practice again")
    page.press("5")
    page.press("Enter")
    page.page.keyboard.press("g")
    walk.look("guide")
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("p")
    walk.look("whole prompt")
    page.page.keyboard.press("c")
    page.page.keyboard.type("123")
    walk.look("comment")
    page.page.keyboard.press("Escape")
    page.press("m")
    walk.look("flagged")
    page.press("1")
    page.press("e")
    walk.look("my verdicts with a flag")
    page.page.keyboard.press("Escape")
    page.press("u")
    walk.look("graded, undone")


def through_thumbs(walk: Walk, served: Page) -> None:
    page = walk.page
    page.url = served.url
    page.open()
    walk.look("thumbs welcome")
    page.page.fill("#bs-name", REVIEWERS[walk.name])
    page.press("Enter")
    walk.look("thumbs")
    for key in ("1", "2", "1"):
        page.press(key)
    page.press("e")
    walk.look("thumbs, my last verdicts")


def through_a_login(walk: Walk, served: Page, reviewer: str) -> None:
    page = walk.page
    page.page.goto(served.url)
    page.url = served.url
    walk.look("login")
    page.page.fill("#bs-username", reviewer)
    page.page.fill("#bs-password", "wrong")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#bs-wrong:visible")
    walk.look("login refused")
    page.log_in(reviewer, PASSWORD)
    if page.state == "welcome":
        walk.look("welcome after login")
        page.press("Enter")
    walk.look("logged in")
    page.page.context.clear_cookies()
    page.page.keyboard.press("1")
    page.page.wait_for_selector("#bs-lost:visible")
    walk.look("logged out")
