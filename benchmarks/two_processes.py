"""One training in two processes on the CPU against the same in one: margins, losses, and the largest differences.

    .venv/bin/python -m benchmarks.two_processes [--steps 70] [--base models/tiny-base]

Both train the tiny recipe's DPO on the tiny world's pairs with a global batch of 8, started as `make train` starts
them: the second one by `LAUNCHER=torchrun NPROC=2`. Each process averages a loss over its own tokens, so losses differ
a little.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from blindside.places import workspace
from train.launch import environment
from train.recipe import RECIPES

ENV = workspace() / ".venv-train"
MARGIN, LOSS = "margin", "loss"
LAUNCHES = {"one process": ({}, 8), "two processes": ({"LAUNCHER": "torchrun", "NPROC": "2"}, 4)}
TRAIN = """
import sys
from pathlib import Path
from train.stage import train
train(sys.argv[1], models=Path(sys.argv[2]), env=Path(sys.argv[3]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=70)
    parser.add_argument("--base", type=Path, default=workspace() / "models" / "tiny-base")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = compare(Path(folder), asked.base, asked.steps)
    for name in (MARGIN, LOSS):
        one, two = (curve(rows, name) for rows in found)
        largest, mean = differences(one, two)
        print(f"{name}: {len(one)} steps, largest difference {largest:.3%} of the curve's mean, on average {mean:.3%}")


def compare(folder: Path, base: Path, steps: int) -> list[list[dict[str, str]]]:
    """The rows of training.csv of each launch."""
    subprocess.run(
        [str(ENV / "bin" / "python"), "-m", "train.tiny.blank", str(folder / "world")],
        check=True, capture_output=True, env=environment(ENV, offline=True),
    )  # fmt: skip
    return [train(folder / name.split()[0], folder / "world", base, steps, *LAUNCHES[name]) for name in LAUNCHES]


def train(folder: Path, world: Path, base: Path, steps: int, dials: dict[str, str], size: int) -> list[dict[str, str]]:
    config = yaml.safe_load((RECIPES / "tiny.yml").read_text(encoding="utf-8"))
    config["datasets"][0]["path"] = str(world / "pairs.jsonl")
    config |= {"base_model": str(base.absolute()), "output_dir": str(folder / "output"), "micro_batch_size": size}
    config |= {"num_epochs": 1, "max_steps": steps, "logging_steps": 1, "val_set_size": 0}
    folder.mkdir()
    (folder / "mine.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-c", TRAIN, str(folder / "mine.yml"), str(folder / "models"), str(ENV)]
    subprocess.run(command, check=True, env=os.environ | dials)
    with (folder / "models" / "mine" / "training.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def curve(rows: list[dict[str, str]], name: str) -> list[float]:
    return [float(row[name]) for row in rows if row.get(name)]


def differences(one: list[float], two: list[float]) -> tuple[float, float]:
    """The largest and the mean difference, as shares of the first curve's mean size."""
    assert len(one) == len(two), (len(one), len(two))
    size = sum(map(abs, one)) / len(one)
    apart = [abs(a - b) / size for a, b in zip(one, two, strict=True)]
    return max(apart), sum(apart) / len(apart)


if __name__ == "__main__":
    main()
