"""One HTTP request made by hand: any Host, any header, also those that a browser would not let a page set."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """`headers` in small letters, in their order, each as often as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def ask(
    url: str,
    method: str = "GET",
    path: str = "/",
    *,
    host: str | None = None,
    headers: Mapping[str, str] | None = None,
    body: str | bytes | Iterable[bytes] | None = None,
) -> Answer:
    """`host`: in place of the address; an iterable body is sent in chunks, without its length."""
    address = url.removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        data = body.encode() if isinstance(body, str) else body
        chunked = data is not None and not isinstance(data, bytes)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        length = {"content-length": str(len(data))} if isinstance(data, bytes) else {}
        sent = {"host": address if host is None else host, **length, **(headers or {})}
        if chunked:
            sent["transfer-encoding"] = "chunked"
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(data, encode_chunked=chunked)
        answer = connection.getresponse()
        stream = answer.getheader("content-type", "").startswith("text/event-stream")
        text = "" if stream else answer.read().decode(errors="replace")
        return Answer(answer.status, [(name.lower(), value) for name, value in answer.getheaders()], text)
