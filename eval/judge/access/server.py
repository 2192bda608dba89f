"""Serves a page on a port of this machine until a signal, with a browser or a tunnel where asked for."""

from __future__ import annotations

import errno
import http.client
import importlib
import inspect
import ipaddress
import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from types import FrameType
from typing import TYPE_CHECKING, Any

from eval.errors import BlindsideError, InputError
from eval.judge.access.public_address import PublicAddress

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI
    from starlette.types import ASGIApp


# Gradio reads it when it is imported, which is later: nothing about a study leaves the machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

#: How many ports from the wanted one on are tried.
PORTS = 20


def listen(host: str, port: int, say: Callable[[str], None]) -> socket.socket:
    """A listening socket on `port`, or on the next free one, which is reported.

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


def run_until_signalled(app: ASGIApp, sock: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve `app` on `sock` until SIGINT or SIGTERM; `on_ready` is called once the page really answers."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """A signal ends the server, not the process; a second one does not wait for open connections."""
            self.force_exit = self.should_exit
            self.should_exit = True

    # Open pages hold a connection for ever: at the end they get a second. Gradio itself prints what goes wrong.
    # Our own gatekeeper decides whose X-Forwarded-Proto is taken, and no page opens a WebSocket.
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=1,
        proxy_headers=False,
        server_header=False,
        ws="none",
    )
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


def _has_screen() -> bool:
    """Without one, a browser that runs in the terminal would be opened over what we print."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def tunnelled(sock: socket.socket) -> str:
    """A public address that leads to `sock` through Gradio's tunnel. Raises BlindsideError where none is to be had."""
    load_gradio()
    import httpx
    from gradio.exceptions import ChecksumMismatchError
    from gradio.networking import setup_tunnel

    port = sock.getsockname()[1]
    server = os.environ.get("GRADIO_SHARE_SERVER_ADDRESS")
    try:
        return str(setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), server, None))
    except (ImportError, OSError, RuntimeError, ValueError, httpx.HTTPError, ChecksumMismatchError) as error:
        reason = " ".join(str(error).split())
        raise BlindsideError(f"no share link could be made ({reason}): leave --share out, or try again") from None


def serve_page(
    make: Callable[[], ASGIApp],
    name: str,
    *,
    host: str,
    port: int,
    open_browser: bool,
    say: Callable[[str], None],
    exposed: str = "",
    share: PublicAddress | None = None,
) -> None:
    """Serve what `make` gives until Ctrl-C or SIGTERM, on `port` or the next free one.

    `say` gets `name` and the address, and `exposed` before it where other machines reach the page. `share`: make a
    public address, and let it in there; where none can be made the page is served anyway. Raises what `make`
    and `listen` do.
    """
    with listen(host, port, say) as sock, suppress(KeyboardInterrupt):
        if exposed and not is_loopback(sock):
            say(exposed)

        def ready() -> None:
            if share is not None:
                _share(sock, share, say)
            say(f"{name} at {url(sock)}")
            if open_browser and _has_screen():
                webbrowser.open(url(sock))

        run_until_signalled(make(), sock, ready)


def _share(sock: socket.socket, front: PublicAddress, say: Callable[[str], None]) -> None:
    try:
        address = tunnelled(sock)
        front.tunnel(address)
        say(f"Shared at {address}")
    except BlindsideError as error:
        say(str(error))


def load_gradio() -> None:
    """Import Gradio, which takes seconds.

    It makes an HTTP client as it is imported, and that fails where the proxy of the environment is one that httpx
    cannot speak to (SOCKS). The pages ask nobody, so there is no proxy while it is imported.
    """
    before = os.environ.get("no_proxy")
    os.environ["no_proxy"] = "*"
    try:
        with no_stubs():
            importlib.import_module("gradio")
    finally:
        if before is None:
            del os.environ["no_proxy"]
        else:
            os.environ["no_proxy"] = before


def html_piece(value: str) -> gr.HTML:
    """HTML as it is: the default template and no script of Gradio's, so that nothing found in the text is run."""
    import gradio as gr

    return gr.HTML(value, js_on_load=None, apply_default_css=False)


def bare_app() -> FastAPI:
    """An empty application, open to whoever asks: `Gatekeeper` belongs before it."""
    from fastapi import FastAPI

    return FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


def mount_page(app: FastAPI, page: gr.Blocks, head: str) -> FastAPI:
    """`app` with the Gradio page at /, `head` (style and script) in its <head>."""
    import gradio as gr

    theme = gr.themes.Base(font=_SYSTEM, font_mono=["ui-monospace", "monospace"]).set(
        body_background_fill="#f4f5f7", body_background_fill_dark="#101318"
    )
    result: FastAPI = gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=theme,
        head=head,
        footer_links=[],
        show_error=False,
        ssr_mode=False,
        pwa=False,
        # Each request's own scope says it.
        root_path="",
    )
    # None of our events is queued, and an empty queue would be looked at a thousand times a second.
    page._queue.sleep_when_free = page._queue.progress_update_sleep_when_free = IDLE_SECONDS
    return result


#: Between two looks of Gradio at its queue, which stays empty.
IDLE_SECONDS = 1.0
_SYSTEM = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]


@contextmanager
def no_stubs() -> Iterator[None]:
    """While this lasts, classes of Gradio have no source file. Where Gradio asks in another way, nothing changes."""
    real = inspect.getfile

    def getfile(object: Any) -> str:
        if isinstance(object, type) and object.__module__.startswith("gradio."):
            raise OSError(f"no stub is wanted for {object.__name__}")
        return real(object)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = real
