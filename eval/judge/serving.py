"""A port, a server, and an end: how the page is put on this machine's network and taken down."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from types import FrameType
from typing import TYPE_CHECKING

from eval.errors import BlindsideError, InputError

if TYPE_CHECKING:
    from fastapi import FastAPI

#: How many ports from the wanted one on are tried.
PORTS = 20


def listen(host: str, port: int, say: Callable[[str], None]) -> socket.socket:
    """A listening socket on `port`, or on the next free one, which is told.

    Raises InputError for a host that is not this machine's or a port it may not use, BlindsideError where none is free.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"port {port}: give one between 0 and 65535")
    last = min(port + PORTS, 65536)
    for candidate in range(port, last):
        sock = _try(host, candidate)
        if sock is not None:
            if candidate != port:
                say(f"port {port} is taken: serving at {url(sock)}")
            return sock
    raise BlindsideError(f"ports {port} to {last - 1} are all taken: give a free one with PORT=")


def url(sock: socket.socket) -> str:
    """The address that a browser on this machine opens."""
    host, port = sock.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://{address}:{port}" if address.version == 4 else f"http://[{address}]:{port}"


def is_loopback(sock: socket.socket) -> bool:
    return ipaddress.ip_address(sock.getsockname()[0]).is_loopback


def run_until_signalled(app: FastAPI, sock: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve `app` on `sock` until SIGINT or SIGTERM; `on_ready` is called once the page really answers."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """A signal ends the server, not the process; a second one does not wait for open connections."""
            self.force_exit = self.should_exit
            self.should_exit = True

    # Open pages hold a connection for ever: at the end they get a second. Gradio itself prints what goes wrong.
    config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1)
    threading.Thread(target=_when_ready, args=(sock, on_ready), daemon=True).start()
    Server(config).run(sockets=[sock])


def _when_ready(sock: socket.socket, on_ready: Callable[[], None]) -> None:
    """The socket listens from the start, so one request that waits for its answer tells."""
    host, port = url(sock).removeprefix("http://").rsplit(":", 1)
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=120)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/")
        if connection.getresponse().status == HTTPStatus.OK:
            on_ready()
    connection.close()


def _try(host: str, port: int) -> socket.socket | None:
    """A socket that listens, or None where the port is taken."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, proto)
    except OSError as error:
        raise InputError(f"cannot listen on {host}: {error.strerror}: give an address of this machine") from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(128)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise InputError(f"cannot listen on {host}:{port}: {error.strerror}: give another with PORT=") from None
    return sock
