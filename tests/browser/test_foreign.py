"""Another website against a reviewer who is logged in: it reads nothing, and no verdict of its making appears."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from eval.judge.access.accounts import add_account
from eval.judge.store.verdict_files import read_verdicts
from eval.run import Run
from tests.browser.fresh import emptied
from tests.browser.screen import Screen
from tests.browser.studies import PASSWORD
from tests.evidence.results_server import Results
from tests.judge.runs import make_run
from tests.judge.server import Served, served

pytestmark = pytest.mark.browser

NAMED = "judge.test"

#: Every way in which a page may talk to another site: what it got out of each, and "" where that was nothing.
ATTACK = (Path(__file__).parent / "attack.js").read_text("utf-8")


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>nice pictures</title><body>")

    def log_message(self, *_: object) -> None:
        """Nothing on the console."""


@contextmanager
def another_site() -> Iterator[int]:
    """A server of another site, on a port of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module", params=[True, False], ids=["logins", "names"])
def victim(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Run, Served, bool]]:
    folder, logins = tmp_path_factory.mktemp("victim"), bool(request.param)
    accounts = folder / "reviewers.csv" if logins else None
    if accounts:
        add_account(accounts, "Ana", PASSWORD)
    run = make_run(folder, n=20)
    with served(run, accounts=accounts, allow_host=[NAMED]) as server:
        yield run, server, logins


def sit_down(context: BrowserContext, url: str, *, logins: bool) -> Screen:
    page = Screen(context.new_page(), url)
    if logins:
        page.page.goto(url)
        page.log_in("Ana", PASSWORD)
        if page.state == "welcome":
            page.press("Enter")
    else:
        page.open("Ana")
    return page


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1", "evil.test"),
        ("127.0.0.1", "127.0.0.1"),  # another port: the same site, so that cookies go along
        ("localhost", "127.0.0.1"),
        (NAMED, "evil.test"),
        (NAMED, "evil.judge.test"),
    ],
)
def test_another_website_reads_nothing_and_votes_for_nobody(
    browser: Browser, victim: tuple[Run, Served, bool], host: str, origin: str
) -> None:
    run, server, logins = victim
    port = server.url.rsplit(":", 1)[1]
    address = f"http://{host}:{port}"
    with emptied(browser, address) as context, another_site() as other:
        page = sit_down(context, address, logins=logins)
        page.press("1")
        before, pair = run.verdicts_path.read_bytes(), page.panes()
        evil = context.new_page()
        evil.goto(f"http://{origin}:{other}/")
        got = evil.evaluate(ATTACK, page.url)
        assert len(got) > 15
        assert {way: text for way, text in got.items() if text} == {}
        assert not any(frame.locator(".bs-stage, #bs-login").count() for frame in evil.frames)
        assert run.verdicts_path.read_bytes() == before
        assert page.panes() == pair
        page.press("1")
        assert page.status == "Saved"
    assert {row.reviewer for row in read_verdicts(run.verdicts_path)} == {"Ana"}


def test_a_name_that_is_rebound_to_this_machine_is_refused(
    browser: Browser, victim: tuple[Run, Served, bool], server: Results
) -> None:
    _, judging, _ = victim
    for url in (judging.url, server.url):
        page = browser.new_page()
        answer = page.goto(url.replace("127.0.0.1", "judge.evil.test"))
        assert answer is not None
        assert answer.status == 403
        assert "not known as judge.evil.test" in page.inner_text("body")
        asked = page.evaluate(
            "fetch('/gradio_api/run/predict', {method: 'POST', body: '{}'}).then((answer) => answer.status)"
        )
        assert asked == 403
        page.close()


def test_a_link_on_another_site_opens_the_page_for_its_reviewer(
    browser: Browser, victim: tuple[Run, Served, bool]
) -> None:
    _, judging, logins = victim
    with emptied(browser, judging.url) as context, another_site() as other:
        sit_down(context, judging.url, logins=logins)
        page = context.new_page()
        page.goto(f"http://evil.test:{other}/")
        page.evaluate("(url) => { location.href = url; }", judging.url)
        page.wait_for_selector(".bs-stage[data-turn]")
        assert page.get_attribute(".bs-stage", "data-state") == "ask"
