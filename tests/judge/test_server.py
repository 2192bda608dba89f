"""The real application over HTTP: what it accepts, what it tells, and how it starts and ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import pytest

from eval.errors import BlindsideError, InputError
from eval.judge.access.accounts import add_account
from eval.judge.access.server import PORTS, listen, url
from eval.judge.page.app import serve
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.judge.study.gold import GoldPair
from eval.judge.study.study import Gold, Repeats, Study
from eval.records import Message
from eval.run import Run
from tests.evidence.results_server import results_of
from tests.judge.asking import ask
from tests.judge.runs import BASE_NAME, TUNED_NAME, make_run
from tests.judge.server import Served, Shown, Tab, served
from tests.support import ROOT, free_port

#: Every connection that the process opens, told on its standard output.
_TELL_CONNECTIONS = """
import sys
sys.addaudithook(lambda event, args: event == "socket.connect" and print("connect", args[1], flush=True))
"""

#: Every file of answers that is opened, the same way.
_TELL_READS = """
import sys
def tell(event, args):
    if event == "open" and str(args[0]).endswith("responses.jsonl"):
        print("read responses.jsonl", flush=True)
sys.addaudithook(tell)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("server"), n=30)


@pytest.fixture(scope="module")
def server(run: Run) -> Iterator[Served]:
    with served(run) as server:
        yield server


def rows_of(run: Run, reviewer: str) -> list[str]:
    return [row.outcome for row in read_verdicts(run.verdicts_path) if row.reviewer == reviewer]


def test_a_verdict_is_on_disk_when_the_answer_comes(run: Run, server: Served) -> None:
    tab = Tab(server.url, "prompt")
    left = "base" if tab.shown.answers[0].startswith("Long") else "tuned"
    assert tab.vote("left", "why").data["saved"] == "yes"
    (row,) = [row for row in read_verdicts(run.verdicts_path) if row.reviewer == "prompt"]
    assert (row.left, row.outcome, row.comment) == (left, left, "why")


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "null",
        "{}",
        '{"act": "vote", "choice": "left"}',
        '{"act": "vote", "choice": "base", "reviewer": "hand"}',
        '{"act": "vote", "choice": "left", "reviewer": "hand", "nonce": "guess"}',
        '{"act": "vote", "choice": "left", "reviewer": "hand", "item": "hidden-item-0001"}',
        '{"act": "drop", "reviewer": "hand"}',
        json.dumps({"act": "vote", "reviewer": "hand", "comment": "x" * 200_000}),
        '{"act": "sit", "reviewer": "\\ud800"}',
    ],
)
def test_what_is_posted_by_hand_is_answered_and_not_recorded(run: Run, server: Served, payload: str) -> None:
    before = len(read_verdicts(run.verdicts_path))
    tab = Tab(server.url, "hand")
    assert tab.post(payload).data["state"] in ("ask", "welcome")
    assert len(read_verdicts(run.verdicts_path)) == before


def test_a_double_post_and_another_sessions_nonce_are_recorded_once(run: Run, server: Served) -> None:
    tab, other = Tab(server.url, "double"), Tab(server.url, "double")
    nonce = tab.shown.data["turn"]
    tab.vote("left", nonce=nonce)
    assert "not recorded" in tab.vote("left", nonce=nonce).page
    assert "not recorded" in other.vote("left", nonce=nonce).page
    assert len(rows_of(run, "double")) == 1


def test_posts_in_the_same_moment_are_recorded_once(run: Run, server: Served) -> None:
    tab = Tab(server.url, "moment")
    nonce, session = tab.shown.data["turn"], tab.session

    def post() -> None:
        twin = Tab(server.url, "moment of another")
        twin.session, twin.reviewer = session, "moment"
        twin.vote("right", nonce=nonce)

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows_of(run, "moment")) == 1


