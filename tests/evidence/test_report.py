"""From files of a run to report/: what is counted, what is left out, and what the files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eval.answers import encode
from eval.errors import InputError
from eval.evidence.build_judgements import read_table
from eval.evidence.judgements import TIE
from eval.records import Mark, Message, Prompt, Response, Side, Verdict, sha256_text, utc_now
from eval.report.write_report import write_report
from eval.run import Run, start_run
from eval.run_info import Decoding, ModelInfo, PromptSet, RunInfo
from tests.judge.verdicts import verdict_store

PROMPTS = [Prompt(id=f"p{n}", messages=(Message(role="user", content=f"What is {n}?"),)) for n in range(12)]


def _response(prompt: Prompt, side: Side) -> Response:
    text = f"{prompt.id} same" if prompt.id == "p11" else f"{prompt.id} {side}"
    return Response(
        prompt_id=prompt.id,
        side=side,
        messages=prompt.messages,
        text=text,
        finish_reason="stop",
        sha256=sha256_text(text),
        answered_at=utc_now(),
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Twelve prompts asked; p10 has one answer only; p11's two answers are the same text."""
    models: dict[Side, ModelInfo] = {
        "base": ModelInfo(name="b|ase", source="models/base", weights_sha256="a" * 64),
        "tuned": ModelInfo(name="tuned", source="models/tuned", weights_sha256="b" * 64),
    }
    info = RunInfo(
        run="trial",
        models=models,
        engine="test",
        decoding=Decoding(max_tokens=8),
        prompt_set=PromptSet(source="prompts.jsonl", sha256="c" * 64, asked=12, duplicates=2, in_training_data=1),
        counts={"failed": 1},
    )
    made = start_run(tmp_path, info, PROMPTS)
    rows = [_response(p, side) for p in PROMPTS for side in ("base", "tuned") if (p.id, side) != ("p10", "tuned")]
    made.responses_path.write_bytes(encode(rows))
    return made


def verdict(number: int, outcome: Mark, **changes: str) -> Verdict:
    item = f"p{number}"
    row: dict[str, Any] = {
        "verdict_id": f"v{number}",
        "run": "trial",
        "item": item,
        "reviewer": "ann",
        "base_sha256": sha256_text(f"{item} base"),
        "tuned_sha256": sha256_text(f"{item} tuned"),
        **changes,
    }
    return Verdict(**row, category="", outcome=outcome, left="base", comment="", seconds=2.5, judged_at=utc_now())


def test_a_report_of_ten_verdicts_says_what_a_hand_count_says(run: Run) -> None:
    store = verdict_store(run)
    outcomes: list[Mark] = [*6 * ("tuned",), *2 * ("base",), "tie", "both_bad"]
    for number, outcome in enumerate(outcomes):
        store.append(verdict(number, outcome))
    summary = write_report(run).summary
    assert summary.win_rate.value == pytest.approx((6 + 0.5) / 9)
    frame = pd.read_csv(run.report_folder / "summary.csv").set_index("metric")
    counts = {name: int(n) for name, n in frame["n"].items()}
    assert counts["prompts asked"] == 12
    assert counts["pairs answered by both"] == 11
    assert counts["identical answers (ties by themselves, not asked)"] == 1
    assert [counts[k] for k in ("tuned wins", "base wins", "ties", "both bad")] == [6, 2, 1, 1]
    assert counts["answers that failed"] == 1
    assert counts["win rate (ties as half)"] == 9
    assert frame.loc["win rate with identical answers as ties", "value"] == pytest.approx(7 / 10)
    assert frame.loc["sign test p-value (exact, two-sided)", "value"] == pytest.approx(0.2891, abs=1e-4)
    bounds = frame[["low95", "high95"]].to_numpy(dtype=float)[0]
    assert bounds[0] < 0.5 < bounds[1]
    text = (run.report_folder / "report.md").read_text()
    assert "72.2% over 9 prompts, 95% interval" in text
    assert "not distinguishable from 50%" in text
    assert "2 duplicates, 1 prompt found in the training data" in text
    assert "b\\|ase" in text


def test_no_verdict_is_insufficient_and_no_zero_percent(run: Run) -> None:
    summary = write_report(run).summary
    assert summary.win_rate.value is None
    text = (run.report_folder / "report.md").read_text()
    assert "No judgement yet" in text
    assert "| win rate (ties as half) | insufficient | insufficient | 0 prompts |" in text
    assert not [line for line in text.splitlines() if "| 0 prompts |" in line and "%" in line]


def test_replaced_and_withdrawn_rows_do_not_count_and_are_counted(run: Run) -> None:
    store = verdict_store(run)
    store.append(verdict(0, "base"))
    store.append(verdict(0, "tie", verdict_id="v0b", replaces="v0"))
    store.append(verdict(1, "tuned"))
    store.append(verdict(1, "withdrawn", verdict_id="v1b", replaces="v1"))
    table, kept = read_table(run)
    assert [row.verdict_id for row in kept] == ["v0b"]
    assert table.outcome.tolist() == [TIE]
    assert table.excluded == {"replaced or withdrawn": 3}


def test_verdicts_on_other_texts_or_unknown_prompts_are_left_out_and_counted(run: Run) -> None:
    store = verdict_store(run)
    store.append(verdict(0, "base"))
    store.append(verdict(1, "base", base_sha256="0" * 64))
    store.append(verdict(10, "base"))
    summary = write_report(run).summary
    assert len(summary.table) == 1
    assert summary.table.excluded == {
        "on answers that have changed since": 1,
        "on a prompt that this run has no pair for": 1,
    }
    text = (run.report_folder / "report.md").read_text()
    assert "| excluded: on answers that have changed since |  |  | 1 row |" in text


def test_an_unknown_label_stops_the_report_with_file_and_line(run: Run) -> None:
    verdict_store(run).append(verdict(0, "base"))
    path = run.verdicts_path
    path.write_text(path.read_text().replace(",base,base,", ",better,base,"))
    with pytest.raises(InputError, match=r"verdicts\.csv:2: outcome: .*'better'"):
        write_report(run)


def test_the_verdicts_in_force_are_written_for_other_programs(run: Run) -> None:
    store = verdict_store(run)
    store.append(verdict(0, "base"))
    store.append(verdict(0, "tie", verdict_id="v0b", replaces="v0"))
    write_report(run)
    assert pd.read_csv(run.report_folder / "verdicts.csv")["verdict_id"].tolist() == ["v0b"]
