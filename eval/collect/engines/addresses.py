"""A server's address in two parts: what may be shown and stored, and what only the server gets.

A user, a password and a query (`?api-key=…`) are sent, and never written down.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote

from blindside.addresses import split, without_secrets
from eval.errors import InputError

#: Sent to both servers as a bearer token where it is set; never written down.
KEY_VARIABLE = "BLINDSIDE_API_KEY"
#: People also copy the whole address of the completions, which ends so.
_COMPLETIONS = "/chat/completions"
#: Characters of a token that a header can carry (RFC 6750 allows fewer).
_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class ServerAddress:
    """`url` is the server's root, fit to be shown. The rest is secret, and empty where the address has none."""

    url: str
    query: str = ""
    authorization: str = ""
    password: str = ""
    #: What goes before a path of the protocol: "/v1", or nothing where the whole address of the completions has none.
    api: str = "/v1"
    #: Azure's name for the model, which stands in its address.
    deployment: str = ""

    def secrets(self) -> tuple[str, ...]:
        """What must not be repeated, longest first: whole values, and what they are made of."""
        parts = [part.partition("=")[2] for part in self.query.split("&")]
        found = {self.authorization.partition(" ")[2], self.password, self.query, *parts, *map(unquote, parts)}
        return tuple(sorted((one for one in found if len(one) > 3), key=len, reverse=True))


def read_address(address: str, key: str = "") -> ServerAddress:
    """Read http(s)://[user:password@]host[:port][/path][?query][#model]; the model is left out.

    The path may be the server's root, end with /v1, or be the whole address of the completions.

    A user in the address goes before `key`, which is meant for all servers. Raises InputError, which shows no secret.
    """
    parts = split(address.strip())
    if parts is None:
        raise InputError(
            f"{without_secrets(address)!r} is not a server's address: give one like http://127.0.0.1:8080 "
            "(in a user or password, write / ? # @ as %2F %3F %23 %40)"
        )
    whole = parts.path.rstrip("/")
    path = whole.removesuffix(_COMPLETIONS).rstrip("/")
    api = "" if path != whole and not path.endswith("/v1") else "/v1"
    url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path.removesuffix('/v1').rstrip('/')}"
    deployment = re.search(r"/deployments/([^/]+)$", path)
    secret = unquote(parts.password or "")
    return ServerAddress(
        url, parts.query, _authorization(parts, key), secret, api, unquote(deployment[1]) if deployment else ""
    )


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