def test_nothing_that_is_served_tells_the_sides(run: Run, server: Served) -> None:
    where = server.url.removeprefix("http://")
    seen = ""
    for path in ("/", "/theme.css", "/gradio_api/app_id", "/config", "/gradio_api/info"):
        with closing(http.client.HTTPConnection(where, timeout=30)) as connection:
            connection.request("GET", path)
            seen += connection.getresponse().read().decode()
    tab = Tab(server.url, "curious")
    seen += tab.shown.page + tab.act("skip", nonce=tab.shown.data["turn"]).page
    for row in run.responses_path.read_text().splitlines():
        answer = json.loads(row)
        assert answer["prompt_id"] not in seen
        assert answer["sha256"] not in seen
    for secret in (BASE_NAME, TUNED_NAME, run.name, str(run.folder), "b" * 64, "0.123456", "9.87654"):
        assert secret not in seen


def test_the_runs_files_are_not_served(run: Run, server: Served) -> None:
    for path in (run.responses_path, run.verdicts_path, run.folder / "run.json", Path("pyproject.toml")):
        for route in ("/gradio_api/file=", "/file=", "/gradio_api/proxy=", "/"):
            with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)) as connection:
                connection.request("GET", f"{route}{path}")
                assert connection.getresponse().status in (400, 403, 404)


def test_a_full_disk_is_told_and_the_verdict_can_be_given_again(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with served(run) as server:
        tab = Tab(server.url, "Ana")
        tab.vote("left")
        before, pair = run.verdicts_path.read_bytes(), tab.shown.answers
        limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (len(before) + 50, resource.RLIM_INFINITY))
        refused = tab.vote("right", "keep me")
        assert "Not saved (File too large): press the key again" in refused.page
        assert (refused.answers, refused.data["comment"], refused.data["saved"]) == (pair, "keep me", "")
        assert run.verdicts_path.read_bytes() == before
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)
        assert tab.vote("right", refused.data["comment"]).data["saved"] == "yes"
    assert [row.comment for row in in_force(read_verdicts(run.verdicts_path))] == ["", "keep me"]


def test_it_ends_cleanly_and_opens_no_connection_but_to_itself(tmp_path: Path) -> None:
    with served(make_run(tmp_path), prelude=_TELL_CONNECTIONS) as server:
        Tab(server.url, "Ana").vote("tie")
        code, rest = server.end()
        told = [line for line in [*server.said, *rest.splitlines()] if line.startswith("connect")]
    assert code == 0
    assert rest.splitlines()[-1] == "ended"
    assert "Traceback" not in rest
    assert all("127.0.0.1" in line for line in told), told


def test_control_c_ends_it_with_a_page_open(tmp_path: Path) -> None:
    with served(make_run(tmp_path), reviewer="Fixed") as server:
        heartbeat = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
        heartbeat.request("GET", "/gradio_api/heartbeat/open")
        assert heartbeat.getresponse().status == 200
        assert Tab(server.url, "").shown.data["reviewer"] == "Fixed"
        server.process.send_signal(signal.SIGINT)
        rest, _ = server.process.communicate(timeout=30)
        heartbeat.close()
    assert (server.process.returncode, rest.splitlines()) == (0, ["ended"])


def test_an_idle_page_leaves_the_machine_in_peace(tmp_path: Path) -> None:
    """Gradio looks at its queue a thousand times a second; a busy machine only makes the number smaller."""
    with served(make_run(tmp_path)) as idle:
        Tab(idle.url, "ann")
        tasks = Path(f"/proc/{idle.pid}/task")
        before = _woken(tasks)
        time.sleep(1)
        assert _woken(tasks) - before < 200


