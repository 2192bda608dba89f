"""What every answer carries, whoever made it: the content policy, no leave for other sites, cookies that stay ours."""

from __future__ import annotations

from collections.abc import Iterable

Header = tuple[bytes, bytes]

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
OURS: tuple[Header, ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_NAMES = frozenset(name for name, _ in OURS)
_DECIDED_HERE = ("httponly", "secure", "samesite", "partitioned")


def guarded(headers: Iterable[Header], *, https: bool) -> list[Header]:
    """An answer's headers, with ours once, none that lets another site read it, and cookies closed."""
    kept = [(name, value) for name, value in headers if not _is_theirs(name.lower())]
    return [(name, _closed(value, https) if name.lower() == b"set-cookie" else value) for name, value in kept] + [*OURS]


def _is_theirs(name: bytes) -> bool:
    return name in _NAMES or name.startswith((b"access-control-", b"content-security-policy"))


def _closed(cookie: bytes, https: bool) -> bytes:
    """A cookie that no script reads, that no other site's request carries, and that TLS keeps to itself."""
    parts = [part.strip() for part in cookie.decode("latin-1").split(";")]
    kept = [part for part in parts if part.partition("=")[0].strip().lower() not in _DECIDED_HERE]
    return "; ".join([*kept, "HttpOnly", "SameSite=Lax", *(["Secure"] if https else [])]).encode("latin-1")
