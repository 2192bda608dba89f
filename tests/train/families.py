"""The families that a real TGI 3.3.7 served (tests/data/families): what it answered, and what transformers says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support import ROOT
from train.launch import environment

FAMILIES = ROOT / "tests" / "data" / "families"
#: Two implementations in float32 on log-probabilities of some units.
CLOSE = 2e-5


def exchanges(family: str, group: str, variant: str, launch: str = "fp32") -> list[dict[str, Any]]:
    """The recorded exchanges of one kind, in their order."""
    lines = (FAMILIES / family / "exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    wanted = {"group": group, "variant": variant, "launch": launch}
    found = [json.loads(line) for line in lines]
    return [one for one in found if wanted.items() <= one.items()]


def recorded_prompts(family: str, variant: str) -> list[tuple[list[int], list[float]]]:
    """Token ids of each text that the real server was asked, and the log-probabilities from the second on."""
    prefills = [one["response"]["body"]["details"]["prefill"] for one in exchanges(family, "prompt_logprobs", variant)]
    return [([one["id"] for one in many], [one["logprob"] for one in many[1:]]) for many in prefills]


def recorded_config(family: str) -> dict[str, Any]:
    """config.json of the variant that the real server read right."""
    config = json.loads((FAMILIES / family / "hf5" / "config.json").read_text(encoding="utf-8"))
    unlike = json.loads((FAMILIES / family / "served.json").read_text(encoding="utf-8"))["unlike_hf5"]["config.json"]
    found: dict[str, Any] = {key: value for key, value in config.items() if key not in unlike["removed"]}
    return found | dict(unlike["set"])


def scores(python: Path, folder: Path, texts: list[list[int]], window: int | None = None) -> list[list[float]]:
    """Log-probabilities that a version of transformers gives, with another sliding window where one is given."""
    asked = {"folder": str(folder), "texts": texts, "window": window}
    done = subprocess.run(
        [str(python), str(Path(__file__).with_name("scores.py"))], input=json.dumps(asked), capture_output=True,
        text=True, cwd=ROOT, env=environment(python.parents[1], offline=True),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found: list[list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def farthest(one: list[list[float]], other: list[list[float]]) -> float:
    """The largest difference between two sets of log-probabilities of the same texts."""
    return max(abs(a - b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


__all__ = [
    "CLOSE",
    "FAMILIES",
    "exchanges",
    "farthest",
    "recorded_config",
    "recorded_prompts",
    "scores",
]
