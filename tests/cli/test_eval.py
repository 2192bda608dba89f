"""`blindside eval` on two small models: what is proved of the servers stands in run.json, and may stop a run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from compose.embedded_stack import EmbeddedStack
from compose.stack import Model
from eval.cli.collecting.evaluate import default_name
from eval.evidence.summary import FORCED
from eval.report.write_report import write_report
from eval.run import open_run
from eval.run_info import Decoding, ModelInfo
from tests.cli.command import BLINDSIDE, blindside
from tests.collect.openai_servers import OpenAi, openai
from tests.collect.servers import Tgi, tgi
from tests.support import ROOT
from train.artifact import Artifact, Base, hash_weights, utc_seconds, write_artifact
from train.files import sha256_file
from train.token_check import TrainedTokens

SAVED = ROOT / "tests" / "data" / "tgi" / "model"
PROMPTS = "prompt,category\n" + "".join(f"What is {n} plus {n}?,sums\n" for n in range(1, 7))

TOKENS = (
    "Tuned: trained tokens = served tokens, 559 of 560 pairs; 1 of 560 pairs were cut: longer than sequence_len 256; "
    "raise it to train on them completely."
)


def _model(folder: Path, base: Path, prompts: Path) -> None:
    """A model folder as `make train` leaves it, of weights that lie in tests/data."""
    shutil.copytree(SAVED, folder)
    artifact = Artifact(
        name=folder.name,
        base=Base(source=str(base), revision=None, weights_sha256=None),
        recipe="trial.yml",
        recipe_sha256="0" * 64,
        data_sha256={},
        weights_sha256=hash_weights(folder),
        template_sha256=sha256_file(folder / "chat_template.jinja"),
        tokenizer_sha256="0" * 64,
        versions={},
        metrics={},
        tokens=None if folder == base else TrainedTokens(pairs=560, same=559, cut=1, limit=256),
        outcome=() if folder == base else ("The training learned nothing.", "  On its own pairs: accuracy 50%."),
        prompts=str(prompts),
        created_at=utc_seconds(),
        inputs_sha256="0" * 64,
    )
    write_artifact(folder, artifact)


def trial_models(parent: Path) -> Path:
    """A folder of models with what `make train` of a recipe called trial leaves."""
    folder = parent / "models"
    prompts = parent / "prompts.csv"
    prompts.write_text(PROMPTS)
    for name in ("trial-base", "trial"):
        _model(folder / name, folder / "trial-base", prompts)
    (folder / "trial" / "training.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return trial_models(tmp_path)


def _change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def _words(models: Path, env: Path | str) -> list[str]:
    """The command line of an evaluation whose servers run in `env`."""
    words = ["eval", "--recipe", "trial", "--run", "first", "--headless", "--engine", "embedded", "--max-tokens", "24"]
    folders = {"--models": models, "--reports": models.parent / "reports", "--train-env": env}
    return [*words, *(word for name, folder in folders.items() for word in (name, str(folder)))]


def evaluate(models: Path, env: Path | str, *more: str) -> subprocess.CompletedProcess[str]:
    return blindside(*_words(models, env), *more, cwd=models.parent)


@pytest.mark.train
def test_what_was_proved_stands_in_the_run_and_its_report(models: Path, warm: Path) -> None:
    done = evaluate(models, warm.parents[1])
    assert done.returncode == 0, done.stdout + done.stderr
    run = open_run(models.parent / "reports", "first")
    assert set(run.info.checks.parity) == {"base", "tuned"}
    assert all(side.passed and not side.forced for side in run.info.checks.parity.values())
    assert {side.flipped for side in run.info.checks.determinism.values()} == {0}
    write_report(run)
    text = (run.report_folder / "report.md").read_text()
    # Both sides serve the same weights here, so which of them answers can't be told, and that is said.
    assert "Base: 7 of 8 parity checks passed in float32, not checked: weights; 0 of 5 answers changed" in text
    assert FORCED not in text
    for made in (text, (run.report_folder / "report.html").read_text()):
        assert TOKENS in made
        assert ("data:image/svg+xml;base64," in made) == made.startswith("<!")
        assert "Tuned: The training learned nothing. On its own pairs: accuracy 50%." in made
        assert "Base: trained tokens" not in made


@pytest.mark.train
def test_a_server_that_does_not_end_as_trained_stops_the_run_with_3_unless_forced(models: Path, warm: Path) -> None:
    # An integer is read by transformers and ignored by TGI, which then knows the tokenizer's end token only.
    _change(models / "trial" / "generation_config.json", eos_token_id=1023)
    _change(models / "trial" / "tokenizer_config.json", eos_token="<|endoftext|>")
    stopped = evaluate(models, warm.parents[1])
    assert stopped.returncode == 3, stopped.stdout + stopped.stderr
    assert "tuned: end of turn" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    run = open_run(models.parent / "reports", "first")
    assert not run.responses_path.exists()
    assert not run.info.checks.parity["tuned"].passed

    forced = evaluate(models, warm.parents[1], "--force")
    assert forced.returncode == 0, forced.stdout + forced.stderr
    run = open_run(models.parent / "reports", "first")
    assert run.info.checks.parity["tuned"].forced
    assert not run.info.checks.parity["base"].forced
    write_report(run)
    text = (run.report_folder / "report.md").read_text()
    assert FORCED in text
    assert "FAILED: end of turn (continued by --force)" in text


@pytest.mark.train
def test_servers_that_run_elsewhere_are_proved_too_and_swapped_ones_are_told(models: Path, warm: Path) -> None:
    sides = [Model("base", str(models / "trial-base")), Model("tuned", str(models / "trial"))]
    with EmbeddedStack(sides, python=warm, logs=models.parent / "logs") as servers:
        base, tuned = servers.urls["base"], servers.urls["tuned"]
        done = evaluate(models, warm.parents[1], "--base-url", base, "--tuned-url", tuned, "--dtype", "float32")
        assert done.returncode == 0, done.stdout + done.stderr
        swapped = blindside(
            *("parity", "--recipe", "trial", "--dtype", "float32", "--models", str(models)),
            *("--base-url", tuned, "--tuned-url", base, "--train-env", str(warm.parents[1])),
            cwd=models.parent,
        )
    run = open_run(models.parent / "reports", "first")
    assert run.info.models["tuned"].url == tuned
    assert "transformers" not in run.info.engine
    assert "embedded" in run.info.engine
    assert run.info.counts["answered"] == 12
    assert swapped.returncode == 3, swapped.stdout + swapped.stderr
    assert "base: info: FAILED" in swapped.stdout
    assert TOKENS in swapped.stdout


def test_a_parity_check_that_can_prove_nothing_ends_with_3(models: Path) -> None:
    words = ("parity", "--recipe", "trial", "--models", str(models), "--train-env", "none")
    with openai(OpenAi("base")) as base, tgi(Tgi(str(models / "trial"))) as tuned:
        done = blindside(*words, "--base-url", base.url, "--tuned-url", tuned.url, cwd=models.parent)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "base: weights, template and tokens: not checked" in done.stdout
    assert "tuned: tokens: not checked: none/bin/python is missing" in done.stdout
    assert f"nothing could be checked on {base.url} and {tuned.url}: " in done.stderr.splitlines()[-1]
    assert "by transformers" not in done.stdout


@pytest.mark.train
def test_a_server_that_ends_when_all_answers_are_there_cuts_only_the_check_of_determinism(
    models: Path, warm: Path
) -> None:
    command: list[str | Path] = [BLINDSIDE, *_words(models, warm.parents[1])]
    with subprocess.Popen(
        command, cwd=models.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if line.startswith("determinism: asking"):
                os.kill(_server(models / "trial"), signal.SIGKILL)
        told = process.stderr.read().splitlines()
    assert process.returncode == 1, told
    assert told[-1].startswith(
        "blindside: all answers of base and tuned are collected, but the check whether they change when "
        "requested again was interrupted: tuned: the server was ended by signal 9; its log is "
    )
    assert len(open_run(models.parent / "reports", "first").responses_path.read_text().splitlines()) == 12


def _server(folder: Path) -> int:
    """The process that serves this folder."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().decode(errors="replace").split("\0")
            if "compose.embedded" in words and str(folder) in words:
                return int(path.parent.name)
    raise AssertionError(f"nobody serves {folder}")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--engine", "vllm", "--vllm-env", "none"), "run `make env-vllm` first"),
        (("--train-env", "none"), "run `make train` first"),
        (("--engine", "vllm", "--server", "sglang"), "SERVER=sglang is served in Docker"),
        (("--engine", "podman"), "ENGINE=podman is unknown"),
        (("--base-url", "http://127.0.0.1:1"), "both sides need an address"),
    ],
)
def test_what_cannot_be_served_leaves_no_run(models: Path, more: tuple[str, ...], said: str) -> None:
    refused = evaluate(models, ROOT / ".venv-train", *more)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert not (models.parent / "reports" / "first").exists()


def test_the_run_is_named_by_what_it_compares() -> None:
    base = ModelInfo(name="base", source="models/base", weights_sha256="a" * 64)
    tuned = ModelInfo(name="tuned", source="models/tuned", weights_sha256="b" * 64)
    other = tuned.model_copy(update={"weights_sha256": "c" * 64})
    served = tuned.model_copy(update={"url": "http://127.0.0.1:1", "served": {"version": "3"}})
    name = default_name("tiny", {"base": base, "tuned": tuned}, Decoding(), "d" * 64)
    assert name.startswith("tiny-")
    assert name == default_name("tiny", {"base": base, "tuned": served}, Decoding(), "d" * 64)
    assert name != default_name("tiny", {"base": base, "tuned": other}, Decoding(), "d" * 64)
    assert name != default_name("tiny", {"base": base, "tuned": tuned}, Decoding(max_tokens=9), "d" * 64)
    assert name != default_name("tiny", {"base": base, "tuned": tuned}, Decoding(), "e" * 64)
