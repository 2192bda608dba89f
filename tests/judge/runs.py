"""Small real runs for the tests of the judging page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.answers import encode
from eval.journal import Journal
from eval.judge.setup.keyfile import KEY_FILE
from eval.records import Message, Prompt, Response, Side, sha256_text, utc_now
from eval.run import Run, start_run
from eval.run_info import Decoding, ModelInfo, PromptSet, RunInfo

#: Names that must never reach a browser.
BASE_NAME = "zebrabase-7b"
TUNED_NAME = "quaggatuned-7b"

#: For tests that measure what comes by chance: the same is measured again.
FIXED_KEY = bytes([7]) * 32

Answers = Sequence[tuple[str, str]]


def prompt(number: int, question: str = "", *, category: str = "colours") -> Prompt:
    text = question or f"Question {number}: what colour is thing {number}?"
    return Prompt(id=f"hidden-item-{number:04d}", messages=(Message(role="user", content=text),), category=category)


def response(asked: Prompt, side: Side, text: str, *, finish_reason: str = "eos_token") -> Response:
    return Response(
        prompt_id=asked.id,
        side=side,
        messages=asked.messages,
        category=asked.category,
        text=text,
        finish_reason=finish_reason,
        latency=0.123456789 if side == "base" else 9.87654321,
        sha256=sha256_text(text),
        answered_at=utc_now(),
    )


def make_run(folder: Path, *, n: int = 12, answers: Answers | None = None, name: str = "trial") -> Run:
    """A run of `n` pairs whose answers tell their prompt and their side, or of the given (base, tuned) answers."""
    if answers is None:
        answers = [(f"Long reply {i}, with words.", f"Short reply {i}.") for i in range(n)]
    prompts = [prompt(i) for i in range(len(answers))]
    rows = [
        row
        for asked, (base, tuned) in zip(prompts, answers, strict=True)
        for row in (response(asked, "base", base), response(asked, "tuned", tuned))
    ]
    return make_run_of(folder, prompts, rows, name=name)


def make_run_of(folder: Path, prompts: Sequence[Prompt], rows: Sequence[Response], *, name: str = "trial") -> Run:
    """A run of these prompts and answers."""
    info = RunInfo(
        run=name,
        models={
            "base": ModelInfo(name=BASE_NAME, source=f"local/{BASE_NAME}", weights_sha256="b" * 64),
            "tuned": ModelInfo(name=TUNED_NAME, source=f"local/{TUNED_NAME}", weights_sha256="c" * 64),
        },
        engine="embedded",
        decoding=Decoding(),
        prompt_set=PromptSet(source="written for the test", sha256="d" * 64, asked=len(prompts)),
    )
    run = start_run(folder / "reports", info, prompts)
    if rows:
        Journal(run.responses_path).append(encode(rows))
    return run


def with_key(run: Run, key: bytes = FIXED_KEY) -> Run:
    """The run with a key that was there before judging begins."""
    path = run.folder / KEY_FILE
    path.touch(0o600)
    path.write_text(key.hex() + "\n")
    return run
