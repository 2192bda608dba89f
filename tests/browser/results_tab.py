"""The results pages as an engineer sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Unpack

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

from tests.browser.fresh import Look, fresh


class Tab:
    """A page of the results server; `problems` is what console and dialogs said, `asked` every address it fetched."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.problems: list[str] = []
        self.asked: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._hear)
        page.on("dialog", self._dismiss)
        page.on("request", lambda request: self.asked.append(request.url))

    def open(self, query: str = "") -> None:
        self.page.goto(f"{self.url}/{query}")

    def click(self, selector: str) -> None:
        """Click what brings another page, and wait for that."""
        with self.page.expect_navigation():
            self.page.click(selector)

    def press(self, key: str) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def choose(self, name: str, value: str) -> None:
        with self.page.expect_navigation():
            self.page.select_option(f"#rs-{name}", value)

    def back(self) -> None:
        self.page.go_back()

    @property
    def text(self) -> str:
        return self.page.inner_text(".rs-page")

    @property
    def count(self) -> str:
        return self.page.inner_text(".rs-n")

    @property
    def rows(self) -> list[str]:
        return self.page.locator(".rs-list tbody th").all_inner_texts()

    @property
    def address(self) -> str:
        return self.page.url.removeprefix(self.url).removeprefix("/")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _dismiss(self, dialog: Dialog) -> None:
        self.problems.append(dialog.message)
        dialog.dismiss()


@contextmanager
def tab(browser: Browser, url: str, **look: Unpack[Look]) -> Iterator[Tab]:
    with fresh(browser, url, **look) as page:
        yield Tab(page, url)
