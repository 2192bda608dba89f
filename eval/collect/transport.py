"""One pooled session to one server; what goes wrong on the wire becomes an error of ours, in one sentence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from urllib.parse import urlsplit

import aiohttp

from eval.errors import EngineUnreachable, InputError

#: Sent to both servers as a bearer token where it is set; never written down.
KEY_VARIABLE = "BLINDSIDE_API_KEY"
_SHOWN = 120  # characters of an unexpected body that are shown


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, read to its end. `retry_after` is in seconds."""

    status: int
    body: bytes
    retry_after: float | None = None

    def looks(self) -> str:
        """What the body is, for a sentence about a server that answers what we cannot use."""
        text = " ".join(self.body.decode("utf-8", "replace").split())
        if not text:
            return "an empty body"
        if not text[:_SHOWN].isprintable():
            return f"{len(self.body)} bytes that are no text"
        if text[:100].lower().startswith(("<!doctype html", "<html", "<?xml")):
            return "a web page"
        return f"{text[:_SHOWN]!r}" + ("…" if len(text) > _SHOWN else "")


def check_url(url: str) -> str:
    """The root of a server's address, without a trailing slash, /v1 or #model. Raises InputError for no address."""
    url = url.partition("#")[0]
    parts = urlsplit(url)
    try:
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise InputError(f"{url!r} is not a server's address: give one like http://127.0.0.1:8080")
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


class Transport:
    """Requests to one server over connections that stay open. Use it as an async context manager.

    `timeout` is in seconds for a whole request. Raises EngineUnreachable when nobody listens, the connection
    breaks, or the time runs out.
    """

    def __init__(self, url: str, *, timeout: float, connections: int, key: str = "") -> None:
        self.url = check_url(url)
        self.timeout = timeout
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Transport:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> Reply:
        return await self._send("GET", path, None)

    async def post(self, path: str, body: bytes) -> Reply:
        """Send `body`, which is JSON."""
        return await self._send("POST", path, body)

    async def _send(self, method: str, path: str, body: bytes | None) -> Reply:
        assert self._session is not None, "a Transport is used inside `async with`"
        try:
            async with self._session.request(method, self.url + path, data=body) as response:
                return Reply(response.status, await response.read(), _seconds(response.headers.get("Retry-After")))
        except TimeoutError:
            raise EngineUnreachable(f"{self.url} gave no answer within {self.timeout:g} s") from None
        except aiohttp.ClientSSLError as error:
            raise EngineUnreachable(
                f"no secure connection to {self.url} ({_short(error)}): check its certificate, or that it speaks https"
            ) from None
        except aiohttp.ClientConnectorError as error:
            number = error.os_error.errno
            reason = os.strerror(number) if number and number > 0 else str(error.os_error)
            raise EngineUnreachable(f"nobody answers at {self.url} ({reason}): is the server running?") from None
        except (aiohttp.ClientError, OSError) as error:
            raise EngineUnreachable(
                f"the connection to {self.url} broke before the answer was complete ({_short(error)})"
            ) from None


def _short(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:_SHOWN] or type(error).__name__


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds from now; it may be a number or a date."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
