"""The main job on a fresh clone: `make train eval`, again, the page, verdicts, the report; nothing left running."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.cli.training.model_folder import TrainedModel
from eval.run import Run, open_run
from tests.e2e.second_round import judge_by_rule, share_right, words_an_answer
from tests.judge.verdicts import verdict_store
from tests.support import ROOT, free_port, judged, require
from tests.warm.warm import train_python
from train.artifact import read_artifact
from train.files import sha256_file

pytestmark = [pytest.mark.slow, pytest.mark.train]


#: What runs in the clone imports the clone, also where these tests were told to import another tree.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _make(clone: Path, *args: str) -> str:
    """Run make in the clone as a user would; its output when it succeeds, a failed test with its output otherwise."""
    done = subprocess.run(
        ["make", *args], cwd=clone, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def _processes_of(clone: Path) -> list[str]:
    """Command lines of running processes that name the clone or work in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            inside = str(process.joinpath("cwd").readlink()).startswith(str(clone))
        except OSError:
            continue
        if int(process.name) != os.getpid() and (inside or str(clone) in command):
            found.append(command)
    return found


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tree as git would hand it out, with what is not committed yet."""
    require(shutil.which("make") is not None, "make is not installed")
    require(shutil.which("git") is not None, "git is not installed")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    target = tmp_path_factory.mktemp("clone")
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    yield target
    for environment in (".venv", ".venv-train", ".venv-train-cold"):
        shutil.rmtree(target / environment, ignore_errors=True)


@pytest.fixture(scope="module")
def first(clone: Path) -> str:
    """The output of the two stages, run once for all tests here."""
    return _make(clone, "-j2", "train", "eval", "HEADLESS=1")


def test_train_and_eval_end_with_all_answers_and_no_process(clone: Path, first: str) -> None:
    run = open_run(clone / "reports", "")
    lines = [json.loads(line) for line in run.responses_path.read_text().splitlines()]
    assert {line["kind"] for line in lines} == {"response"}
    asked = {(prompt.id, side) for prompt in run.prompts() for side in ("base", "tuned")}
    assert len(asked) >= 200
    assert len(lines) == len(asked)
    assert {(line["prompt_id"], line["side"]) for line in lines} == asked
    assert _processes_of(clone) == []


def test_run_json_is_complete(clone: Path, first: str) -> None:
    run = open_run(clone / "reports", "")
    info = run.info
    for model in info.models.values():
        assert model.weights_sha256 is not None
        assert model.template_sha256 is not None
        assert model.served["model_id"]
    assert "transformers" in info.engine
    assert run.decoding.temperature == 0
    assert {"blindside", "python"} <= set(info.versions)
    assert {"started", "collected"} <= set(info.times)
    assert info.counts["answered"] == 2 * info.prompt_set.asked


def test_the_training_is_said_to_have_learned_and_the_run_says_so_too(clone: Path, first: str) -> None:
    assert "The training learned what the pairs prefer." in first
    assert "On 28 held-out pairs: accuracy 50% → " in first
    tuned = open_run(clone / "reports", "").info.models["tuned"]
    assert tuned.training[0] == "The training learned what the pairs prefer."
    assert tuned.tokens is not None
    assert (tuned.tokens.same, tuned.tokens.unchecked) == (560, None)


def test_the_tuned_model_is_as_right_and_far_shorter(clone: Path, first: str) -> None:
    """What the tiny world was made for: both right in at least 95%, the tuned answers at least 50% shorter."""
    folders = (clone / "models" / "tiny-base", clone / "models" / "tiny")
    base, tuned = (json.loads((folder / "blindside.json").read_text())["metrics"] for folder in folders)
    assert base["heldout_right_and_fluent"] >= 0.95
    assert tuned["heldout_right_and_fluent"] >= 0.95
    assert tuned["heldout_words"] <= 0.5 * base["heldout_words"]
    assert "shorter" in first


def test_again_nothing_is_trained_or_asked_twice(clone: Path, first: str) -> None:
    weights = clone / "models" / "tiny" / "model.safetensors"
    before = weights.stat().st_mtime_ns
    said = _make(clone, "train", "eval", "HEADLESS=1")
    assert "up to date" in said
    assert "answers already collected" in said
    assert weights.stat().st_mtime_ns == before


def test_eval_serves_the_page_until_ctrl_c(clone: Path, first: str) -> None:
    port = free_port()
    command = ["make", "eval", f"PORT={port}"]
    environment = ENVIRONMENT | {"BROWSER": "true"}
    with subprocess.Popen(
        command,
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as page:
        assert page.stdout is not None
        said = []
        for line in page.stdout:
            said.append(line)
            if "Judge at http" in line:
                break
        assert said, "make eval said nothing"
        assert f"http://127.0.0.1:{port}" in said[-1], said
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            assert answer.status == 200
        os.killpg(page.pid, signal.SIGINT)
        page.stdout.read()
        page.wait(timeout=30)
    assert _processes_of(clone) == []


def test_verdicts_become_a_win_rate(clone: Path, first: str) -> None:
    run = open_run(clone / "reports", "")
    store = verdict_store(run)
    pairs = [pair for pair in read_answers(run.responses_path).pairs(run.prompts()) if not pair.identical][:10]
    for number, pair in enumerate(pairs):
        store.append(judged(run, pair, outcome="tuned" if number < 8 else "tie"))
    assert "90.0%" in _make(clone, "report")
    assert "win rate (ties as half),0.9," in (run.report_folder / "summary.csv").read_text()


@pytest.fixture(scope="module")
def second(clone: Path, first: str) -> tuple[Run, set[str], str]:
    """From verdicts to a model that was trained on them: the first run, the harvested items, what make said."""
    run = open_run(clone / "reports", "")
    read = judge_by_rule(run)
    subprocess.run(
        [".venv/bin/blindside", "harvest", run.name, "--out", "next.jsonl"], cwd=clone, env=ENVIRONMENT, check=True
    )
    rows = [json.loads(line) for line in (clone / "next.jsonl").read_text(encoding="utf-8").splitlines()]
    harvested = {row["id"] for row in rows}
    assert harvested == read  # where ann has judged before, she and bea disagree
    assert len(harvested) >= 80
    assert {row["source"]["chosen_side"] for row in rows} == {"base"}
    _warm(clone)
    return run, harvested, _make(clone, "train", "eval", "PAIRS=next.jsonl", "BASE=models/tiny", "HEADLESS=1")


def _warm(clone: Path) -> None:
    """The first round has tried the environment that make built; the second is spared its starts."""
    env = train_python().parents[1]
    (clone / ".venv-train").rename(clone / ".venv-train-cold")
    (clone / ".venv-train").symlink_to(env)
    (env / ".ready").touch()


def test_a_second_round_asks_no_prompt_that_became_training_data(
    clone: Path, second: tuple[Run, set[str], str]
) -> None:
    before, harvested, said = second
    after = open_run(clone / "reports", "")
    asked = {prompt.id for prompt in after.prompts()}
    assert asked == {prompt.id for prompt in before.prompts()} - harvested
    assert f"{len(harvested)} prompts left out: the model was trained on them" in said
    assert after.info.counts["answered"] == 2 * len(asked)
    # Of the first model as well, which was not trained on them: they are retired.
    loaded = TrainedModel.read(clone / "models", "tiny").prompts("", clone / "reports")
    assert {prompt.id for prompt in loaded.prompts} == asked
    assert loaded.retired == len(harvested)
    assert _processes_of(clone) == []


def test_a_second_round_goes_on_from_the_first_model(clone: Path, second: tuple[Run, set[str], str]) -> None:
    before, _, _ = second
    after = open_run(clone / "reports", "")
    made, models = read_artifact(clone / "models" / "tiny-next"), after.info.models
    assert (made.name, made.base.source) == ("tiny-next", "models/tiny")
    assert made.data_sha256 == {"next.jsonl": sha256_file(clone / "next.jsonl")}
    assert (models["base"].name, models["tuned"].name) == ("tiny", "tiny-next")
    assert models["base"].weights_sha256 == before.info.models["tuned"].weights_sha256
    assert models["tuned"].weights_sha256 == made.weights_sha256 != made.base.weights_sha256


def test_a_second_round_does_as_its_verdicts_asked(clone: Path, second: tuple[Run, set[str], str]) -> None:
    """Bea preferred fuller answers: on prompts that nobody harvested they are fuller now, and most of them right."""
    after = open_run(clone / "reports", "")
    assert words_an_answer(after, "tuned") >= 1.5 * words_an_answer(after, "base")
    assert share_right(after, "base") >= 0.95
    assert share_right(after, "tuned") >= 0.8
