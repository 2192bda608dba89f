"""The judging page as a reviewer sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Unpack

from playwright.sync_api import Browser, Dialog, Page, Request, Response, TimeoutError

from tests.browser.fresh import Look, fresh

READY = """before => {
  const stage = document.querySelector(".bs-stage");
  const open = document.querySelector('[data-vote][aria-disabled="false"]');
  return stage && stage.dataset.turn && stage.dataset.turn !== before && open;
}"""

#: A word that passes stays until a test ends it: on a busy machine its seconds would be over before it is read.
HOLD = """addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = ".bs-stage > .bs-passing { animation-delay: 3600s !important; }";
  document.head.append(style);
});"""


class Screen:
    """One page; `asked` is every address that the browser asked for."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self._responses: list[Response] = []
        self.asked: list[str] = []
        self.problems: list[str] = []
        page.on("response", self._keep)
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", self._dismiss)
        page.add_init_script(HOLD)

    def open(self, reviewer: str = "") -> None:
        """Go to the page; give the name where it is asked for."""
        self.page.goto(self.url)
        self._settle("")
        if self.state == "welcome" and reviewer:
            self.page.fill("#bs-name", reviewer)
            self.press("Enter")

    def log_in(self, name: str, password: str) -> None:
        self.page.fill("#bs-username", name)
        self.page.fill("#bs-password", password)
        self.page.keyboard.press("Enter")
        self._settle("")

    def press(self, key: str) -> None:
        """Press a key that brings the next showing, and wait until the page takes keys again."""
        before = self.turn
        self.page.keyboard.press(key)
        self._settle(before)

    def keys(self, *keys: str) -> None:
        """Press keys that the page itself answers, one after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, selector: str) -> None:
        before = self.turn
        self.page.click(selector)
        self._settle(before)

    def press_in_vain(self, key: str) -> None:
        """Press a key that must do nothing, and give it the time to do it."""
        before = self.turn
        self.page.keyboard.press(key)
        self.page.wait_for_timeout(150)
        assert self.turn == before

    def type_by_hand(self, times: int = 1, **fields: str | int | bool) -> None:
        """Make keydown events that no real keyboard here makes, `times` in one go, without waiting."""
        self.page.evaluate(
            """([times, fields]) => {
              for (let i = 0; i < times; i++)
                document.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...fields }));
            }""",
            [times, fields],
        )

    def wait_for_next(self, before: str) -> None:
        self._settle(before)

    @property
    def turn(self) -> str:
        return self._data("turn")

    @property
    def state(self) -> str:
        return self._data("state")

    @property
    def count(self) -> str:
        return self.page.inner_text("#bs-count")

    @property
    def status(self) -> str:
        return self.page.inner_text("#bs-status")

    @property
    def question(self) -> str:
        return self.page.inner_text(".bs-asked .bs-said")

    @property
    def comment(self) -> str:
        return self.page.input_value("#bs-comment")

    @property
    def banner(self) -> str:
        return " ".join(self.page.locator(".bs-banner:visible").all_inner_texts())

    def pane(self, letter: Literal["a", "b"]) -> str:
        return self.page.inner_text(f"#bs-pane-{letter} .bs-text")

    def panes(self) -> tuple[str, str]:
        return self.pane("a"), self.pane("b")

    def _data(self, name: str) -> str:
        return self.page.get_attribute(".bs-stage", f"data-{name}") or ""

    def _settle(self, before: str) -> None:
        try:
            self.page.wait_for_function(READY, arg=before)
        except TimeoutError as error:
            stage = self.page.locator(".bs-stage").all_inner_texts()
            error.add_note(f"The page shows {stage}; asked last: {self.asked[-3:]}; problems: {self.problems}")
            raise

    def _dismiss(self, dialog: Dialog) -> None:
        self.problems.append(dialog.message)
        dialog.dismiss()

    def _keep(self, response: Response) -> None:
        self._responses.append(response)

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)

    def received(self) -> str:
        """All that the browser got since the page was opened, once: addresses, headers and bodies."""
        there = [r for r in self._responses if "heartbeat" not in r.url and not r.url.startswith(("data:", "blob:"))]
        return "\n".join(f"{r.url} {r.all_headers()} {r.body().decode(errors='replace')}" for r in there)


@contextmanager
def screen(browser: Browser, url: str, **options: Unpack[Look]) -> Iterator[Screen]:
    """A fresh profile's page, not opened yet."""
    with fresh(browser, url, **options) as page:
        yield Screen(page, url)
