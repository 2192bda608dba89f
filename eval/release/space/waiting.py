"""The page while there is nothing to judge yet: the run is being fetched, or another server has it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eval.judge.access.gatekeeper import Gatekeeper, send_text
from eval.judge.access.public_address import PublicAddress
from eval.judge.access.routes import PAGE

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

STARTING = "The study is being fetched. This page reloads automatically."
BUSY = (
    "Another server shows this study, and only one may: set the Space to one replica. "
    "This page tries again automatically."
)
BROKEN = "The study cannot be shown now: its organiser finds the reason in the Space's log."


class Waiting:
    """One sentence for whoever asks; the page asks again by itself."""

    def __init__(self) -> None:
        self.sentence = STARTING

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            status = 200 if scope["path"] == "/" else 503
            await send_text(send, status, self.sentence, [(b"refresh", b"10"), (b"cache-control", b"no-store")])


@contextmanager
def waiting(sock: socket.socket, front: PublicAddress) -> Iterator[Waiting]:
    """Serve the sentence on `sock`, which stays open for who comes after."""
    import uvicorn

    page = Waiting()
    config = uvicorn.Config(
        Gatekeeper(page, front, PAGE),
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=1,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock.dup()]}, daemon=True)
    thread.start()
    try:
        yield page
    finally:
        server.should_exit = True
        thread.join()
