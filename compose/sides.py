"""The side of a server: `tuned`, `tuned-2`, `tuned-3` … serve one side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from blindside.words import counted


def side_of(service: str) -> str:
    """The side of one of its servers: "tuned" of "tuned", "tuned-2", "tuned-3" …"""
    return service.partition("-")[0]


def by_side(urls: Mapping[str, str], dead: Iterable[str] = ()) -> dict[str, list[str]]:
    """Addresses of servers as those of their sides; without those of `dead` servers, where a side has others."""
    gone = frozenset(dead)
    living, found = {side_of(service) for service in urls if service not in gone}, dict[str, list[str]]()
    for service, url in urls.items():
        if service not in gone or side_of(service) not in living:
            found.setdefault(side_of(service), []).append(url)
    return found


class Survivors:
    """Several servers a side: one that ends is told once, and the others continue without it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told: set[str] = set()

    def check(self, services: Iterable[str], dead: Mapping[str, Exception]) -> None:
        """Raises what ended the last server of a side that has none left. `dead`: of which of them, by what."""
        living = Counter(side_of(service) for service in services if service not in dead)
        gone = [service for service in dead if not living[side_of(service)]]
        if gone:
            raise dead[next((service for service in gone if service not in self._told), gone[0])]
        for service, error in dead.items():
            if service not in self._told:
                side = side_of(service)
                self._say(f"{error}; {side} continues with {counted(living[side], 'server')}")
        self._told = set(dead)
