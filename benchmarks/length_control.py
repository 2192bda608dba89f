"""The win rate at equal length, ours beside the figures that AlpacaEval 2 published for the same annotations.

    .venv/bin/python -m benchmarks.length_control ALPACA_EVAL [MODEL ...]

ALPACA_EVAL is a checkout of AlpacaEval's repository, with results/<model>/weighted_alpaca_eval_gpt4_turbo. Their
difficulty of each instruction and their ridge penalty are left out here, as docs/statistics.md says.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.metric import with_interval
from eval.evidence.reviewers.bias import EITHER_SIDE, _controlled

ANNOTATOR = "weighted_alpaca_eval_gpt4_turbo"
LEADERBOARD = f"src/alpaca_eval/leaderboards/data_AlpacaEval_2/{ANNOTATOR}_leaderboard.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("models", nargs="*")
    options = parser.parse_args()
    with (options.checkout / LEADERBOARD).open(newline="") as file:
        published = {row[""]: row for row in csv.DictReader(file)}
    for path in sorted((options.checkout / "results").glob(f"*/{ANNOTATOR}/annotations.json")):
        name = path.parts[-3]
        if name in published and (not options.models or name in options.models):
            compare(name, path, published[name])


def compare(name: str, path: Path, theirs: dict[str, str]) -> None:
    """One line: raw, ours at equal length, theirs, and the share of longer and of shorter answers."""
    score, ratio = read(path)
    longer, shorter = float((ratio >= 0).mean()), float((ratio <= 0).mean())
    ours = with_interval(_controlled(score, ratio)[0])
    refused = "insufficient: " if min(longer, shorter) < EITHER_SIDE else ""
    official = float(theirs["length_controlled_winrate"])
    print(
        f"{name:44} raw {score.mean():6.1%}  {refused}{ours}  AlpacaEval {official:.1f}%  "
        f"as long or longer {longer:.0%}, shorter {shorter:.0%}"
    )


def read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Preference for the model in [0, 1], and the log-ratio of characters, both of shape (instructions,)."""
    rows = [row for row in json.loads(path.read_text()) if row["preference"] is not None]
    score = np.array([row["preference"] - 1 for row in rows], dtype=np.float64)
    lengths = np.array([[len(row["output_1"]), len(row["output_2"])] for row in rows]) + 1.0
    return np.clip(score, 0, 1), np.asarray(np.log(lengths[:, 1] / lengths[:, 0]), dtype=np.float64)


if __name__ == "__main__":
    main()
