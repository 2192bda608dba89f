"""Test equipment: prompt sets and runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from eval.collect.collect_options import CollectOptions, CollectSummary
from eval.collect.collector import collect
from eval.collect.engines.connect import Address
from eval.collect.new_run import start_collected_run
from eval.collect.prompts.prompt_set import load_prompts
from eval.records import Side
from eval.run import Run
from eval.run_info import Decoding
from tests.collect.servers import Tgi

#: Tries that follow each other at once, and a request that may take a second.
FAST = CollectOptions(
    concurrency=4, timeout=1.0, attempts=3, first_wait=0.001, longest_wait=0.01, patience=0.2, check_every=0.01
)


def prompt_file(folder: Path, count: int) -> Path:
    path = folder / "prompts.jsonl"
    rows = [{"id": f"p{n}", "prompt": f"Question {n}?", "category": "facts"} for n in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def urls_of(base: Tgi, tuned: Tgi) -> dict[Side, str]:
    return {"base": base.url, "tuned": tuned.url}


def new_run(folder: Path, urls: Mapping[Side, Address], count: int = 3, max_tokens: int = 64) -> Run:
    loaded = load_prompts(str(prompt_file(folder, count)))
    return start_collected_run(
        folder / "reports", "first", loaded=loaded, decoding=Decoding(max_tokens=max_tokens), urls=urls
    )


def gather(run: Run, urls: Mapping[Side, Address], options: CollectOptions = FAST) -> tuple[CollectSummary, list[str]]:
    """The summary of a collection, and what it said."""
    said: list[str] = []
    return collect(run, urls, options=options, say=said.append), said
