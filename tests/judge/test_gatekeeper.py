"""What the pages answer, and whom: over HTTP, by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from eval.judge.access.accounts import add_account
from eval.judge.access.gatekeeper import BROKEN, FOREIGN, LONGEST_BODY, OURS, TOO_LARGE, Gatekeeper
from eval.judge.access.public_address import PublicAddress
from eval.judge.access.routes import PAGE
from eval.judge.access.server import listen, url
from eval.run import Run
from tests.evidence.judged import make_judged
from tests.evidence.results_server import results_of
from tests.judge.asking import Answer, ask
from tests.judge.runs import make_run
from tests.judge.server import Served, Tab, served

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

NAMED = "judge.example.org"
UNDER = "/tools/judge"
PREDICT = "/gradio_api/run/predict"
JSON = {"content-type": "application/json"}
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("gatekeeper"), n=30)


@pytest.fixture(scope="module")
def server(run: Run) -> Iterator[Served]:
    with served(run) as server:
        yield server


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("proxied")
    add_account(folder / "reviewers.csv", "Ana", PASSWORD)
    run, accounts = make_run(folder, n=3), folder / "reviewers.csv"
    with served(run, accounts=accounts, allow_host=[NAMED], root_path=UNDER) as server:
        yield server


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    run = make_judged(tmp_path_factory.mktemp("results"), pairs=20, reviewers=("ann", "bob"), share=0.5)
    with results_of(run) as server:
        yield server.url


def hello(reviewer: str = "Ana") -> str:
    action = json.dumps({"act": "hello", "reviewer": reviewer})
    return json.dumps({"data": [action, None], "fn_index": 0, "session_hash": "abc"})


def test_a_foreign_host_is_refused_on_every_page(server: Served, results: str) -> None:
    for address in (server.url, results):
        for host in ("judge.evil.test", "judge.evil.test:7860", "127.0.0.1.evil.test", "10.0.0.1", "", "a b"):
            answer = ask(address, host=host)
            assert (answer.status, "<html" in answer.body) == (403, False), host
        assert "--allow-host judge.evil.test" in ask(address, host="judge.evil.test").body
        for host in ("localhost", "127.0.0.1:1", "[::1]:7860", "LOCALHOST.:80"):
            assert ask(address, host=host).status == 200, host


#: A page of ours, as browsers with and without Sec-Fetch-Site say it; then what others would send.
OWN = [
    {},
    {"origin": "{own}"},
    {"origin": "{own}", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
    {"sec-fetch-site": "none"},
]
OTHERS = [
    {"origin": "http://evil.test"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "http://localhost"},
    {"origin": "https://127.0.0.1"},
    {"origin": "file://"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "new-word"},
    {"sec-fetch-site": "cross-site", "origin": "{own}"},
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"sec-fetch-site": "same-origin", "origin": "http://evil.test"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
]


def test_only_our_own_page_is_answered(run: Run, server: Served) -> None:
    for said in OWN:
        headers = {name: value.format(own=server.url) for name, value in said.items()}
        assert ask(server.url, "POST", PREDICT, headers={**JSON, **headers}, body=hello()).status == 200, said
    for said in OTHERS:
        headers = {name: value.format(own=server.url) for name, value in said.items()}
        for kind in ({"content-type": "application/json"}, {"content-type": "text/plain"}, {}):
            answer = ask(server.url, "POST", PREDICT, headers={**kind, **headers}, body=hello("another"))
            assert (answer.status, answer.body.strip()) == (403, FOREIGN), said
        if "sec-fetch-mode" not in said:
            assert ask(server.url, "GET", "/", headers=headers).status == 403, said
    assert not run.verdicts_path.exists() or "another" not in run.verdicts_path.read_text()


def test_a_link_opens_the_page_and_a_frame_does_not(server: Served) -> None:
    linked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert ask(server.url, headers=linked).status == 200
    for more in ({"sec-fetch-dest": "iframe"}, {"sec-fetch-dest": "object"}, {"sec-fetch-mode": "no-cors"}):
        assert ask(server.url, headers={**linked, **more}).status == 403, more
    assert ask(server.url, path="/theme.css", headers=linked).status == 403


def test_a_preflight_and_a_websocket_get_nowhere(server: Served) -> None:
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    for origin, status in (("http://evil.test", 403), (server.url, 404)):
        answer = ask(server.url, "OPTIONS", PREDICT, headers={**asking, "origin": origin})
        assert answer.status == status
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-key": "x", "sec-websocket-version": "13"}
    for origin in ("http://evil.test", server.url):
        for path in ("/", PREDICT, "/gradio_api/queue/join", "/ws"):
            assert ask(server.url, path=path, headers={**upgrade, "origin": origin}).status != 101


async def test_a_websocket_is_closed_whatever_server_carries_it() -> None:
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message["type"])

    gatekeeper = Gatekeeper(_never, PublicAddress(), PAGE)
    await gatekeeper({"type": "websocket", "path": "/", "headers": [(b"host", b"localhost")]}, receive, send)
    assert sent == ["websocket.close"]


async def _never(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("reached")


def is_guarded(answer: Answer) -> bool:
    ours = all(answer.all(name.decode()) == [value.decode()] for name, value in OURS)
    return ours and not [name for name, _ in answer.headers if name.startswith("access-control-")]


def test_every_answer_has_the_same_policy_once(server: Served, proxied: Served, results: str) -> None:
    own = {"origin": server.url}
    long = b"x" * (LONGEST_BODY + 1)
    seen = [
        (200, ask(server.url, headers=own)),
        (308, ask(proxied.url, path=UNDER)),
        (401, ask(proxied.url, "POST", PREDICT, body=hello())),
        (403, ask(server.url, host="evil.test")),
        (403, ask(server.url, headers={"origin": "http://evil.test"})),
        (404, ask(server.url, path="/nothing")),
        (404, ask(server.url, "DELETE", "/")),
        (413, ask(server.url, "POST", PREDICT, body=long)),
        (422, ask(server.url, "POST", PREDICT, headers={**JSON, **own}, body='{"nothing": 1}')),
        (500, ask(server.url, "POST", PREDICT, headers={**JSON, **own}, body='{"data": [], "fn_index": 0}')),
    ]
    assert [(status, answer.status) for status, answer in seen if answer.status != status] == []
    shown = [
        *(answer for _, answer in seen),
        ask(proxied.url),
        ask(server.url, "HEAD"),
        ask(server.url, path="/gradio_api/heartbeat/a"),
    ]
    shown += [
        ask(results, path=path) for path in ("/", "/download/verdicts.csv", "/download/nothing.csv", "/theme.css")
    ]
    assert [answer for answer in shown if not is_guarded(answer)] == []


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Any application, on a real server in a thread."""
    import uvicorn

    with listen("127.0.0.1", 0, print) as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield url(sock)
        finally:
            server.should_exit = True
            thread.join()


