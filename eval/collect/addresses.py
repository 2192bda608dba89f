"""A server's address in two parts: what may be shown and stored, and what only the server is told.

A user, a password and a query (`?api-key=…`) are sent, and never written down.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote

from blindside.addresses import shown, split
from eval.errors import InputError

#: Sent to both servers as a bearer token where it is set; never written down.
KEY_VARIABLE = "BLINDSIDE_API_KEY"
#: What a header can carry of a token (RFC 6750 allows less).
_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class ServerAddress:
    """`url` is the server's root, fit to be shown. The rest is secret, and empty where the address has none."""

    url: str
    query: str = ""
    authorization: str = ""
    password: str = ""

    def secrets(self) -> tuple[str, ...]:
        """What must not be repeated, longest first: whole values, and what they are made of."""
        parts = [part.partition("=")[2] for part in self.query.split("&")]
        found = {self.authorization.partition(" ")[2], self.password, self.query, *parts, *map(unquote, parts)}
        return tuple(sorted((one for one in found if len(one) > 3), key=len, reverse=True))


def read_address(address: str, key: str = "") -> ServerAddress:
    """Read http(s)://[user:password@]host[:port][/path][?query][#model]; the model is left out.

    A user in the address goes before `key`, which is meant for all servers. Raises InputError, which shows no secret.
    """
    parts = split(address)
    if parts is None:
        raise InputError(
            f"{shown(address)!r} is not a server's address: give one like http://127.0.0.1:8080 "
            "(in a user or password, write / ? # @ as %2F %3F %23 %40)"
        )
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"
    return ServerAddress(url, parts.query, _authorization(parts, key), unquote(parts.password or ""))


def key_from_environment() -> str:
    """The key for both servers, empty where none is set. Raises InputError for one that no header can carry."""
    key = os.environ.get(KEY_VARIABLE, "")
    if key and not _KEY.fullmatch(key):
        raise InputError(
            f"{KEY_VARIABLE} holds a line break, a space or another character that no key has: "
            "set it to the key alone, without quotes or a second line"
        )
    return key


def _authorization(parts: SplitResult, key: str) -> str:
    if parts.username is None and parts.password is None:
        return f"Bearer {key}" if key else ""
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"
