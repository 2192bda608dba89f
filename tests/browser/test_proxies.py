"""Judging in Chromium through real proxies, under TLS and a path, and by other addresses of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from eval.judge.access.accounts import add_account
from eval.judge.store.verdict_files import read_verdicts
from eval.run import Run
from tests.browser.fresh import profile
from tests.browser.proxies import NAME, PATH, PROXIES, proxy
from tests.browser.results_tab import Tab
from tests.browser.screen import Screen
from tests.browser.studies import PASSWORD
from tests.evidence.results_server import results_of
from tests.judge.runs import make_run
from tests.judge.server import Served, served
from tests.support import require

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Served]]:
    folder = tmp_path_factory.mktemp("proxied")
    for name in PROXIES:
        add_account(folder / "reviewers.csv", name, PASSWORD)
    run = make_run(folder, n=20)
    with served(run, accounts=folder / "reviewers.csv", allow_host=[NAME], root_path=PATH) as server:
        yield run, server


@pytest.mark.parametrize("kind", PROXIES)
def test_one_judges_through_a_proxy_under_tls_and_a_path(
    browser: Browser, judged: tuple[Run, Served], tmp_path: Path, kind: str
) -> None:
    run, server = judged
    with profile(browser, ignore_https_errors=True) as context, proxy(kind, server.url, tmp_path) as address:
        page = Screen(context.new_page(), f"{address}/")
        page.page.goto(address)
        page.log_in(kind, PASSWORD)
        if page.state == "welcome":
            page.press("Enter")
        (cookie,) = context.cookies()
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
            True,
            True,
            "Lax",
            f"{PATH}/",
        )
        for key in ("1", "2"):
            page.press(key)
            assert page.status == "Saved"
        assert [url for url in page.asked if not url.startswith((address, "data:", "blob:"))] == []
        page.page.click(".bs-out")
        page.page.wait_for_selector("#bs-login")
        assert page.problems == []
    assert sum(row.reviewer == kind for row in read_verdicts(run.verdicts_path)) == 2


@pytest.mark.parametrize("kind", ["nginx", "nginx, stripping"])
def test_results_are_read_and_taken_home_through_a_proxy(browser: Browser, run: Run, tmp_path: Path, kind: str) -> None:
    with (
        results_of(run, allow_host=[NAME], root_path=PATH) as server,
        proxy(kind, server.url, tmp_path) as address,
        profile(browser, ignore_https_errors=True) as context,
    ):
        page = Tab(context.new_page(), address)
        page.open()
        assert "win rate" in page.text.lower()
        page.open("?view=browse")
        assert page.count.endswith("250")
        assert page.address == "?view=browse"
        page.open()
        with page.page.expect_download() as download:
            page.page.click("a[download], a[href*='download/verdicts.csv']")
        assert Path(download.value.path()).read_bytes() == run.verdicts_path.read_bytes()
        assert page.problems == []


def addresses() -> list[str]:
    """What this machine is called but 127.0.0.1: another loopback address, its host name, its address on a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # no packet is sent: the kernel only says which address it would take
            own = [str(probe.getsockname()[0])]
        except OSError:
            own = []
    return ["127.0.0.2", socket.gethostname(), *own]


def test_one_judges_by_every_address_of_the_machine(browser: Browser, tmp_path: Path) -> None:
    add_account(tmp_path / "reviewers.csv", "Ana", PASSWORD)
    run = make_run(tmp_path, n=20)
    with served(run, accounts=tmp_path / "reviewers.csv", host="0.0.0.0") as server:
        port = server.url.rsplit(":", 1)[1]
        reached = [name for name in addresses() if answers(name, int(port))]
        require(len(reached) > 1, "this machine has no address but 127.0.0.1")
        for name in reached:
            with profile(browser) as context:
                page = Screen(context.new_page(), f"http://{name}:{port}")
                page.page.goto(page.url)
                page.log_in("Ana", PASSWORD)
                if page.state == "welcome":
                    page.press("Enter")
                page.press("1")
                assert page.status == "Saved"
    assert len(read_verdicts(run.verdicts_path)) == len(reached)


def answers(name: str, port: int) -> bool:
    try:
        socket.create_connection((name, port), timeout=5).close()
    except OSError:
        return False
    return True
