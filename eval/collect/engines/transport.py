"""One pooled HTTP session to one server; network trouble becomes an EngineError of one sentence."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import aiohttp
from yarl import URL

from blindside.addresses import without_secrets
from eval.collect.engines.addresses import key_from_environment, read_address
from eval.collect.engines.http_body import MEGABYTE, read_bounded
from eval.collect.engines.network import proxy_for, tls_context
from eval.errors import ConnectionBroke, EngineError, EngineUnreachable, TimedOut

#: Largest answer, in bytes after decompression.
LARGEST = 32 * MEGABYTE
_MOVED = frozenset({301, 302, 303, 307, 308})
_SHOWN = 120  # characters of an unexpected body that are shown
_HIDDEN = "…".encode()
_SECRET = re.compile(r"(://)[^/?#\s]*@|\?[^\s'\"]*")


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
            return f"{len(self.body)} bytes that are not text"
        if text[:100].lower().startswith(("<!doctype html", "<html", "<?xml")):
            return "a web page"
        return f"{text[:_SHOWN]!r}" + ("…" if len(text) > _SHOWN else "")


class Transport:
    """Requests to one server over connections that stay open. Use it as an async context manager.

    `timeout` is in seconds for a whole request, its body included; `largest` in bytes for a body, unpacked. The user
    and password of the address go along, else the key of the environment; `url` has neither, nor a query.

    Raises EngineUnreachable when nobody listens, the connection breaks, or the time runs out, EngineRejected where a
    body is too large: the same request would get it again.
    """

    def __init__(self, address: str, *, timeout: float, connections: int, largest: int = LARGEST) -> None:
        place = read_address(address, key_from_environment())
        self.url = place.url
        self.timeout = timeout
        self._query = f"?{place.query}" if place.query else ""
        self._secrets = place.secrets()
        # Unpacked by us, within bounds; whoever packs anyway is understood.
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if place.authorization:
            self._headers["Authorization"] = place.authorization
            if "api-version=" in place.query and place.authorization.startswith("Bearer "):  # Azure's way
                self._headers["api-key"] = place.authorization.removeprefix("Bearer ")
        self._api = place.api
        #: The model that the address itself names, or nothing.
        self.deployment = place.deployment
        self._connections = connections
        self._largest = largest
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Transport:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=tls_context()),
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
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
        if path.startswith("/v1/"):
            path = self._api + path.removeprefix("/v1")
        url, proxy = self.url + path + self._query, proxy_for(self.url)
        try:
            # Followed, a redirect would make a GET of a POST.
            async with self._session.request(method, url, data=body, proxy=proxy, allow_redirects=False) as response:
                if response.status in _MOVED and "Location" in response.headers:
                    raise self._moved(response)
                read = await read_bounded(response, self._largest, self.url)
                return Reply(response.status, self._clean(response, read), _wait_of(response))
        except TimeoutError:
            raise TimedOut(
                f"{self.url} gave no answer within {self.timeout:g} s: a slow server needs a longer --timeout "
                "(TIMEOUT=) or a lower --concurrency (CONCURRENCY=)"
            ) from None
        except aiohttp.ClientSSLError as error:
            raise EngineUnreachable(
                f"no secure connection to {self.url} ({self._short(error)}): "
                "check its certificate, or that it speaks https"
            ) from None
        except aiohttp.ClientHttpProxyError as error:
            problem = f"the proxy {without_secrets(proxy or '')} refuses to connect to {self.url} ({error.status})"
            raise EngineUnreachable(f"{problem}: put its host into NO_PROXY if no proxy is needed") from None
        except aiohttp.ClientProxyConnectionError as error:
            problem = f"cannot connect to the proxy {without_secrets(proxy or '')} ({self._short(error.os_error)})"
            raise EngineUnreachable(f"{problem}: put the host of {self.url} into NO_PROXY if none is needed") from None
        except aiohttp.ClientConnectorError as error:
            number = error.os_error.errno
            reason = os.strerror(number) if number and number > 0 else self._short(error.os_error)
            raise EngineUnreachable(f"cannot connect to {self.url} ({reason}): is the server running?") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionBroke(
                f"the connection to {self.url} broke before the answer was complete ({self._short(error)})"
            ) from None

    def _moved(self, response: aiohttp.ClientResponse) -> EngineError:
        target = str(response.url.join(URL(response.headers["Location"])))
        address = self._short(ValueError(without_secrets(target.partition("?")[0])))
        return EngineError(
            f"{self.url} has moved ({response.status}): use the new address, {address}",
            status=response.status,
        )

    def _clean(self, response: aiohttp.ClientResponse, body: bytes) -> bytes:
        """The body; of an error, without what was sent as a secret: its text is shown and kept."""
        if response.status != 200:
            for secret in self._secrets:
                body = body.replace(secret.encode(), _HIDDEN)
        return body

    def _short(self, error: Exception) -> str:
        """An error of the libraries in one line, without the user, password or query of an address in it."""
        line = _SECRET.sub(r"\1", (str(error).strip().splitlines() or [""])[0])
        for secret in self._secrets:
            line = line.replace(secret, _HIDDEN.decode())
        return line[:_SHOWN] or type(error).__name__


def _wait_of(response: aiohttp.ClientResponse) -> float | None:
    return _seconds(response.headers.get("Retry-After"))


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
