"""The whole evaluation on two containers: proved, collected, judged, reported; and what a killed container costs."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from compose.containers import DockerStack
from compose.errors import ContainerDied
from eval.answers import read_answers
from eval.cli.collecting.prove_and_collect import CollectionSettings, is_complete, prove_and_collect
from eval.cli.collecting.serving import Servers, StartedServers
from eval.collect.new_run import start_collected_run
from eval.collect.prompts.prompt_set import load_prompts
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.report.write_report import write_report
from eval.run import Run, open_run
from eval.run_info import Decoding, ModelInfo
from tests.compose.servers import MODEL
from tests.docker.stand_in import IMAGE, container, left, stack
from tests.judge.runs import make_run
from tests.judge.server import Tab, served
from tests.warm.warm import train_python


def start(tmp_path: Path, prompts: int) -> Run:
    """A run of the recorded model against itself; other names, the same weights."""
    path = tmp_path / "prompts.csv"
    path.write_text("prompt\n" + "".join(f"What is {n} plus {m}?\n" for n in range(1, 30) for m in range(1, 30)))
    loaded = load_prompts(str(path), limit=prompts)
    model = ModelInfo(name="recorded", source=str(MODEL), weights_sha256="a" * 64)
    return start_collected_run(
        tmp_path / "reports",
        "first",
        loaded=loaded,
        decoding=Decoding(max_tokens=40),
        models={"base": model, "tuned": model},
    )


@contextmanager
def containers(tmp_path: Path, seen: list[DockerStack]) -> Iterator[Servers]:
    made = stack(tmp_path, BASE_STAND_IN="engine", TUNED_STAND_IN="engine")
    seen.append(made)
    with made:
        for side, url in made.urls.items():
            with urllib.request.urlopen(f"{url}/info", timeout=10) as response:
                info = json.loads(response.read())
            assert info["model_id"] == made.served[side] == f"/models/{side}"
            assert (info["max_total_tokens"], info["max_input_tokens"]) == (1024, 1023)
        yield StartedServers(made)


def test_from_two_containers_to_a_win_rate_though_one_was_killed_in_the_middle(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    """What was on disk when it was killed stays, and nothing is left on the machine by either try."""
    how = CollectionSettings(train_python(), "float32", concurrency=4, force=False)
    run = start(tmp_path, 60)
    seen: list[DockerStack] = []
    killer = threading.Thread(target=_kill_when_half_done, args=(engine, run, seen))
    killer.start()
    with pytest.raises(ContainerDied, match="tuned"):
        prove_and_collect(run, [lambda: containers(tmp_path, seen)], how)
    killer.join()
    kept = run.responses_path.read_bytes()
    assert 0 < len(read_answers(run.responses_path).responses) < 120
    assert left(engine, seen[0].project) == []

    assert prove_and_collect(open_run(run.folder.parent, run.name), [lambda: containers(tmp_path, seen)], how) == 0
    assert left(engine, seen[1].project) == []
    assert run.responses_path.read_bytes().startswith(kept)
    answered = Counter(read_answers(run.responses_path).responses.keys())
    assert len(answered) == answered.total() == 120
    run = open_run(run.folder.parent, run.name)
    assert is_complete(run)
    assert run.info.engine.startswith(f"tgi {IMAGE}@sha256:")
    assert all(side.passed for side in run.info.checks.parity.values())
    assert {side.flipped for side in run.info.checks.determinism.values()} == {0}
    summary = write_report(run).summary
    assert (summary.table.pairs, summary.table.identical) == (60, 60)


def _kill_when_half_done(engine: docker.DockerClient, run: Run, seen: list[DockerStack]) -> None:
    deadline = time.monotonic() + 120
    while not (run.responses_path.is_file() and run.responses_path.read_bytes().count(b"\n") > 40):
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)
    container(engine, seen[0].project, "tuned").kill()


def test_judging_goes_on_when_an_engine_stops_under_the_page(engine: docker.DockerClient, tmp_path: Path) -> None:
    run = make_run(tmp_path / "reports", n=6)
    with stack(tmp_path) as servers, served(run) as page:
        tab = Tab(page.url, "ann")
        tab.vote("left")
        for side in ("base", "tuned"):
            container(engine, servers.project, side).kill()
        tab.vote("right")
        tab.vote("tie")
        assert len(in_force(read_verdicts(run.verdicts_path))) == 3
