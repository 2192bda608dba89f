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
from statistics import mean

import yaml

from blindside.places import workspace
from train.launch import environment
from train.recipe import RECIPES

ENV = workspace() / ".venv-train"
MARGIN, LOSS = "margin", "loss"
#: Below it a loss is so small that a share of it says nothing.
SMALL = 0.05
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
    for name, least in ((MARGIN, 0.0), (LOSS, SMALL)):
        one, two = (curve(rows, name) for rows in found)
        tell(name, one, two, least)


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


def tell(name: str, one: list[float], two: list[float], least: float) -> None:
    """Differences as they are, as shares of the curve's mean size, and step by step where a figure is above `least`."""
    apart = [abs(a - b) for a, b in zip(one, two, strict=True)]
    size = sum(map(abs, one)) / len(one)
    shares = sorted((gap / abs(a), a) for gap, a in zip(apart, one, strict=True) if abs(a) > least)
    print(f"{name}: {len(one)} steps, from {one[0]:.4g} to {one[-1]:.4g}, mean {size:.4g}")
    print(f"  difference: at most {max(apart):.4g} ({max(apart) / size:.2%} of the mean), on average {mean(apart):.4g}")
    (worst, there), middle = shares[-1], shares[len(shares) // 2][0]
    print(
        f"  of each step's own, {len(shares)} above {least}: median {middle:.2%}, at most {worst:.2%}, of {there:.4g}"
    )


if __name__ == "__main__":
    main()
