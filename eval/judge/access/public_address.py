"""The names, path and scheme of a page: protection from DNS rebinding and from other sites."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from eval.errors import InputError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:@/\\?#\[\]]{1,253})(?::(\d{1,5}))?", re.IGNORECASE)
_PATH = re.compile(r"(/[A-Za-z0-9_~.-]+)*")
_PORTS = {"http": 80, "https": 443}


@dataclass
class PublicAddress:
    """What the outside may call a server. `proxied`: a proxy of ours stands before it, and says the scheme.

    `tunnels` are names that are reached by TLS only. `framed_by`: the one origin whose pages may show ours in a frame.
    """

    names: set[str] = field(default_factory=lambda: set(LOOPBACK))
    path: str = ""
    proxied: bool = False
    tunnels: set[str] = field(default_factory=set)
    framed_by: str = ""

    @classmethod
    def of(cls, host: str = "127.0.0.1", allow_host: Iterable[str] = (), root_path: str = "") -> PublicAddress:
        """From the command line. Raises InputError for what is no host name or no path."""
        allowed = {_allowed(name) for name in allow_host}
        own = {socket.gethostname().lower()} if _is_any(host) else {_spelt(host)}
        proxied = bool(allowed or root_path)
        return cls(set(LOOPBACK) | own | allowed, _path(root_path), proxied)

    def tunnel(self, address: str) -> None:
        """Let a public address of ours in, too."""
        parts = urlsplit(address)
        name = _spelt(parts.hostname or "")
        self.names.add(name)
        if parts.scheme == "https":
            self.tunnels.add(name)

    def knows(self, name: str, reached: str = "") -> bool:
        """Whether a name is ours; so is the very address at which the connection came in: no site's name is one."""
        return bool(name) and (name in self.names or name == _spelt(reached))

    def scheme(self, name: str, spoken: str, forwarded: str) -> str:
        """What the browser speaks. Only where a proxy of ours was named is its word taken."""
        if name in self.tunnels:
            return "https"
        return forwarded if self.proxied and forwarded in _PORTS else spoken


def host_of(header: str, scheme: str = "http") -> tuple[str, int]:
    """(name, port) of a Host header, the name in one spelling; ("", 0) for what is no host."""
    found = _HOST.fullmatch(header)
    if found is None:
        return "", 0
    return _spelt(found[1].strip("[]")), int(found[2] or _PORTS.get(scheme, 0))


def origin_of(header: str) -> tuple[str, int]:
    """(name, port) of an Origin header; ("", 0) for `null` and whatever is no web page."""
    scheme, _, host = header.partition("://")
    return host_of(host, scheme) if scheme in _PORTS else ("", 0)


def _spelt(name: str) -> str:
    """Case, a trailing dot, an interface and the ways to write an address make no difference."""
    plain = name.lower().removesuffix(".")
    try:
        address = ipaddress.ip_address(plain.partition("%")[0])
    except ValueError:
        return plain
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _allowed(name: str) -> str:
    try:
        ascii_name = name.strip().encode("idna").decode() if not name.isascii() else name.strip()
    except UnicodeError:
        ascii_name = ""
    found = host_of(f"[{ascii_name}]" if ascii_name.count(":") > 1 else ascii_name)
    if not found[0] or "*" in found[0] or found[1] != _PORTS["http"]:
        raise InputError(f"--allow-host {name!r}: give one host name without scheme, port or *, like judge.example.org")
    return found[0]


def _path(path: str) -> str:
    plain = path.rstrip("/")
    if not _PATH.fullmatch(plain) or ".." in plain:
        raise InputError(f"--root-path {path!r}: give the path that the proxy serves it under, like /tools/judge")
    return plain
