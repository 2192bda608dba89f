"""A collection on four replicas a side, and the look at its answers: neither holds them, however many they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.large_collection import served
from eval.answers import read_answered_keys, read_answers
from eval.records import SIDES
from eval.run import open_run
from tests.peak import measured

PROMPTS, LENGTH = 1000, 60_000
COLLECT = """
import json, sys
from pathlib import Path
from eval.collect.collector import collect
from eval.collect.collect_options import CollectOptions
from eval.collect.new_run import start_collected_run
from eval.collect.prompts.prompt_set import load_prompts
from eval.run_info import Decoding

folder, urls = Path(sys.argv[1]), json.loads(sys.argv[2])
loaded = load_prompts(str(folder / "prompts.jsonl"), limit=int(sys.argv[3]))
run = start_collected_run(folder, sys.argv[3], loaded=loaded, decoding=Decoding(max_tokens=64), urls=urls)
collect(run, urls, options=CollectOptions(concurrency=8), say=lambda line: None)
"""
LOOK = """
import sys
from pathlib import Path
from eval.cli.collecting.prove_and_collect import print_answer_notes
from eval.run import open_run
print_answer_notes(open_run(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.slow
def test_answers_of_120_megabytes_are_not_held(tmp_path: Path) -> None:
    rows = "".join(json.dumps({"prompt": f"Question {number}?"}) + "\n" for number in range(PROMPTS))
    (tmp_path / "prompts.jsonl").write_text(rows, encoding="utf-8")
    with served("x" * LENGTH, 0.0) as urls:
        asked = json.dumps(dict.fromkeys(SIDES, urls))
        few, many = (measured([sys.executable, "-c", COLLECT, tmp_path, asked, str(count)]) for count in (20, PROMPTS))
    assert (few.code, many.code) == (0, 0), many.err[-1000:]
    run = open_run(tmp_path, str(PROMPTS))
    assert run.responses_path.stat().st_size > 2 * PROMPTS * LENGTH
    assert read_answers(run.responses_path).missing(run.prompts()) == []
    assert read_answered_keys(run.responses_path).count == 2 * PROMPTS
    assert len((run.info.models["base"].url or "").split()) == 4
    assert many.megabytes < few.megabytes + 30
    few, many = (measured([sys.executable, "-c", LOOK, tmp_path, str(count)]) for count in (20, PROMPTS))
    assert f"base: {PROMPTS:,} answers, 0 cut, 0 empty, {PROMPTS} repeating" in many.out
    assert many.megabytes < few.megabytes + 60
