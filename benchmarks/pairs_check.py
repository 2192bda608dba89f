"""`blindside pairs check` on 100,000 pairs: seconds, rows a second, and the most memory that it took.

    .venv/bin/python -m benchmarks.pairs_check [--rows 100000] [--recipe tiny]

The pairs are made up: 20 to 120 words a text out of 5,000, 1% repeated, 1% repeated with one word changed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import tempfile
import time
from pathlib import Path

from train.pairs.survey.run import check_pairs
from train.recipe import find_recipe, read_recipe

_SYLLABLES = [a + b for a in "bdfghklmnprst" for b in ("a", "e", "i", "o", "u", "an", "el", "or")]


def write_rows(path: Path, count: int) -> None:
    chance = random.Random(7)
    words = sorted({"".join(chance.choices(_SYLLABLES, k=chance.randint(1, 3))) for _ in range(6000)})[:5000]

    def text(least: int, most: int) -> str:
        return " ".join(chance.choices(words, k=chance.randint(least, most)))

    row: list[str] = []
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            if number % 100 == 1:
                row = [row[0], row[1], f"{row[2]} indeed"]
            elif number % 100 != 2 or not row:
                row = [text(20, 60), text(20, 120), text(20, 120)]
            question, chosen, rejected = row
            turn = {"role": "user", "content": question}
            answers = {
                "chosen": {"role": "assistant", "content": chosen},
                "rejected": {"role": "assistant", "content": rejected},
            }
            file.write(json.dumps({"messages": [turn], **answers}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--recipe", default="", help="count tokens with its tokenizer as well")
    asked = parser.parse_args()
    recipe = read_recipe(find_recipe(asked.recipe)) if asked.recipe else None
    with tempfile.TemporaryDirectory() as folder:
        if recipe:  # the tiny model's own 256 tokens would make every pair too long
            recipe = recipe.derive(Path(folder) / "recipe.yml", sequence_len=2048)
        path = Path(folder) / "pairs.jsonl"
        write_rows(path, asked.rows)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, cpu = time.perf_counter(), os.times()
        evaluation = [
            [{"role": "user", "content": f"What is question {n} of the evaluation about?"}] for n in range(500)
        ]
        check_pairs(path, recipe=recipe, evaluation=evaluation)
        seconds, after = time.perf_counter() - began, os.times()
        megabytes = path.stat().st_size / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counted = f", tokens by {asked.recipe}'s tokenizer" if recipe else ""
    print(
        f"{asked.rows:,} pairs ({megabytes:.0f} MB{counted}): {seconds:.1f} s, {asked.rows / seconds:,.0f} a second; "
        f"CPU {after.user - cpu.user:.1f} s here, {after.children_user - cpu.children_user:.1f} s counting tokens; "
        f"most memory {most / 1024:.0f} MB, {(most - before) / 1024:.0f} MB of it for the check"
    )


if __name__ == "__main__":
    main()
