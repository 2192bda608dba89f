"""Writes report/: summary.csv for machines, report.md for people, verdicts.csv with one row per judgement in force."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from eval.evidence import checks
from eval.evidence.table import BASE, BOTH_BAD, TIE, TUNED, Table, read_table
from eval.evidence.winrate import (
    Estimate,
    SignTest,
    both_bad_shares,
    prompt_scores,
    sign_test,
    win_rate,
    with_identical,
)
from eval.journal import write_atomically
from eval.judge.cells import encode_row
from eval.judge.store import columns_in
from eval.run import Decoding, Run

FORCED = "**Parity failed and the run went on by --force: these answers may not be the saved models'.**"


@dataclass(frozen=True)
class Figure:
    """One row of summary.csv: a share (value, 95% interval, n), a p-value (value, n), or a count (n alone)."""

    name: str
    kind: Literal["share", "p-value", "count"]
    value: float | None
    low: float | None
    high: float | None
    n: int
    unit: str

    @classmethod
    def share(cls, name: str, estimate: Estimate) -> Figure:
        return cls(name, "share", estimate.value, estimate.low, estimate.high, estimate.n, "prompts")

    @classmethod
    def count(cls, name: str, n: int, unit: str) -> Figure:
        return cls(name, "count", None, None, None, n, unit)

    @property
    def said(self) -> str:
        """The value as people read it: shares in percent, p-values as they are, nothing for a count."""
        if self.value is None:
            return "insufficient" if self.kind != "count" else ""
        return f"{self.value:.1%}" if self.kind == "share" else f"{self.value:.3g}"

    @property
    def interval(self) -> str:
        """The interval as people read it; a share without one says so."""
        if self.low is not None and self.high is not None:
            return f"{self.low:.1%} to {self.high:.1%}"
        return "insufficient" if self.kind == "share" else ""


@dataclass(frozen=True)
class Summary:
    """The figures of one run. Every share comes as an Estimate with its own n and interval."""

    table: Table
    failed: int
    win_rate: Estimate
    win_rate_without_ties: Estimate
    win_rate_with_identical: Estimate
    both_bad: Estimate
    sign_test: SignTest

    @property
    def in_words(self) -> str:
        """The finding as one sentence."""
        rate = self.win_rate
        if rate.value is None:
            return "No judgement yet that prefers a side or ties: judge some pairs first."
        said = f"The tuned model's win rate is {rate.value:.1%} over {rate.n} prompts"
        if rate.low is None or rate.high is None:
            return f"{said}: insufficient for an interval, judge more pairs."
        interval = f"{said}, 95% interval {rate.low:.1%} to {rate.high:.1%}"
        if rate.low > 0.5:
            return f"{interval}: people prefer the tuned model."
        if rate.high < 0.5:
            return f"{interval}: people prefer the base model."
        return f"{interval}: not distinguishable from 50%."


def write_report(run: Run) -> Summary:
    """Read the run's verdicts, write report/, return the figures. Raises InputError for files that can't be trusted."""
    table, verdicts = read_table(run)
    summary = summarise(table, failed=run.info.counts.get("failed", 0))
    folder = run.report_folder
    write_atomically(folder / "summary.csv", _summary_frame(summary).to_csv(index=False).encode())
    columns = columns_in(run.verdicts_path)
    rows = b"".join(encode_row(verdict, columns) for verdict in verdicts)
    write_atomically(folder / "verdicts.csv", columns.header() + rows)
    write_atomically(folder / "report.md", markdown(run, summary).encode())
    return summary


def summarise(table: Table, *, failed: int) -> Summary:
    """All figures of a table of judgements. `failed` counts (prompt, side) that got no answer."""
    scores = prompt_scores(table)
    return Summary(
        table=table,
        failed=failed,
        win_rate=win_rate(scores),
        win_rate_without_ties=win_rate(prompt_scores(table, ties=False)),
        win_rate_with_identical=win_rate(with_identical(scores, table.identical)),
        both_bad=win_rate(both_bad_shares(table)),
        sign_test=sign_test(scores),
    )


def figures(summary: Summary) -> list[Figure]:
    """summary.csv's rows, in order."""
    table, sign = summary.table, summary.sign_test
    decided = sign.tuned + sign.base
    return [
        Figure.share("win rate (ties as half)", summary.win_rate),
        Figure.share("win rate without ties", summary.win_rate_without_ties),
        Figure.share("win rate with identical answers as ties", summary.win_rate_with_identical),
        Figure.share("share of both bad", summary.both_bad),
        Figure("sign test p-value (exact, two-sided)", "p-value", sign.p_value, None, None, decided, "prompts"),
        Figure.count("prompts asked", table.asked, "prompts"),
        Figure.count("answers that failed", summary.failed, "answers"),
        Figure.count("pairs answered by both", table.pairs, "prompts"),
        Figure.count("identical answers (ties by themselves, not asked)", table.identical, "prompts"),
        Figure.count("judgements", len(table), "judgements"),
        Figure.count("prompts judged", len(table.items), "prompts"),
        Figure.count("reviewers", len(table.reviewers), "reviewers"),
        Figure.count("tuned wins", table.count(TUNED), "judgements"),
        Figure.count("base wins", table.count(BASE), "judgements"),
        Figure.count("ties", table.count(TIE), "judgements"),
        Figure.count("both bad", table.count(BOTH_BAD), "judgements"),
        Figure.count("prompts won by tuned (majority)", sign.tuned, "prompts"),
        Figure.count("prompts won by base (majority)", sign.base, "prompts"),
        *(Figure.count(f"excluded: {reason}", n, "rows") for reason, n in sorted(table.excluded.items())),
    ]


