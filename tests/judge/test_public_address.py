"""By which names, paths and schemes a server may be asked for."""

from __future__ import annotations

import socket

import pytest

from eval.errors import InputError
from eval.judge.access.public_address import PublicAddress, host_of, origin_of


@pytest.mark.parametrize(
    ("front", "host", "reached", "known"),
    [
        *(
            (PublicAddress(), host, "127.0.0.1", True)
            for host in ("127.0.0.1", "127.0.0.1:7860", "LocalHost:1", "localhost.")
        ),
        *((PublicAddress(), host, "::1", True) for host in ("[::1]", "[::1]:7860", "[0:0:0:0:0:0:0:1]:7860")),
        *(
            (PublicAddress(), host, "127.0.0.1", False)
            for host in ("judge.evil.test", "judge.evil.test:7860", "", "127.0.0.2")
        ),
        *(
            (PublicAddress(), host, "127.0.0.1", False)
            for host in ("localhost.evil.test", "127.0.0.1.evil.test", "evil@localhost")
        ),
        *(
            (PublicAddress(), host, "127.0.0.1", False)
            for host in ("localhost/", "localhost:80:80", "local host", "[::1", "::1")
        ),
        (PublicAddress.of("192.0.2.7"), "192.0.2.7:7860", "", True),
        (PublicAddress.of("192.0.2.7"), "192.0.2.8:7860", "", False),
        (PublicAddress.of("2001:DB8::7"), "[2001:db8:0::7]:7860", "", True),
        (PublicAddress.of("Lab.example.org"), "lab.example.org:7860", "", True),
        (PublicAddress.of("0.0.0.0"), "192.0.2.7:7860", "192.0.2.7", True),
        (PublicAddress.of("0.0.0.0"), "192.0.2.8:7860", "192.0.2.7", False),
        (PublicAddress.of("::"), "192.0.2.7:7860", "::ffff:192.0.2.7", True),
        (PublicAddress.of("0.0.0.0"), f"{socket.gethostname().upper()}:7860", "192.0.2.7", True),
        (PublicAddress.of("0.0.0.0"), "judge.evil.test:7860", "192.0.2.7", False),
        (PublicAddress.of(allow_host=["Judge.example.org"]), "judge.example.org.:8443", "127.0.0.1", True),
        (PublicAddress.of(allow_host=["Judge.example.org"]), "sub.judge.example.org", "127.0.0.1", False),
        (PublicAddress.of(allow_host=["bücher.example"]), "xn--bcher-kva.example", "127.0.0.1", True),
        (PublicAddress.of(allow_host=["a.example", "b.example"]), "b.example", "127.0.0.1", True),
        (PublicAddress.of(allow_host=["2001:db8::7"]), "[2001:db8::7]", "127.0.0.1", True),
    ],
)
def test_a_name_is_ours_or_it_is_not(front: PublicAddress, host: str, reached: str, known: bool) -> None:
    assert front.knows(host_of(host)[0], reached) == known


@pytest.mark.parametrize(
    ("header", "origin"),
    [
        ("http://judge.example.org", ("judge.example.org", 80)),
        ("https://Judge.Example.org", ("judge.example.org", 443)),
        ("https://judge.example.org:8443", ("judge.example.org", 8443)),
        ("http://[::1]:7860", ("::1", 7860)),
        ("null", ("", 0)),
        ("", ("", 0)),
        ("file://", ("", 0)),
        ("chrome-extension://abc", ("", 0)),
        ("http://judge.example.org@evil.test", ("", 0)),
    ],
)
def test_an_origin_is_a_name_and_a_port(header: str, origin: tuple[str, int]) -> None:
    assert origin_of(header) == origin


def test_only_a_named_proxy_says_the_scheme() -> None:
    assert PublicAddress().scheme("localhost", "http", "https") == "http"
    assert PublicAddress.of(allow_host=["a.example"]).scheme("a.example", "http", "https") == "https"
    assert PublicAddress.of(root_path="/judge").scheme("a.example", "https", "http") == "http"
    assert PublicAddress.of(root_path="/judge").scheme("a.example", "http", "javascript") == "http"


def test_a_share_link_is_let_in_and_is_tls() -> None:
    front = PublicAddress()
    assert not front.knows("abc.gradio.live")
    front.tunnel("https://ABC.gradio.live")
    assert front.knows("abc.gradio.live")
    assert front.scheme("abc.gradio.live", "http", "") == "https"
    assert front.scheme("localhost", "http", "") == "http"


@pytest.mark.parametrize(
    "name", ["", "*", "*.example.org", "https://a.example", "a.example:8443", "a.example/x", "a b"]
)
def test_what_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="give one host name"):
        PublicAddress.of(allow_host=[name])


@pytest.mark.parametrize(
    "path", ["tools", "/a/../b", "/a b", "https://a.example/tools", "/a?b", "//evil.test", "/a//b"]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="give the path that the proxy serves it under"):
        PublicAddress.of(root_path=path)


def test_a_path_loses_its_last_slash() -> None:
    assert [PublicAddress.of(root_path=path).path for path in ("", "/", "/tools/judge", "/tools/judge/")] == [
        "",
        "",
        "/tools/judge",
        "/tools/judge",
    ]
