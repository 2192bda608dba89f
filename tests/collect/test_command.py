"""`blindside collect` as people run it: killed and started again, twice at once, and against servers in trouble."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from eval.answers import Key, read_answers
from eval.records import SIDES, Side
from eval.run import open_run
from tests.cli.command import BLINDSIDE, blindside
from tests.collect import servers
from tests.collect.runs import prompt_file
from tests.collect.servers import Tgi, tgi
from tests.support import ROOT, free_port

COUNT = 120


def command(folder: Path, base_url: str, tuned_url: str, *options: str) -> list[str]:
    urls = ["--base-url", base_url, "--tuned-url", tuned_url]
    files = ["--prompts", str(folder / "prompts.jsonl"), "--reports", str(folder / "reports")]
    return ["collect", *urls, *files, "--run", "first", *options]


@contextmanager
def started(arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([BLINDSIDE, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return blindside(*arguments, cwd=ROOT)


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_killed_and_started_again_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    prompt_file(tmp_path, COUNT)
    path = tmp_path / "reports" / "first" / "responses.jsonl"
    with tgi(Tgi("base", delay=0.03)) as base, tgi(Tgi("tuned", delay=0.03)) as tuned:
        both: dict[Side, Tgi] = {"base": base, "tuned": tuned}
        arguments = command(tmp_path, base.url, tuned.url, "--concurrency", "4")
        kills: list[tuple[set[Key], dict[Side, Counter[str]]]] = []
        for share in (0.3, 0.6, 0.8):
            with started(arguments) as process:
                wait_until(lambda share=share: base.answered.total() >= share * COUNT, process)  # type: ignore[misc]
                process.kill()
                process.wait()
            # What is whole in the file is on disk; a torn last line is not.
            on_disk = set(read_answers(path).responses)
            kills.append((on_disk, {side: Counter(server.asked) for side, server in both.items()}))
            assert 0 < len(on_disk) < 2 * COUNT
        done = finished(arguments)
        assert done.returncode == 0, done.stderr
        prompts = {p.id: p.messages[-1].content for p in open_run(tmp_path / "reports", "first").prompts()}
        for on_disk, before in kills:
            for prompt_id, side in on_disk:
                text = prompts[prompt_id]
                assert both[side].asked[text] == before[side][text], f"{prompt_id} was on disk and asked again"
    answers = read_answers(path)  # raises where one prompt has two answers
    assert set(answers.responses) == {(prompt_id, side) for prompt_id in prompts for side in SIDES}
    # Four are in flight per side, and three kills: no more can have been asked in vain.
    for server in both.values():
        assert server.asked.total() - COUNT <= 3 * (4 + 4)


def test_a_second_collector_is_refused_in_one_sentence(tmp_path: Path) -> None:
    prompt_file(tmp_path, COUNT)
    with tgi(Tgi("base", delay=0.1)) as base, tgi(Tgi("tuned", delay=0.1)) as tuned:
        arguments = command(tmp_path, base.url, tuned.url, "--concurrency", "2")
        with started(arguments) as process:
            wait_until(lambda: base.answered.total() > 2, process)
            second = finished(arguments)
    assert second.returncode == 1
    assert second.stderr == ("blindside: run first is being collected by another process: wait for it, or end it\n")


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (servers.always(lambda: web.Response(status=500)), "failed (500): an empty body"),
        (servers.always(lambda: web.Response(text="garbage")), "answered 'garbage'"),
        (servers.always(lambda: web.Response(status=401)), "refuses access (401): set BLINDSIDE_API_KEY"),
        (servers.hang, "gave no answer within 0.5 s"),
        (servers.hang_up, "broke before the answer was complete"),
    ],
)
def test_a_server_in_trouble_is_told_without_a_traceback(tmp_path: Path, trouble: servers.Trouble, said: str) -> None:
    prompt_file(tmp_path, 2)
    with tgi(Tgi("base", trouble=trouble)) as base, tgi(Tgi("tuned")) as tuned:
        done = finished(command(tmp_path, base.url, tuned.url, "--timeout", "0.5", "--attempts", "1"))
        assert done.returncode == 1
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") == 1
        base.trouble = None
        again = finished(command(tmp_path, base.url, tuned.url))
    assert again.returncode == 0, again.stderr
    # A server that refuses us ends the run at once, and with it what is in flight on the other side.
    assert max(tuned.asked.values()) <= (2 if "401" in said else 1)


def test_nobody_answers(tmp_path: Path) -> None:
    prompt_file(tmp_path, 2)
    url = f"http://127.0.0.1:{free_port()}"
    done = finished(command(tmp_path, url, url))
    assert done.returncode == 1
    assert done.stderr == f"blindside: cannot connect to {url} (Connection refused): is the server running?\n"
    assert not (tmp_path / "reports").exists()


def test_a_broken_line_17_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    path = prompt_file(tmp_path, 30)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:16], lines[16][:-1], *lines[17:]]))
    with tgi(Tgi("base")) as base:
        done = finished(command(tmp_path, base.url, base.url))
    assert (done.returncode, done.stderr) == (
        1,
        f"blindside: {path}:17: is not JSON (Expecting ',' delimiter, column 60): correct or remove the line\n",
    )
    assert not base.asked
