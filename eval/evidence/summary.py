"""The summary of a run: the win rate in its forms, counts, and every exclusion."""

from __future__ import annotations

from dataclasses import dataclass

from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.winrate import (
    Estimate,
    SignTest,
    both_bad_shares,
    detectable,
    prompt_scores,
    sign_test,
    win_rate,
    with_identical,
)
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED, Judgements, by_cluster

FORCED = "**Parity failed and the run continued by --force: these answers may not be the saved models'.**"

DETECTABLE = "smallest true win rate that this many prompts can show (power 0.8, one look)"

CAN_WE_STOP = "Can we stop (valid at any look)?"


@dataclass(frozen=True)
class Summary:
    """The figures of one run. Every share comes as an Estimate with its own n and interval."""

    table: Judgements
    failed: int
    win_rate: Estimate
    win_rate_without_ties: Estimate
    win_rate_with_identical: Estimate
    both_bad: Estimate
    sign_test: SignTest
    #: The smallest true win rate that so many prompts would show, with 80% power and one look.
    detectable: float | None


def summarise(table: Judgements, *, failed: int) -> Summary:
    """All figures of a table of judgements. `failed` counts (prompt, side) that got no answer."""
    units = by_cluster(table)
    scores = prompt_scores(units)
    return Summary(
        table=table,
        failed=failed,
        win_rate=win_rate(scores),
        win_rate_without_ties=win_rate(prompt_scores(units, ties=False)),
        win_rate_with_identical=win_rate(with_identical(scores, table.identical)),
        both_bad=win_rate(both_bad_shares(units)),
        sign_test=sign_test(scores),
        detectable=detectable(scores),
    )


def metrics(summary: Summary) -> list[Metric]:
    """summary.csv's rows, in order."""
    table, sign = summary.table, summary.sign_test
    units = by_cluster(table)
    decided = sign.tuned + sign.base
    return [
        Metric.share("win rate (ties as half)", summary.win_rate),
        Metric.share("win rate without ties", summary.win_rate_without_ties),
        Metric.share("win rate with identical answers as ties", summary.win_rate_with_identical),
        Metric(DETECTABLE, "rate", summary.detectable, None, None, summary.win_rate.n, "prompts"),
        Metric.share("share of both bad", summary.both_bad),
        Metric.p("sign test p-value (exact, two-sided)", sign.p_value, decided),
        Metric.count("prompts asked", table.asked, "prompts"),
        Metric.count("answers that failed", summary.failed, "answers"),
        Metric.count("pairs answered by both", table.pairs, "prompts"),
        Metric.count("identical answers (ties by themselves, not asked)", table.identical, "prompts"),
        Metric.count("judgements", len(table), "judgements"),
        *(
            [Metric.count("imported judgements (from another tool)", table.imported, "judgements")]
            if table.imported
            else []
        ),
        Metric.count("prompts judged", len(table.items), "prompts"),
        Metric.count("reviewers", len(table.reviewers), "reviewers"),
        *(
            [Metric.count("units: clusters, and prompts without one", len(units.items), "units")]
            if table.clusters
            else []
        ),
        Metric.count("tuned wins", table.count(TUNED), "judgements"),
        Metric.count("base wins", table.count(BASE), "judgements"),
        Metric.count("ties", table.count(TIE), "judgements"),
        Metric.count("both bad", table.count(BOTH_BAD), "judgements"),
        Metric.count("prompts won by tuned (majority)", sign.tuned, "prompts"),
        Metric.count("prompts won by base (majority)", sign.base, "prompts"),
        *(Metric.count(f"excluded: {reason}", n, "rows") for reason, n in sorted(table.excluded.items())),
    ]
