"""What the browser tests share: Chromium, and the pages that are served to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from eval.judge.access.accounts import add_account
from eval.judge.study.study import Study
from eval.run import Run
from tests.browser.chromium import launched
from tests.browser.results_tab import Tab, tab
from tests.browser.servers import Page, job, served_together
from tests.browser.studies import (
    FULL,
    GUIDED,
    LOGINS,
    PASSWORD,
    REASONED,
    THOUGHTFUL,
    THUMBS,
    WITH_TWINS,
    conversations,
    hostile,
    long_answers,
    thoughtful,
    uneven,
)
from tests.evidence.judged import make_judged
from tests.evidence.results_server import Results, results_of
from tests.judge.runs import make_run, make_run_of, prompt


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium with a profile of its own, `contexts[0]`, which keeps what it has compiled: see `fresh`."""
    with launched(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="package")
def judging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Page]]:
    """Judging pages of one server process, by name. Every reviewer gets every pair, so each test takes its own."""
    folder = tmp_path_factory.mktemp("judging")
    accounts = folder / "reviewers.csv"
    for name in LOGINS:
        add_account(accounts, name, PASSWORD)
    jobs = {
        "plain": job(long_answers(folder / "plain")),
        "talks": job(conversations(folder / "talks")),
        "full": job(conversations(folder / "full"), FULL),
        "guided": job(uneven(folder / "guided"), GUIDED),
        "thumbs": job(conversations(folder / "thumbs"), THUMBS),
        "reasoned": job(make_run(folder / "reasoned", answers=WITH_TWINS), REASONED),
        "thoughts": job(thoughtful(folder / "thoughts"), THOUGHTFUL),
        "login": job(make_run(folder / "login", n=3), accounts=accounts),
        "shared": job(make_run(folder / "shared", n=3), Study(practice=0)),
        "hostile": job(hostile(folder / "hostile")),
        "none": job(make_run_of(folder / "none", [prompt(0)], [])),
    }
    with served_together(list(jobs.values())) as served:
        yield dict(zip(jobs, served, strict=True))


@pytest.fixture(scope="package")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that three people judged, for the results pages: nobody writes to it."""
    return make_judged(tmp_path_factory.mktemp("results"), pairs=250, reviewers=("ann", "bob", "李雷"), share=0.5)


@pytest.fixture(scope="package")
def server(run: Run) -> Iterator[Results]:
    with results_of(run) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Results) -> Iterator[Tab]:
    """A fresh tab at the results pages; whatever its console complained of fails the test."""
    with tab(browser, server.url) as page:
        yield page
        assert page.problems == []
