"""Logging in with an account of the Hub, at a server that only a frame of the Hub may show."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from eval.judge.access.gatekeeper import FOREIGN, Gatekeeper, send_text
from eval.judge.access.hub_accounts import HubAccounts
from eval.judge.access.hub_login import HubLogin
from eval.judge.access.hub_oauth import HubOAuth
from eval.judge.access.login import REVIEWER
from eval.judge.access.public_address import PublicAddress
from eval.judge.access.routes import HUB_LOGIN, PAGE
from eval.judge.access.server import listen, url
from tests.judge.asking import Answer, ask
from tests.release.hub_server import listening
from tests.release.hub_spaces import CLIENT, SECRET
from tests.release.hub_state import Hub

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

HOST = "our-judging.hf.space"
#: How a browser opens a page from huggingface.co: in a tab, and in a frame.
FROM_THE_HUB = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FRAMED = {**FROM_THE_HUB, "sec-fetch-dest": "iframe"}


class Server:
    def __init__(self, hub: Hub, said: list[str]) -> None:
        self.hub, self.said, self.url = hub, said, ""

    def ask(self, path: str, cookie: str = "", **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.url, path=path, host=HOST, headers={**sent, **({"cookie": cookie} if cookie else {})})

    def callback(self) -> tuple[str, str]:
        """Go to the Hub and say yes: the path to which it sends back, and the cookie that the browser got."""
        left = self.ask("/login/huggingface", **{"sec-fetch-site": "same-origin"})
        assert left.status == 303
        back = ask(self.hub.url, path=left.all("location")[0].removeprefix(self.hub.url))
        location = urlsplit(back.all("location")[0])
        assert (location.scheme, location.netloc) == ("https", HOST)
        return f"{location.path}?{location.query}", left.all("set-cookie")[0].split(";")[0]

    def back(self, path: str, cookie: str) -> Answer:
        return self.ask(path, cookie, **FROM_THE_HUB)


async def who(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send_text(send, 200, f"you are {scope[REVIEWER]}")


@pytest.fixture
def server() -> Iterator[Server]:
    import uvicorn

    with listening(Hub()) as hub, listen("127.0.0.1", 0, print) as sock:
        server = Server(hub, [])
        environment = {"OAUTH_CLIENT_ID": CLIENT, "OAUTH_CLIENT_SECRET": SECRET, "OPENID_PROVIDER_URL": hub.url}
        front = PublicAddress(framed_by="https://huggingface.co")
        front.tunnel(f"https://{HOST}")
        accounts = HubAccounts(["ANN"], ["Lab"])
        door = HubLogin(who, accounts, HubOAuth.of(environment, HOST), "the login page", server.said.append)
        config = uvicorn.Config(Gatekeeper(door, front, [*PAGE, *HUB_LOGIN]), log_level="critical", lifespan="off")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [sock]})
        thread.start()
        server.url = url(sock)
        yield server
        running.should_exit = True
        thread.join()


def test_an_account_on_the_list_judges_under_its_name(server: Server) -> None:
    assert server.ask("/", **FRAMED).body == "the login page"
    path, state = server.callback()
    answer = server.back(path, state)
    assert (answer.status, answer.all("location")) == (303, ["/"])
    over, given = answer.all("set-cookie")
    assert over.startswith("blindside-state=; Path=/; Max-Age=0")
    assert given.endswith("; Path=/; HttpOnly; SameSite=None; Secure; Partitioned")
    cookie = given.split(";")[0]
    assert server.ask("/", cookie, **FROM_THE_HUB).body == "you are Ann\n"
    assert server.ask("/", cookie, **FRAMED).body == "you are Ann\n"


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ({"preferred_username": "Eve"}, 403),
        ({"preferred_username": ""}, 403),
        ({"name": "Ann"}, 403),
        ({"preferred_username": "Eve", "orgs": [{"preferred_username": "other"}]}, 403),
        ({"preferred_username": "Eve", "orgs": "lab"}, 403),
        ({"preferred_username": "Eve", "orgs": [{"preferred_username": "LAB", "securityRestrictions": ["sso"]}]}, 403),
        ({"preferred_username": "Bo", "orgs": [{"preferred_username": "LAB"}]}, 303),
    ],
)
def test_who_is_not_on_the_list_is_refused(server: Server, person: dict[str, object], status: int) -> None:
    server.hub.person = person
    answer = server.back(*server.callback())
    assert answer.status == status
    assert ("not on this study's list" in answer.body) == (status == 403)
    assert len(answer.all("set-cookie")) == (2 if status == 303 else 1)
    assert [line for line in server.said if "not on the list" in line] == server.said


def test_a_login_that_was_begun_elsewhere_is_refused(server: Server) -> None:
    path, state = server.callback()
    for cookie in ("", "blindside-state=", "blindside-state=guess", state[:-1]):
        assert server.back(path, cookie).status == 403
    query = parse_qs(urlsplit(path).query)
    for other in (f"/login/callback?code={query['code'][0]}", "/login/callback?state=&code=x", "/login/callback"):
        assert server.back(other, state).status == 403
    # The code is still good, and good once.
    assert server.back(path, state).status == 303
    assert server.back(path, state).status == 502
    assert SECRET not in "".join(server.said)


def test_only_the_page_may_be_framed_and_only_the_way_back_linked(server: Server) -> None:
    answer = server.ask("/", **FRAMED)
    (policy,) = answer.all("content-security-policy")
    assert policy.endswith("; frame-ancestors https://huggingface.co")
    assert answer.all("x-frame-options") == []
    for path, headers in (
        ("/login/huggingface", FROM_THE_HUB),
        ("/login/callback?code=a&state=b", FRAMED),
        ("/login/callback?code=a&state=b", {**FROM_THE_HUB, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}),
        ("/theme.css", FRAMED),
    ):
        refused = server.ask(path, **headers)
        assert (refused.status, refused.body.strip()) == (403, FOREIGN), path


def test_a_hub_that_does_not_answer_is_told(server: Server) -> None:
    path, state = server.callback()
    server.hub.refused["/oauth/token"] = (500, "down")
    answer = server.back(path, state)
    assert (answer.status, "did not say who you are" in answer.body) == (502, True)
    assert len(server.said) == 1
    assert SECRET not in answer.body + "".join(server.said)
