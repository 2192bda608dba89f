"""huggingface.co as reviewers see it: a page of the Hub with the Space in a frame, under TLS and the Space's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Frame, Page

from tests.browser.proxies import CADDY, make_certificate, serving
from tests.browser.screen import READY
from tests.support import free_port

HUB_PAGE = "https://huggingface.co/spaces/our/judging"
OTHER_PAGE = "https://evil.test/"
NAME = "our-judging.test"


@contextmanager
def under_tls(folder: Path, port: int) -> Iterator[str]:
    """An https address of NAME that leads to `port`, as the Space's proxy does: host and path stay as they are."""
    certificate, key = make_certificate(folder)
    here = free_port()
    site = f"https://{NAME}:{here} {{\ntls {certificate} {key}\nreverse_proxy 127.0.0.1:{port}\n}}"
    with serving("caddy", CADDY.format(example=site), folder, here):
        yield f"https://{NAME}:{here}"


def framing(context: BrowserContext, page: str, address: str) -> Page:
    """A tab at `page`, which shows `address` in a frame."""
    tab = context.new_page()
    body = f'<!doctype html><h1>A page</h1><iframe src="{address}/" width="1200" height="600"></iframe>'
    tab.route(f"{page}**", lambda route: route.fulfill(body=body, content_type="text/html"))
    tab.goto(page)
    return tab


def framed(tab: Page) -> Frame:
    (frame,) = tab.main_frame.child_frames
    return frame


class Judge:
    """Who judges in a frame, or in a tab of their own."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def log_in(self, name: str, password: str) -> None:
        self.frame.wait_for_selector("#bs-login")
        self.frame.fill("#bs-username", name)
        self.frame.fill("#bs-password", password)
        self.frame.click("#bs-enter")

    def judge(self, times: int) -> None:
        """Vote, from wherever the page stands."""
        self.frame.wait_for_selector("#bs-welcome:visible, [data-vote]:visible")
        if self.frame.locator("#bs-welcome").count():
            self.frame.click("#bs-welcome .bs-win")
        self.frame.wait_for_function(READY, arg="")
        for _ in range(times):
            before = self.frame.get_attribute(".bs-stage", "data-turn")
            self.frame.click("[data-vote=left]")
            self.frame.wait_for_function(READY, arg=before)
            assert self.frame.inner_text("#bs-status") == "Saved"

    @property
    def copied(self) -> str:
        return self.frame.inner_text("#bs-copied")

    def until_waiting(self, number: int) -> str:
        """Wait until the header says that so many verdicts are not copied; what it says."""
        self.frame.wait_for_function(
            """([number]) => {
              window.blindside.copied();
              return document.getElementById("bs-copied").dataset.waiting === String(number);
            }""",
            arg=[number],
            polling=300,
        )
        return self.copied
