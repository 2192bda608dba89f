"""A request as its browser meant it: host, scheme and path behind any proxies, and which site sent it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eval.judge.access.public_address import PublicAddress, host_of, origin_of

if TYPE_CHECKING:
    from starlette.types import Scope

#: Headers that only a proxy may set. They are read here, and removed from what the application gets.
_FORWARDED = (b"x-forwarded-", b"forwarded", b"x-gradio-", b"x-real-ip")


@dataclass(frozen=True)
class ClientRequest:
    """`hosts`: all that it is addressed to, the browser's last. `path`: without that under which a proxy serves us."""

    front: PublicAddress
    scope: Scope
    headers: dict[bytes, str]
    hosts: tuple[str, ...]
    scheme: str
    path: str

    @classmethod
    def read(cls, scope: Scope, front: PublicAddress) -> ClientRequest:
        headers = {name: value.decode("latin-1") for name, value in reversed(scope["headers"])}
        hosts = tuple(value.decode("latin-1") for name, value in scope["headers"] if name == b"host")
        if front.proxied and b"x-forwarded-host" in headers:
            hosts += (_first(headers[b"x-forwarded-host"]),)
        name = host_of(hosts[-1] if hosts else "")[0]
        scheme = front.scheme(name, scope["scheme"], _first(headers.get(b"x-forwarded-proto", "")).lower())
        path: str = scope["path"]
        if front.path and path.startswith(f"{front.path}/"):
            path = path.removeprefix(front.path)
        return cls(front, scope, headers, hosts, scheme, path)

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    def says(self, name: bytes) -> str:
        return self.headers.get(name, "")

    def unknown_host(self) -> str | None:
        """The first name that is not ours under which we are asked; "" for no name, or several; None: all is well."""
        if sum(name == b"host" for name, _ in self.scope["headers"]) != 1:
            return ""
        return next((host for host in self.hosts if not self._knows(host_of(host)[0])), None)

    def is_foreign(self, *, linked: bool = False) -> bool:
        """Whether another page sent this, by what the browser says of it. Only the page itself may be linked to, and
        what is `linked`."""
        site = self.says(b"sec-fetch-site")
        if self._opens_the_page(linked=linked):
            return False
        if site not in ("", "same-origin", "none"):
            return True
        if b"origin" not in self.headers:
            return False
        name, port = origin_of(self.says(b"origin"))
        # A proxy may drop the port from Host; then the browser's own word has to do.
        if site == "same-origin":
            return not self._knows(name)
        return not name or (name, port) != host_of(self.hosts[-1], self.scheme)

    def inner(self, *, queried: bool = False) -> Scope:
        """What the application gets: one host, one scheme, one path; and no query unless it is `queried`, since
        Gradio's pages read theirs in the browser, and its own are keys to what is closed."""
        kept = [(n, v) for n, v in self.scope["headers"] if not n.startswith(_FORWARDED) and n != b"host"]
        whole = self.front.path + self.path
        return {
            **self.scope,
            "scheme": self.scheme,
            "path": whole,
            "raw_path": whole.encode(),
            "root_path": self.front.path,
            "query_string": self.scope.get("query_string", b"") if queried else b"",
            "headers": [(b"host", self.hosts[-1].encode("latin-1")), *kept],
            "client": self._caller(),
        }

    def _knows(self, name: str) -> bool:
        server = self.scope.get("server")
        return self.front.knows(name, str(server[0]) if server else "")

    def _opens_the_page(self, *, linked: bool) -> bool:
        """A link to the page may stand anywhere: it opens a tab of its own, in which the other site reads nothing.

        Nor does it in a frame; which site may show one, the answer's content policy says.
        """
        is_page = self.method in ("GET", "HEAD") and self.path in ("/", self.front.path)
        opened = ("document", "iframe") if self.front.framed_by and is_page else ("document",)
        is_opened = self.says(b"sec-fetch-mode") == "navigate" and self.says(b"sec-fetch-dest") in opened
        return is_opened and (is_page or linked) and b"origin" not in self.headers

    def _caller(self) -> tuple[str, int] | None:
        """Who asks, for the console: behind a proxy, whom that one saw."""
        seen = self.says(b"x-forwarded-for").rpartition(",")[2].strip() if self.front.proxied else ""
        client: tuple[str, int] | None = self.scope.get("client")
        return (seen, 0) if seen else client


def _first(values: str) -> str:
    return values.partition(",")[0].strip()