def _woken(tasks: Path) -> int:
    lines = [line for status in tasks.glob("*/status") for line in status.read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def test_a_proxy_that_httpx_cannot_speak_to_stops_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages ask nobody, but Gradio makes an HTTP client as it is imported."""
    run = make_run(tmp_path)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "nonsense://127.0.0.1:9")
    with served(run) as server:
        assert Tab(server.url, "Ana").vote("tie").data["saved"] == "yes"
    with results_of(run) as results:
        assert ask(results.url).status == 200


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_sharing_needs_logins_and_a_tunnel_that_fails_is_one_sentence(tmp_path: Path, scheme: str) -> None:
    run = make_run(tmp_path)
    with pytest.raises(InputError, match="--share without logins would let anybody judge"):
        serve(run, share=True, open_browser=False)
    accounts = tmp_path / "reviewers.csv"
    add_account(accounts, "Ana", "correct horse")
    # Neither Gradio's servers nor the tunnel's program are to be had through this proxy.
    nowhere = {name: f"{scheme}://127.0.0.1:{free_port()}" for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")}
    with served(run, accounts=accounts, share=True, env={**nowhere, "HF_HOME": str(tmp_path)}) as server:
        (said,) = server.said[:-1]
        assert said.startswith("no share link could be made (")
        assert said.endswith("): leave --share out, or try again")
        assert server.said[-1].startswith("Judge at http://127.0.0.1:")


def test_gold_pairs_and_repeats_look_like_any_other(tmp_path: Path) -> None:
    asked = (Message(role="user", content="Which is right?"),)
    pair = GoldPair(id="known-1", messages=asked, better="Right.", worse="Wrong.")
    study = Study(practice=0, gold=Gold(rate=0.5, pairs=(pair,)), repeats=Repeats(rate=0.5, after=1))
    run = make_run(tmp_path, n=6)
    with served(run, study=study) as server:
        tab = Tab(server.url, "Ana")
        frames = set()
        while tab.shown.data["state"] == "ask":
            frames.add(frame_of(tab.shown))
            counted = int(tab.shown.data["judged"])
            assert int(tab.vote("tie").data["judged"]) == counted + 1
    kinds = {row.kind for row in read_verdicts(run.verdicts_path)}
    assert kinds == {"judgement", "gold", "repeat"}
    assert len(frames) == 1


def frame_of(shown: Shown) -> str:
    """What the server sent of a pair, without the words of its prompt, of its answers and of its category."""
    page = re.sub(r'data-(turn|judged|total|saved|undo|pace)="[^"]*"', "", shown.page)
    page = re.sub(r'<span class="bs-chip">.*?</span>', "", page)
    return re.sub(r'<(p|div class="bs-plain") dir="auto">.*?</(p|div)>', "", page, flags=re.DOTALL).replace(" ", "")


def test_a_taken_port_is_told_and_the_next_one_serves(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said: list[str] = []
        with listen("127.0.0.1", port, said.append) as sock:
            assert said == [f"port {port} is taken: serving at {url(sock)}"]
            assert port < sock.getsockname()[1] < port + PORTS


def test_hosts_and_ports_that_cannot_be_had_are_one_sentence() -> None:
    with pytest.raises(InputError, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", free_port(), print)
    with pytest.raises(InputError, match="give an address of this machine"):
        listen("no.such.host.invalid", free_port(), print)
    with pytest.raises(BlindsideError, match="between 0 and 65535"):
        listen("127.0.0.1", 70_000, print)


def test_the_module_is_imported_without_gradio() -> None:
    heavy = ("gradio", "fastapi", "uvicorn", "pandas")
    code = f"import sys, eval.judge.page.app; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_command_reads_the_answers_once_and_says_what_the_study_lacks_before_its_address(tmp_path: Path) -> None:
    make_run(tmp_path, n=3)
    code = f"{_TELL_READS}\nfrom eval.cli.main import main\nmain()"
    command = [sys.executable, "-c", code, "judge", "trial", "--no-browser", "--port", str(free_port())]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        said = list(takewhile(lambda line: not line.startswith("Judge at "), process.stdout))
        process.terminate()
    (asks,) = (line for line in said if line.startswith("note: the policy requires 100"))
    assert "and the study has 3: collect more prompts" in asks
    assert said.count("read responses.jsonl\n") == 1
