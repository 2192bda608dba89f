"""Server addresses for printing and storing: without user, password and query, which may be keys."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_HIDDEN = "…"


def split(address: str) -> SplitResult | None:
    """The parts of a server's usable address, http or https; None for any other text.

    An address whose password holds an unquoted / or # is none: it would be another server's.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    written = address.isprintable() and not any(char in parts.netloc for char in " \\")
    return parts if usable and written and not _cut(parts) else None


def without_secrets(address: str) -> str:
    """The address without user, password and query; of a text that is no address, no more than its beginning."""
    parts = split(address)
    if parts is None:
        scheme = re.match(r"[a-z]+://", address)
        return f"{scheme[0]}{_HIDDEN}" if scheme else _HIDDEN if re.search("[@?=#]", address) else address
    model = f"#{parts.fragment}" if parts.fragment else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{model}"


def _cut(parts: SplitResult) -> bool:
    """Whether an @ stands where a password's own / or # would have moved it; behind a plain address, a model has it."""
    return "@" in parts.path or ("@" in parts.fragment and parts.path.rstrip("/") not in ("", "/v1"))
