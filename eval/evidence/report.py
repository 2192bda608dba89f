"""Writes report/: summary.csv for machines, report.md for people, verdicts.csv with one row per judgement in force."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from eval.evidence.table import BASE, BOTH_BAD, TIE, TUNED, Table, read_table
from eval.evidence.winrate import Estimate, SignTest, prompt_scores, sign_test, win_rate, with_identical
from eval.journal import write_atomically
from eval.judge.store import encode_rows
from eval.run import Run


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
    write_atomically(folder / "verdicts.csv", encode_rows(verdicts))
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
        both_bad=win_rate(_both_bad_shares(table)),
        sign_test=sign_test(scores),
    )


def _both_bad_shares(table: Table) -> pd.Series[float]:
    """Per judged prompt, the share of its verdicts that found both answers bad."""
    return pd.Series(table.outcome == BOTH_BAD, dtype=float).groupby(table.item).mean()


def rows(summary: Summary) -> list[tuple[str, float | None, float | None, float | None, int, str]]:
    """summary.csv's rows: metric, value, low, high (of the 95% interval), n, what n counts."""
    table, sign = summary.table, summary.sign_test
    counts = [
        ("prompts asked", table.asked, "prompts"),
        ("answers that failed", summary.failed, "answers"),
        ("pairs answered by both", table.pairs, "prompts"),
        ("identical answers (ties by themselves, not asked)", table.identical, "prompts"),
        ("judgements", len(table), "judgements"),
        ("prompts judged", len(table.items), "prompts"),
        ("reviewers", len(table.reviewers), "reviewers"),
        ("tuned wins", table.count(TUNED), "judgements"),
        ("base wins", table.count(BASE), "judgements"),
        ("ties", table.count(TIE), "judgements"),
        ("both bad", table.count(BOTH_BAD), "judgements"),
        ("prompts won by tuned (majority)", sign.tuned, "prompts"),
        ("prompts won by base (majority)", sign.base, "prompts"),
        *((f"excluded: {reason}", n, "rows") for reason, n in sorted(table.excluded.items())),
    ]
    shares = [
        ("win rate (ties as half)", summary.win_rate),
        ("win rate without ties", summary.win_rate_without_ties),
        ("win rate with identical answers as ties", summary.win_rate_with_identical),
        ("share of both bad", summary.both_bad),
    ]
    return [
        *((name, e.value, e.low, e.high, e.n, "prompts") for name, e in shares),
        ("sign test p-value (exact, two-sided)", sign.p_value, None, None, sign.tuned + sign.base, "prompts"),
        *((name, None, None, None, n, unit) for name, n, unit in counts),
    ]


def _summary_frame(summary: Summary) -> pd.DataFrame:
    return pd.DataFrame(rows(summary), columns=["metric", "value", "low95", "high95", "n", "n_counts"])


def markdown(run: Run, summary: Summary) -> str:
    """report.md: the finding, what was compared, every figure with its n and interval, every exclusion."""
    info = run.info
    lines = [f"# {run.name}", "", summary.in_words, "", "| side | model | weights or revision |", "|---|---|---|"]
    for side, model in info.models.items():
        pin = (model.weights_sha256 or model.revision or "not pinned")[:16]
        lines.append(f"| {side} | {_cell(model.name)} | {_cell(pin)} |")
    lines += [
        "",
        f"Answers {info.origin}, engine {_cell(info.engine)}, temperature {info.decoding.temperature}, "
        f"at most {info.decoding.max_tokens} tokens, prompts from {_cell(Path(info.prompt_set.source).name)}.",
        "",
        "| figure | value | 95% interval | n |",
        "|---|---|---|---|",
    ]
    for name, value, low, high, n, unit in rows(summary):
        lines.append(f"| {name} | {figure(name, value)} | {interval(low, high, value)} | {n} {unit} |")
    left_out = info.prompt_set
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


def figure(name: str, value: float | None) -> str:
    """A value as people read it: shares in percent, p-values as they are."""
    if value is None:
        return ""
    return f"{value:.3g}" if "p-value" in name else f"{value:.1%}"


def interval(low: float | None, high: float | None, value: float | None) -> str:
    """An interval as people read it; `insufficient` for a share that has none."""
    if low is None or high is None:
        return "" if value is None else "insufficient"
    return f"{low:.1%} to {high:.1%}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