def test_an_application_that_breaks_is_one_sentence() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("secret of the traceback")

    with serving(Gatekeeper(broken, PublicAddress(), PAGE)) as address:
        answer = ask(address)
    assert (answer.status, answer.body.strip()) == (500, BROKEN)
    assert is_guarded(answer)


def test_cookies_of_an_application_are_closed() -> None:
    async def baking(scope: Scope, receive: Receive, send: Send) -> None:
        cookies = [
            (b"set-cookie", b"a=1; Path=/; SameSite=None; Secure"),
            (b"set-cookie", b"b=2; httponly; samesite=lax"),
        ]
        headers = [*cookies, (b"access-control-allow-origin", b"*"), (b"X-Frame-Options", b"ALLOWALL")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    with serving(Gatekeeper(baking, PublicAddress.of(allow_host=[NAMED]), PAGE)) as address:
        plain = ask(address, headers={"x-forwarded-proto": "http"})
        secure = ask(address, headers={"x-forwarded-proto": "https", "host": NAMED})
    assert plain.all("set-cookie") == ["a=1; Path=/; HttpOnly; SameSite=Lax", "b=2; HttpOnly; SameSite=Lax"]
    assert secure.all("set-cookie") == [f"{cookie}; Secure" for cookie in plain.all("set-cookie")]
    assert is_guarded(plain)


def test_a_body_has_a_bound_with_and_without_its_length(run: Run, server: Served) -> None:
    whole = json.dumps({"data": ["x" * LONGEST_BODY, None], "fn_index": 0, "session_hash": "abc"})
    for length in ("99999999999999999999", "-1", "1e3", "0x10"):
        assert ask(server.url, "POST", PREDICT, headers={**JSON, "content-length": length}).status in (400, 413)
    for body in (whole, (whole[i : i + 65536].encode() for i in range(0, len(whole), 65536))):
        answer = ask(server.url, "POST", PREDICT, headers=JSON, body=body)
        assert (answer.status, answer.body.strip()) == (413, TOO_LARGE)
    assert Tab(server.url, "after").shown.data["state"] == "ask"


def test_no_answer_leads_elsewhere(server: Served, proxied: Served) -> None:
    misleading = {"x-forwarded-host": "evil.test", "x-gradio-server": "http://evil.test", "x-forwarded-proto": "https"}
    tried = [
        (address, path) for address in (server.url, proxied.url) for path in ("//evil.test/", "/login?next=//evil.test")
    ]
    for address, path in [*tried, (proxied.url, f"{UNDER}//evil.test"), (server.url, "/?deep_link=../../x&page=y")]:
        answer = ask(address, path=path, headers=misleading if address == server.url else {})
        assert answer.status in (200, 404)
        assert "evil.test" not in answer.body
        assert answer.all("location") == []
    assert ask(proxied.url, path=UNDER).all("location") == [f"{UNDER}/"]
    assert ask(proxied.url, headers=misleading).status == 403


def test_a_known_proxy_says_host_and_scheme(proxied: Served) -> None:
    https = {"x-forwarded-proto": "https"}
    name = proxied.url.removeprefix("http://")
    for headers, host in (({}, NAMED), ({"x-forwarded-host": NAMED}, name)):
        for path in ("/", f"{UNDER}/"):
            assert ask(proxied.url, path=path, host=host, headers={**https, **headers}).status == 200
        origins = {
            f"https://{NAMED}": 401,
            f"http://{NAMED}": 403,
            "https://evil.test": 403,
            f"https://{NAMED}:8443": 403,
        }
        for origin, status in origins.items():
            said = {**https, **headers, "origin": origin}
            assert ask(proxied.url, "POST", PREDICT, host=host, headers=said, body=hello()).status == status, origin
    dropped = {**https, "origin": f"https://{NAMED}:8443", "sec-fetch-site": "same-origin"}
    assert ask(proxied.url, "POST", PREDICT, host=NAMED, headers=dropped, body=hello()).status == 401
