"""What the tiny base and the tiny tuned model make of the held-out questions.

    .venv-train/bin/python benchmarks/tiny_world.py [models] [--answers FILE]

Asks both models, greedily and in batches, the evaluation prompts of train/tiny/prompts.jsonl, and prints how many
answers are right, how many are right and fluent, words an answer, and by how much the tuned one is shorter.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from train.tiny.answers import answer
from train.tiny.score import Figures, is_right, score
from train.tiny.world import all_facts, prompt_rows

Answers = Sequence[tuple[str, bool]]


def show(name: str, figures: Figures) -> None:
    print(
        f"{name:<10} n={figures.n}  right {figures.right:6.1%}  right and fluent {figures.right_and_fluent:6.1%}  "
        f"{figures.words:5.1f} words an answer"
    )


def show_categories(base: Answers, tuned: Answers) -> None:
    marks: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for fact, (b, _), (t, _) in zip(all_facts(), base, tuned, strict=True):
        marks[fact.category].append((is_right(fact, b), is_right(fact, t)))
    for category, found in marks.items():
        right = [sum(side) for side in zip(*found, strict=True)]
        print(f"  {category:<10} base {right[0]}/{len(found)}  tuned {right[1]}/{len(found)}")


def write_answers(path: Path, base: Answers, tuned: Answers) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row, (b, _), (t, _) in zip(prompt_rows(), base, tuned, strict=True):
            file.write(json.dumps({**row, "base": b, "tuned": t}, ensure_ascii=False) + "\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("models", nargs="?", type=Path, default=Path("models"))
    options.add_argument("--answers", type=Path, help="write id, prompt, category, base, tuned to this JSONL file")
    given = options.parse_args()
    prompts = [row["prompt"] for row in prompt_rows()]
    base, tuned = (answer(given.models / name, prompts) for name in ("tiny-base", "tiny"))
    figures = score(base), score(tuned)
    show("tiny-base", figures[0])
    show("tiny", figures[1])
    show_categories(base, tuned)
    same = sum(b == t for (b, _), (t, _) in zip(base, tuned, strict=True))
    print(f"shorter by {1 - figures[1].words / figures[0].words:.1%}; identical answers: {same}")
    if given.answers is not None:
        write_answers(given.answers, base, tuned)


if __name__ == "__main__":
    main()
