"""A run that was trained, judged and decided, as files: model folders, a recipe, verdicts, a decision to release."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from eval.answers import encode, read_answers
from eval.journal import Journal
from eval.judge.store.side_files import Skip, append_skip
from eval.policy import freeze_policy
from eval.records import utc_now
from eval.release.gate.decision import Decision, Headline, Outcome, RuleResult, write_decision
from eval.release.gate.stale import hash_inputs
from eval.report.write_report import write_report
from eval.run import Run, start_run
from eval.run_info import Decoding, ModelInfo, PromptSet, RunInfo
from tests.judge.runs import prompt, response
from tests.judge.verdicts import verdict_store
from tests.support import judged
from train.artifact import Artifact, Base, hash_weights, write_artifact
from train.files import sha256_file
from train.token_check import TrainedTokens

REVIEWERS = ("Ann Lee", "bob", "Zoë", "=cmd|x")
SECRET_COMMENT = "Ann Lee told me that this one is tuned"


@dataclass(frozen=True)
class Project:
    """Where everything lies, below one folder whose name must never go out."""

    home: Path
    run: Run

    @property
    def tuned(self) -> Path:
        return self.home / "models" / "tuned"


def make_project(home: Path, *, shards: int = 2, outcome: Outcome = "release", base_on_hub: bool = False) -> Project:
    """The run `trial` over eight prompts."""
    base = write_model(home / "models" / "base", seed=1, shards=1)
    tuned = write_model(home / "models" / "tuned", seed=2, shards=shards)
    (base / "LICENSE").write_text("                 Apache License\n           Version 2.0, January 2004\n")
    recipe = home / "recipes" / "ours.yml"
    recipe.parent.mkdir()
    recipe.write_text(f"base_model: {base}\nrl: dpo\noutput_dir: {home}/out\n")
    write_artifact(tuned, artifact(tuned, base, recipe, base_on_hub=base_on_hub))
    run = _run(home, base, tuned)
    run = freeze_policy(run)
    write_verdicts(run)
    write_report(run)
    write_decision(run.folder, decision(run, outcome))
    return Project(home, run)


def write_model(folder: Path, *, seed: int, shards: int) -> Path:
    """A model folder with `shards` safetensors of 300 kB, and beside it what must stay at home."""
    folder.mkdir(parents=True)
    noise = random.Random(seed)
    names = [f"model-{n:05}-of-{shards:05}.safetensors" for n in range(1, shards + 1)] if shards > 1 else None
    for name in names or ["model.safetensors"]:
        (folder / name).write_bytes(noise.randbytes(300_000))
    if names:
        (folder / "model.safetensors.index.json").write_text('{"weight_map": {}}')
    for name in ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text(json.dumps({"of": name, "seed": seed}))
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    for name in ("training_args.bin", "optimizer.pt", "debug.log", "training_prompts.txt", "events.out.tfevents.1"):
        (folder / name).write_bytes(b"stays at home")
    (folder / "checkpoint-10").mkdir()
    (folder / "checkpoint-10" / "model.safetensors").write_bytes(b"stays at home")
    return folder


def artifact(tuned: Path, base: Path, recipe: Path, *, base_on_hub: bool) -> Artifact:
    origin = Base(source="owner/big-base", revision="a" * 40) if base_on_hub else None
    return Artifact(
        name="ours",
        base=origin or Base(source=str(base), weights_sha256=hash_weights(base)),
        recipe=str(recipe),
        recipe_sha256=sha256_file(recipe),
        data_sha256={"owner/pairs": "hub:main", str(recipe.parent / "own_pairs.jsonl"): "e" * 64},
        weights_sha256=hash_weights(tuned),
        template_sha256=sha256_file(tuned / "chat_template.jinja"),
        tokenizer_sha256=sha256_file(tuned / "tokenizer.json"),
        versions={"axolotl": "0.19.0"},
        metrics={"rewards/accuracies": 0.75},
        tokens=TrainedTokens(pairs=1234, same=1230, too_long=4),
        created_at="2026-01-31T12:00:00Z",
        inputs_sha256="f" * 64,
    )


def _run(home: Path, base: Path, tuned: Path) -> Run:
    prompts = [prompt(n) for n in range(8)]
    info = RunInfo(
        run="trial",
        models={"base": _side("zebra", base), "tuned": _side("quagga", tuned)},
        engine=f"embedded 0.1.0 at http://10.1.2.3:8080 from {home}/engine",
        decoding=Decoding(),
        prompt_set=PromptSet(source=str(home / "prompts" / "asked.jsonl"), sha256="d" * 64, asked=len(prompts)),
        versions={"blindside": "0.1.0"},
    )
    run = start_run(home / "reports", info, prompts)
    rows = [response(p, side, f"{side} answer {i}") for i, p in enumerate(prompts) for side in ("base", "tuned")]
    Journal(run.responses_path).append(encode(rows))
    return run


def _side(name: str, folder: Path) -> ModelInfo:
    return ModelInfo(
        name=name,
        source=str(folder),
        weights_sha256=hash_weights(folder),
        template_sha256=sha256_file(folder / "chat_template.jinja"),
        config_sha256=sha256_file(folder / "config.json"),
        generation_config_sha256=sha256_file(folder / "generation_config.json"),
        url="http://10.1.2.3:8080",
        served={"model_id": str(folder), "version": "0.1.0"},
    )


def write_verdicts(run: Run) -> None:
    """Every reviewer judges every prompt; one writes a comment that names another."""
    store = verdict_store(run)
    for pair in read_answers(run.responses_path).pairs(run.prompts()):
        for number, reviewer in enumerate(REVIEWERS):
            said = SECRET_COMMENT if number == 1 else ""
            store.append(judged(run, pair).model_copy(update={"reviewer": reviewer, "comment": said}))
    append_skip(run, Skip(run=run.name, item=pair.prompt_id, reviewer="Zoë", kind="judgement", skipped_at=utc_now()))


def decision(run: Run, outcome: Outcome = "release") -> Decision:
    """As the gate writes it."""
    return Decision(
        run=run.name,
        decision=outcome,
        reasons=() if outcome == "release" else ("prompts: 8",),
        rules=(RuleResult(name="prompts", asked="at least 8", found="8, without Ann Lee 8", status="pass"),),
        headline=Headline(
            win_rate=0.625, low=0.54321, high=0.7, prompts=8, judgements=32, reviewers=4, agreement=0.31, both_bad=0.0
        ),
        bound=hash_inputs(run),
        policy_sha256=run.info.policy_sha256,
        decided_at="2026-02-01T12:00:00.000Z",
        extra={"without": {"bob": 0.61}},
    )
