"""The side of a server: `tuned`, `tuned-2`, `tuned-3` … serve one side."""

from __future__ import annotations

from collections.abc import Mapping


def side_of(service: str) -> str:
    """The side of one of its servers: "tuned" of "tuned", "tuned-2", "tuned-3" …"""
    return service.partition("-")[0]


def by_side(urls: Mapping[str, str]) -> dict[str, list[str]]:
    """Addresses of servers as those of their sides."""
    found: dict[str, list[str]] = {}
    for service, url in urls.items():
        found.setdefault(side_of(service), []).append(url)
    return found
