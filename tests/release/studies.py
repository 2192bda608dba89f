"""Judged runs for the gate: real model folders on disk, checks as they are recorded, verdicts by the store."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.answers import encode, read_answers
from eval.judge.setup.begin import begin_judging
from eval.judge.setup.planning import planned_reviewers
from eval.policy import freeze_policy
from eval.records import SIDES, Mark, Message, Prompt, Side
from eval.run import Run, open_run, start_run
from eval.run_info import Decoding, ModelInfo, PromptSet, RunInfo
from tests.judge.runs import response
from tests.judge.verdicts import verdict_store
from tests.release.judged import write_model
from tests.support import judged
from train.artifact import hash_weights
from train.files import sha256_file

POLICY = "prompts: 30\nreviewers: 2\noverlap: {share: 0.1}\n"


def model(folder: Path, side: Side) -> ModelInfo:
    """A folder as training leaves it, and what run.json says of it."""
    write_model(folder, seed=SIDES.index(side), shards=1)
    return ModelInfo(
        name=folder.name,
        source=str(folder),
        weights_sha256=hash_weights(folder),
        template_sha256=sha256_file(folder / "chat_template.jinja"),
        config_sha256=sha256_file(folder / "config.json"),
        generation_config_sha256=sha256_file(folder / "generation_config.json"),
    )


def study(folder: Path, *, n: int = 60, policy: str = POLICY, **changes: Any) -> Run:
    """A run of `n` pairs over two models, everything checked, its policy fixed before anybody judges."""
    prompts = [
        Prompt(id=f"p{i}", messages=(Message(role="user", content=f"Question {i}?"),), category="ab"[i % 2])
        for i in range(n)
    ]
    checks = {
        "parity": {
            side: {"checks": [{"passed": True, "name": "tokens"}], "forced": False, "dtype": "float32"}
            for side in SIDES
        },
        "determinism": {side: {"asked": 7, "flipped": 0} for side in SIDES},
    }
    info = RunInfo(
        run="study",
        models={side: model(folder / "models" / side, side) for side in SIDES},
        engine="embedded",
        decoding=Decoding(),
        prompt_set=PromptSet(source="prompts.jsonl", sha256="d" * 64, asked=n),
        **{"checks": checks, **changes},
    )
    run = start_run(folder / "reports", info, prompts)
    rows = [response(p, side, f"{side} answers {p.id} well") for p in prompts for side in SIDES]
    run.responses_path.write_bytes(encode(rows))
    given = folder / "gate.yml"
    given.write_text(policy)
    (run.folder / "study.json").write_text(json.dumps({"overlap": {"reviewers": 2, "share": 0.2}}))
    return freeze_policy(run, given)


def judge(
    run: Run, shares: float | Sequence[float], *, seed: int = 1, reviewers: Sequence[str] = ("ann", "bob")
) -> Run:
    """Everybody planned judges every pair; tuned wins with this chance. What a judging server fixes is fixed."""
    begin_judging(run)
    run = open_run(run.folder.parent, run.name)
    answers = read_answers(run.responses_path)
    chance, plan, store = random.Random(seed), planned_reviewers(run, answers), verdict_store(run)
    pairs = answers.pairs(run.prompts())
    for number, pair in enumerate(pairs):
        share = shares if isinstance(shares, float) else shares[number]
        for reviewer in range(plan.get(pair.prompt_id, 0)):
            outcome: Mark = "tuned" if chance.random() < share else "base"
            name = reviewers[(number + reviewer) % len(reviewers)]
            row = judged(run, pair, outcome=outcome)
            store.append(row.model_copy(update={"reviewer": name, "left": chance.choice(SIDES), "seconds": 4.0}))
    return run