def _summary_frame(summary: Summary) -> pd.DataFrame:
    columns = ["metric", "value", "low95", "high95", "n", "n_counts"]
    return pd.DataFrame([(f.name, f.value, f.low, f.high, f.n, f.unit) for f in figures(summary)], columns=columns)


def markdown(run: Run, summary: Summary) -> str:
    """report.md: the finding, what was compared, every figure with its n and interval, every exclusion."""
    info = run.info
    warning = ["", FORCED] if checks.forced(run) else []
    lines = [
        f"# {run.name}",
        *warning,
        "",
        summary.in_words,
        "",
        "| side | model | weights or revision |",
        "|---|---|---|",
    ]
    for side, model in info.models.items():
        pin = (model.weights_sha256 or model.revision or "not pinned")[:16]
        lines.append(f"| {side} | {_cell(model.name)} | {_cell(pin)} |")
    lines += [
        "",
        f"Answers {info.origin}, engine {_cell(info.engine)}, {_decoding(info.decoding)}, "
        f"prompts from {_cell(Path(info.prompt_set.source).name)}.",
        "",
        "| figure | value | 95% interval | n |",
        "|---|---|---|---|",
    ]
    lines += [f"| {f.name} | {f.said} | {f.interval} | {f.n} {f.unit} |" for f in figures(summary)]
    left_out = info.prompt_set
    lines += ["", *checks.lines(run)]
    lines += [
        "",
        f"Left out before anything was asked: {left_out.duplicates} duplicates, "
        f"{left_out.in_training_data} prompts found in the training data, {left_out.unjoined} answers without partner.",
        "",
        "The prompt is the unit: verdicts on one prompt are averaged first, and the interval is the Wilson interval at",
        "the effective number of prompts. Both-bad verdicts say nothing of preference and are counted apart.",
        "",
    ]
    return "\n".join(lines)


def _decoding(decoding: Decoding | None) -> str:
    if decoding is None:
        return "decoding unknown"
    return f"temperature {decoding.temperature}, at most {decoding.max_tokens} tokens"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
