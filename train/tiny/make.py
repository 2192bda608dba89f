"""The tiny recipe from nothing: world, random model, SFT to the base, DPO to the tuned, held-out figures."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path

from blindside.places import made_by
from train.artifact import Artifact
from train.data import Say
from train.errors import LaunchError
from train.files import sha256_file, sha256_json, write_atomic
from train.job import Job
from train.launch import ROOT, environment, meaningful_lines, run
from train.pipeline import make_model
from train.progress import Progress
from train.recipe import RECIPES, Recipe, read_recipe
from train.tiny.score import score
from train.tiny.world import PROMPTS, pair_rows, sft_rows, to_jsonl

SFT, DPO = RECIPES / "tiny-sft.yml", RECIPES / "tiny.yml"
BASE, TUNED = "tiny-base", "tiny"


def train_tiny(models: Path, env: Path, work: Path, *, force: bool, say: Say) -> Artifact:
    """models/tiny-base and models/tiny, each trained only where it is missing or its inputs changed."""
    base = train_base(models, env, work, force=force, say=say)
    tuned, trained = make_model(_job(DPO, TUNED, models, env, work, None), force=force, say=say)
    if trained or tuned.metrics.get("heldout_n"):
        say(figures_line(base, tuned))
    return tuned


def train_base(models: Path, env: Path, work: Path, *, force: bool, say: Say) -> Artifact:
    """The world in `work` and models/tiny-base, where they are missing or their inputs changed."""
    seed = _seed_hash()
    _make_world(work, env, seed, say)
    return make_model(_job(SFT, BASE, models, env, work, seed), force=force, say=say)[0]


def figures_line(base: Artifact, tuned: Artifact) -> str:
    """What both models make of the held-out questions, in a sentence."""
    b, t = base.metrics, tuned.metrics
    shorter = 1 - t["heldout_words"] / b["heldout_words"]
    return (
        f"held out, {t['heldout_n']:.0f} questions: base {b['heldout_right']:.1%} right in "
        f"{b['heldout_words']:.1f} words, tuned {t['heldout_right']:.1%} right in {t['heldout_words']:.1f} words, "
        f"{shorter:.0%} shorter"
    )


def _seed_hash() -> str:
    """Of what makes the world and the random model."""
    here = Path(__file__).parent
    data = (to_jsonl(sft_rows()), to_jsonl(pair_rows()))
    return sha256_json([sha256_file(here / "blank.py"), *data])


def _make_world(work: Path, env: Path, seed: str, say: Say) -> None:
    done = work / "world.sha256"
    if done.exists() and done.read_text(encoding="utf-8") == seed:
        return
    if not (env / "bin" / "python").exists():
        raise LaunchError(f"there is no train environment in {env}; {made_by(env)}")
    say("Making the small world: questions, preference pairs, a tokenizer and a model of random weights")
    python = str((env / "bin" / "python").absolute())
    log = work / "train.log"
    command = [python, "-m", "train.tiny.blank", str(work.absolute())]
    status = run(command, environment(env, offline=True), log, Progress("tiny, world"), ROOT)
    if status != 0:
        raise LaunchError(
            f"the tiny model could not be made; the full log is {log}", tail=meaningful_lines(log), log=log
        )
    write_atomic(done, seed)


def _job(path: Path, name: str, models: Path, env: Path, work: Path, base_key: str | None) -> Job:
    return Job(
        recipe=placed(path, models, work),
        name=name,
        models=models,
        work=work,
        env=env,
        base_key=base_key,
        prompts=PROMPTS,
        measure=lambda folder: _measure(folder, env, work / f"heldout-{name}.json"),
    )


def placed(path: Path, models: Path, work: Path) -> Recipe:
    """The recipe with its paths under `models`, wherever that is."""
    recipe = read_recipe(path)
    if models.resolve() == ROOT / "models":
        return recipe

    def moved(said: str) -> str:
        return str(models.absolute() / Path(said).relative_to("models"))

    config = {**recipe.config, "base_model": moved(recipe.base_model), "output_dir": moved(str(recipe.output_dir))}
    config["datasets"] = [{**entry, "path": moved(entry["path"])} for entry in recipe.config["datasets"]]
    placed = recipe.derive(work / f"{recipe.name}.placed.yml", **config)
    return Recipe(recipe.name, path, placed.config, placed.datasets)


def _measure(folder: Path, env: Path, keep: Path) -> dict[str, float]:
    """Ask the held-out questions, keep the answers in `keep`, and return the figures as heldout_…"""
    answers = answer(folder, env)
    write_atomic(keep, json.dumps(answers))
    return {f"heldout_{name}": float(value) for name, value in asdict(score(answers)).items()}


def answer(folder: Path, env: Path) -> list[tuple[str, bool]]:
    """The greedy answers of a model folder to the evaluation prompts, in their order. Raises LaunchError."""
    command = [str((env / "bin" / "python").absolute()), "-m", "train.tiny.answers", str(folder.absolute())]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(env, offline=True))
    if done.returncode != 0:
        raise LaunchError(f"{folder} does not answer", tail=done.stderr.strip().splitlines()[-5:])
    return [(text, finished) for text, finished in json.loads(done.stdout.strip().splitlines()[-1])]
