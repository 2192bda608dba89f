"""Who is logged in, for how long, and what guessing passwords comes to."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from eval.judge.access.accounts import Accounts, add_account, change_password, remove_account
from eval.judge.access.login_limits import AT_ONCE, FREE, LONGEST, WAITING, LoginLimiter, TooManyAttempts
from eval.judge.access.login_limits import MOST as MOST_NAMES
from eval.judge.access.sessions import IDLE, MOST, MOST_OF_ONE, Sessions
from eval.judge.store.verdict_files import read_verdicts
from eval.run import Run
from tests.judge.asking import Answer, ask
from tests.judge.runs import make_run
from tests.judge.server import Served, Shown, served

PASSWORD = "correct horse battery"
NAMED, UNDER = "judge.example.org", "/tools/judge"


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logins") / "reviewers.csv"
    for name in ("Ana", "Bo", "Cy", "Removed", "Changed", "Both"):
        add_account(path, name, PASSWORD)
    return path


@pytest.fixture(scope="module")
def run(accounts: Path) -> Run:
    return make_run(accounts.parent, n=30)


@pytest.fixture(scope="module")
def server(run: Run, accounts: Path) -> Iterator[Served]:
    with served(run, accounts=accounts, allow_host=[NAMED], root_path=UNDER) as server:
        yield server


def log_in(url: str, name: str, password: str = PASSWORD, **headers: str) -> Answer:
    body = urlencode({"username": name, "password": password})
    return ask(url, "POST", "/login", body=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


class Browser:
    """One browser of somebody who is logged in."""

    def __init__(self, url: str, name: str, password: str = PASSWORD) -> None:
        self.url = url
        answer = log_in(url, name, password)
        assert answer.status == 200, answer
        self.cookie = answer.all("set-cookie")[0].split(";")[0]
        self.nonce = ""

    def act(self, act: str, **fields: str) -> int:
        """The status; the nonce of what is shown is kept for the next act."""
        action = json.dumps({"act": act, "reviewer": "whoever", "nonce": self.nonce, **fields})
        body = json.dumps({"data": [action, None], "fn_index": 0, "session_hash": self.cookie[-12:].lower()})
        headers = {"content-type": "application/json", "cookie": self.cookie}
        answer = ask(self.url, "POST", "/gradio_api/run/predict", body=body, headers=headers)
        if answer.status == 200:
            self.nonce = Shown(json.loads(answer.body)["data"][0]).data["turn"]
        return answer.status


def rows_of(run: Run, reviewer: str) -> int:
    if not run.verdicts_path.exists():
        return 0
    return sum(row.reviewer == reviewer for row in read_verdicts(run.verdicts_path))


def test_a_login_is_a_closed_cookie_with_a_new_token_each_time(server: Served) -> None:
    planted = "blindside-planted=known"
    first, second = log_in(server.url, "Ana", cookie=planted), log_in(server.url, "Ana", cookie=planted)
    (one,), (two,) = first.all("set-cookie"), second.all("set-cookie")
    assert re.fullmatch(r"blindside-\w{8}=[\w-]{43}; Path=/tools/judge/; HttpOnly; SameSite=Lax", one)
    assert one.split("=")[0] == two.split("=")[0]
    assert one != two
    assert log_in(server.url, "Ana", x_forwarded_proto="https").all("set-cookie")[0].endswith("; Secure")


def test_a_token_that_somebody_else_chose_is_worth_nothing(server: Served) -> None:
    name = Browser(server.url, "Ana").cookie.split("=")[0]
    fixed = f"{name}=chosen-by-an-attacker"
    log_in(server.url, "Ana", cookie=fixed)
    assert ask(server.url, path="/theme.css", headers={"cookie": fixed}).status == 401


@pytest.mark.parametrize(
    ("name", "change"), [("Removed", "remove"), ("Changed", "password"), ("Both", "remove and add again")]
)
def test_a_changed_account_ends_its_logins_at_the_next_action(
    run: Run, server: Served, accounts: Path, name: str, change: str
) -> None:
    browsers = [Browser(server.url, name), Browser(server.url, name)]
    assert [browser.act("sit") for browser in browsers] == [200, 200]
    assert browsers[0].act("vote", choice="left") == 200
    if "remove" in change:
        remove_account(accounts, name)
    if "add" in change:
        add_account(accounts, name, PASSWORD)
    if change == "password":
        change_password(accounts, name, "battery staple horse")
    before = rows_of(run, name)
    assert before == 1
    assert [browser.act("vote", choice="left") for browser in browsers] == [401, 401]
    assert rows_of(run, name) == before
    assert "bs-login" in ask(server.url, headers={"cookie": browsers[0].cookie}).body


def test_two_logins_of_one_person_go_on_side_by_side_and_logging_out_ends_one(server: Served) -> None:
    one, two, other = Browser(server.url, "Bo"), Browser(server.url, "Bo"), Browser(server.url, "Cy")
    assert [browser.act("sit") for browser in (one, two, other)] == [200, 200, 200]
    by_get = ask(server.url, path="/logout", headers={"cookie": one.cookie})
    foreign = ask(server.url, "POST", "/logout", headers={"cookie": one.cookie, "origin": "http://evil.test"})
    assert (by_get.status, foreign.status, one.act("show")) == (404, 403, 200)
    (gone,) = ask(server.url, "POST", "/logout", headers={"cookie": one.cookie}).all("set-cookie")
    assert "Max-Age=0" in gone
    assert [browser.act("show") for browser in (one, two, other)] == [401, 200, 200]


def test_a_new_login_in_a_browser_ends_its_old_one(server: Served) -> None:
    old = Browser(server.url, "Bo")
    log_in(server.url, "Cy", cookie=old.cookie)
    assert old.act("show") == 401


def test_a_server_that_starts_anew_asks_for_the_login(tmp_path: Path) -> None:
    add_account(tmp_path / "reviewers.csv", "Ana", PASSWORD)
    run = make_run(tmp_path)
    with served(run, accounts=tmp_path / "reviewers.csv") as first:
        before = Browser(first.url, "Ana")
        assert before.act("sit") == 200
        port = int(first.url.rsplit(":", 1)[1])
        first.end()
    with served(run, accounts=tmp_path / "reviewers.csv", port=port) as second:
        assert ask(second.url, path="/gradio_api/app_id", headers={"cookie": before.cookie}).status == 200
        assert before.act("vote", choice="left") == 401
        assert Browser(second.url, "Ana").act("show") == 200


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_twelve_idle_hours_end_a_login_and_activity_does_not(accounts: Path) -> None:
    clock = Clock()
    known = Accounts(accounts)
    sessions = Sessions(known, clock)
    used, idle = (sessions.start("Ana", known.fingerprint("Ana")) for _ in range(2))
    for _ in range(3):
        clock.now += IDLE - 1
        assert sessions.name(used) == "Ana"
    assert [sessions.name(token) for token in (idle, used, "", "unknown")] == ["", "Ana", "", ""]
    assert IDLE == 12 * 3600
    clock.now += IDLE + 1
    assert sessions.name(used) == ""


def test_logins_are_bounded_and_nobody_pushes_another_out_alone(accounts: Path) -> None:
    known = Accounts(accounts)
    sessions = Sessions(known)
    other = sessions.start("Bo", known.fingerprint("Bo"))
    own = [sessions.start("Ana", known.fingerprint("Ana")) for _ in range(MOST_OF_ONE + 5)]
    assert [bool(sessions.name(token)) for token in own] == [False] * 5 + [True] * MOST_OF_ONE
    assert sessions.name(other) == "Bo"
    for i in range(MOST + 10):
        sessions.start(f"many {i}", "x")
    assert len(sessions) == MOST


async def test_a_name_that_fails_waits_longer_each_time_and_then_it_is_forgotten() -> None:
    clock = Clock()
    guesses = LoginLimiter(lambda name, password: password == PASSWORD, clock)
    at_once = 0
    waits: list[int] = []
    while len(waits) < 8:
        try:
            assert not await guesses.check("Ana", "guess")
            at_once += not waits
        except TooManyAttempts as error:
            assert await guesses.check("Bo", PASSWORD)
            waits.append(error.seconds)
            clock.now += error.seconds
    assert at_once == FREE + 1
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert int(LONGEST) == 60
    assert await guesses.check("Ana", PASSWORD)
    assert guesses.failures("Ana") == 0
    assert not await guesses.check("Ana", "guess")
    assert await guesses.check("Ana", PASSWORD)


async def test_checks_at_once_and_waiting_ones_are_bounded() -> None:
    let_go, both = threading.Event(), threading.Event()
    lock, running, most = threading.Lock(), 0, 0

    def check(name: str, password: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == AT_ONCE:
                both.set()
        let_go.wait(60)
        with lock:
            running -= 1
        return False

    guesses = LoginLimiter(check)
    tasks = [asyncio.ensure_future(guesses.check(f"name {i}", "guess")) for i in range(60)]
    same = [asyncio.ensure_future(guesses.check("name 0", "another")) for _ in range(5)]
    refused = [task for task in [*tasks, *same] if not await _starts(task)]
    assert len(refused) == 65 - AT_ONCE - WAITING
    assert await asyncio.to_thread(both.wait, 60)
    let_go.set()
    done = await asyncio.gather(*tasks, *same, return_exceptions=True)
    assert done.count(False) == AT_ONCE + WAITING
    assert most == AT_ONCE == 2


async def _starts(task: asyncio.Future[bool]) -> bool:
    """Whether a guess is looked at, or waits; one that is refused ends at once."""
    await asyncio.sleep(0)
    return not task.done()


async def test_remembered_names_are_bounded() -> None:
    guesses = LoginLimiter(lambda name, password: False)
    for i in range(MOST_NAMES + 5):
        guesses._note(f"name {i}", False)
    assert [guesses.failures(f"name {i}") for i in (0, 4, 5, MOST_NAMES + 4)] == [0, 0, 1, 1]


def test_sixty_guesses_at_once_cost_little_memory_and_no_verdict(tmp_path: Path) -> None:
    add_account(tmp_path / "reviewers.csv", "Ana", PASSWORD)
    run = make_run(tmp_path, n=30)
    with served(run, accounts=tmp_path / "reviewers.csv") as server:
        ana = Browser(server.url, "Ana")
        assert ana.act("sit") == 200
        before = most_memory(server.pid)
        statuses: list[int] = []

        def guess(i: int) -> None:
            statuses.append(log_in(server.url, f"name {i}", "guess").status)

        threads = [threading.Thread(target=guess, args=(i,)) for i in range(60)]
        for thread in threads:
            thread.start()
        voted = [ana.act("vote", choice="tie") for _ in range(5)]
        for thread in threads:
            thread.join()
        grown = most_memory(server.pid) - before
    assert voted == [200] * 5
    assert rows_of(run, "Ana") == 5
    assert set(statuses) <= {401, 429}
    assert 429 in statuses
    assert grown < 200_000, f"{grown} kB for 60 guesses of 16 MiB each"


def most_memory(pid: int) -> int:
    """The most kB that a process has ever held at once."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def test_each_failure_is_one_harmless_line_on_the_console(tmp_path: Path) -> None:
    add_account(tmp_path / "reviewers.csv", "Ana", PASSWORD)
    names = ["Ana", "Ana", "\x1b[2J\x1b]0;owned\x07", "two\nlines", "\u202eanA", "x" * 5000, ""]
    with served(make_run(tmp_path), accounts=tmp_path / "reviewers.csv") as server:
        for name in names:
            assert log_in(server.url, name, "guess").status == 401, name
        assert log_in(server.url, "Ana").status == 200
        said = [line for line in server.end()[1].splitlines() if line != "ended"]
    assert len(said) == len(names), said
    assert all(line.startswith("login refused: ") and line.isprintable() and len(line) < 400 for line in said)
    assert said[:2] == [f"login refused: 'Ana' from '127.0.0.1' ({times} in a row)" for times in (1, 2)]
    assert PASSWORD not in "".join(said)


def test_a_delayed_name_is_told_and_others_are_not_concerned(server: Served) -> None:
    statuses = [log_in(server.url, "nobody", "guess").status for _ in range(FREE + 2)]
    assert statuses == [401] * (FREE + 1) + [429]
    refused = log_in(server.url, "nobody", "guess")
    assert int(refused.all("retry-after")[0]) >= 1
    assert "Too many attempts" in refused.body
    assert log_in(server.url, "Ana").status == 200


@pytest.mark.parametrize(
    "body", ["", "username=Ana", "password=x", "&&&=", "username=%ff%fe", "a=1&" * 50, '{"a": 1}', "\x00"]
)
def test_what_is_no_login_is_refused(server: Served, body: str) -> None:
    answer = ask(server.url, "POST", "/login", body=body)
    assert answer.status in (401, 429)
    assert answer.all("set-cookie") == []
