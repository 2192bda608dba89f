"""huggingface.co as reviewers see it: a page of the Hub with the Space in a frame, under TLS and the Space's name."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import BrowserContext, Frame, Page

from tests.browser.proxies import make_certificate
from tests.browser.screen import READY

HUB_PAGE = "https://huggingface.co/spaces/our/judging"
OTHER_PAGE = "https://evil.test/"
NAME = "our-judging.test"


class _Proxy(socketserver.ThreadingTCPServer):
    """Ends TLS, and passes on host and path as they are."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Through)
        self.context, self.port = context, port

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that ends in the middle is a browser's right."""


class _Through(socketserver.BaseRequestHandler):
    server: _Proxy

    def handle(self) -> None:
        with (
            self.server.context.wrap_socket(self.request, server_side=True) as here,
            socket.create_connection(("127.0.0.1", self.server.port)) as there,
        ):
            back = threading.Thread(target=_copy, args=(there, here), daemon=True)
            back.start()
            _copy(here, there)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def under_tls(folder: Path, port: int) -> Iterator[str]:
    """An https address of NAME that leads to `port`, as the Space's proxy does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(folder))
    with _Proxy(context, port) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"https://{NAME}:{proxy.server_address[1]}"
        proxy.shutdown()


def framing(context: BrowserContext, page: str, address: str) -> Page:
    """A tab at `page`, which shows `address` in a frame."""
    tab = context.new_page()
    body = f'<!doctype html><h1>A page</h1><iframe src="{address}/" width="1200" height="700"></iframe>'
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
