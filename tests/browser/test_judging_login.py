"""Logins in a real browser and by hand: who one is, is what one logged in as."""

from __future__ import annotations

import http.client
import json
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from eval.judge.access.accounts import add_account, change_password, remove_account
from eval.judge.store.verdict_files import read_verdicts
from tests.browser.screen import screen
from tests.browser.servers import Page
from tests.browser.studies import PASSWORD
from tests.judge.runs import make_run
from tests.judge.server import served

pytestmark = pytest.mark.browser


def reviewers(served: Page) -> set[str]:
    return {row.reviewer for row in read_verdicts(served.run.verdicts_path)}


def test_a_verdict_is_the_logins_whatever_the_page_says(browser: Browser, judging: dict[str, Page]) -> None:
    served = judging["login"]
    with screen(browser, served.url) as page:
        page.page.goto(served.url)
        page.log_in("Bo", PASSWORD)
        assert "You judge as Bo." in page.page.inner_text("#bs-welcome")
        page.press("Enter")
        assert page.page.inner_text("#bs-who") == "Bo"
        assert page.page.locator("#bs-who[data-act]").count() == 0
        page.page.evaluate("window.blindside.take = ((take) => () => take().replaceAll('Bo', 'Cy'))(blindside.take)")
        page.press("1")
        assert page.status == "Saved"
        assert "Cy" not in reviewers(served)
        for leave in (".bs-out", "#bs-help [data-act=logout]"):
            if leave.startswith("#"):
                page.log_in("Bo", PASSWORD)
                page.keys("?")
            page.page.click(leave)
            page.page.wait_for_selector("#bs-login")
    assert "Bo" in reviewers(served)


def test_a_lost_login_is_told_and_nothing_is_lost(browser: Browser, judging: dict[str, Page]) -> None:
    served = judging["login"]
    with screen(browser, served.url, locale="zh-CN") as page:
        page.page.goto(served.url)
        page.log_in("Cy", PASSWORD)
        page.press("Enter")
        page.page.fill("#bs-comment", "typed before")
        page.keys("Escape")
        pair = page.panes()
        page.page.context.clear_cookies()
        page.keys("4")
        page.page.wait_for_selector("#bs-lost:visible")
        assert "您已退出登录" in page.banner
        assert (page.panes(), page.comment, page.status) == (pair, "typed before", "未保存")
        page.page.click("#bs-lost button")
        page.page.wait_for_selector("#bs-login")
        page.log_in("Cy", PASSWORD)
        if page.state == "welcome":
            page.press("Enter")
        assert (page.panes(), page.comment) == (pair, "typed before")
        page.press("4")
        assert page.status == "已保存"
    assert [row.comment for row in read_verdicts(served.run.verdicts_path) if row.reviewer == "Cy"] == ["typed before"]


@pytest.mark.parametrize("change", ["a new password", "removed and added again", "a new start of the server"])
def test_a_login_that_is_over_is_told_and_what_is_typed_stays(browser: Browser, tmp_path: Path, change: str) -> None:
    accounts, new = tmp_path / "reviewers.csv", PASSWORD
    add_account(accounts, "Ana", PASSWORD)
    run = make_run(tmp_path, n=5)
    with ExitStack() as servers:
        server = servers.enter_context(served(run, accounts=accounts))
        with screen(browser, server.url) as page:
            page.page.goto(server.url)
            page.log_in("Ana", PASSWORD)
            page.press("Enter")
            page.page.fill("#bs-comment", "typed before")
            page.keys("Escape")
            pair = page.panes()
            if change == "a new password":
                new = "battery staple horse"
                change_password(accounts, "Ana", new)
            elif change == "removed and added again":
                remove_account(accounts, "Ana")
                add_account(accounts, "Ana", PASSWORD)
            else:
                server.end()
                servers.enter_context(served(run, accounts=accounts, port=int(server.url.rsplit(":", 1)[1])))
            page.keys("1")
            # Gradio loads a page again by itself, where it saw its server go.
            page.page.wait_for_selector("#bs-lost button:visible, #bs-login")
            assert not run.verdicts_path.exists()
            if page.page.locator("#bs-login").count() == 0:
                assert "You are logged out" in page.banner
                assert (page.panes(), page.comment, page.status) == (pair, "typed before", "Not saved")
                page.page.click("#bs-lost button")
            page.page.wait_for_selector("#bs-login")
            page.log_in("Ana", new)
            if page.state == "welcome":
                page.press("Enter")
            assert (page.panes(), page.comment) == (pair, "typed before")
            page.press("1")
            assert page.status == "Saved"
    assert [row.comment for row in read_verdicts(run.verdicts_path)] == ["typed before"]


def test_too_many_attempts_are_told(browser: Browser, judging: dict[str, Page]) -> None:
    with screen(browser, judging["login"].url) as page:
        page.page.goto(page.url)
        for _ in range(5):
            page.page.fill("#bs-username", "nobody")
            page.page.fill("#bs-password", "guess")
            page.page.click("#bs-enter")
            page.page.wait_for_selector("#bs-enter:enabled")
        assert "Too many attempts" in page.page.inner_text("#bs-wrong")


def test_without_a_login_nothing_is_served_and_nothing_recorded(judging: dict[str, Page]) -> None:
    served = judging["login"]
    before = served.run.verdicts_path.read_bytes() if served.run.verdicts_path.exists() else b""
    action = json.dumps({"act": "hello", "reviewer": "Ana", "language": "en"})
    body = json.dumps({"data": [action, None], "fn_index": 0, "session_hash": "abc"})
    with closing(http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=30)) as connection:
        connection.request("POST", "/gradio_api/run/predict", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, b"Long reply" in answer.read()) == (401, False)
        for path, status in (("/theme.css", 401), ("/gradio_api/heartbeat/abc", 401), ("/config", 404)):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert (answer.status, b"Long reply" in answer.read()) == (status, False)
        connection.request("GET", "/", headers={"cookie": "blindside-0=guess"})
        assert b'id="bs-login"' in connection.getresponse().read()
    assert (served.run.verdicts_path.read_bytes() if served.run.verdicts_path.exists() else b"") == before
