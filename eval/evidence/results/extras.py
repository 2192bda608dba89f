"""What is known beyond people's verdicts, ready for its template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eval.evidence.categories import INTERVALS, P_VALUES, Category
from eval.evidence.conditions import Condition
from eval.evidence.figure import Figure
from eval.evidence.markdown import UNIT, how_asked, left_out
from eval.evidence.preferences import HeldOutAccuracy
from eval.evidence.results.charts import Amount, Dot
from eval.evidence.signals import Signal, Signals
from eval.evidence.verdict import RunVerdict
from eval.evidence.whole import Helped, Whole


@dataclass(frozen=True)
class Looking:
    """Whether one may stop; `interval` is empty before a prompt is closed."""

    words: str
    interval: str
    n: int


@dataclass(frozen=True)
class CategoryRow:
    """One category against 50%; p-values are empty where there are too few prompts for one."""

    name: str
    judgements: int
    alone: Figure
    p: str
    holm: str


@dataclass(frozen=True)
class SignalCharts:
    """Over `n` pairs. `moved`: what happened to must-pass prompts, and their ids."""

    n: int
    shares: tuple[Dot, ...]
    amounts: tuple[Amount, ...]
    must_pass: tuple[Dot, ...]
    moved: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class HeldOutCharts:
    """Held-out preference accuracy."""

    shares: tuple[Dot, ...]
    amounts: tuple[Amount, ...]


@dataclass(frozen=True)
class JudgeCharts:
    """One model judge beside people; `rates` are people's win rate without and with its help."""

    model: str
    saved: int
    shares: tuple[Dot, ...]
    rates: tuple[Dot, ...]


@dataclass(frozen=True)
class Extra:
    """All of it. `held_out` is None and `judges` empty where nobody asked for them."""

    looking: Looking
    conditions: tuple[Condition, ...]
    categories: tuple[CategoryRow, ...]
    intervals: str
    p_values: str
    signals: SignalCharts
    held_out: HeldOutCharts | None
    judges: tuple[JudgeCharts, ...]
    asked: str
    left_out: str
    unit: str


def extra(found: Whole) -> Extra:
    """From the figures of a run. Every number is one that `found` holds."""
    return Extra(
        looking=_looking(found.verdict),
        conditions=found.verdict.conditions,
        categories=tuple(map(_category, found.categories.rows)),
        intervals=INTERVALS,
        p_values=P_VALUES,
        signals=_signals(found.signals),
        held_out=_held_out(found.held_out) if found.held_out else None,
        judges=tuple(map(_judge, found.helped)),
        asked=how_asked(found),
        left_out=left_out(found),
        unit=UNIT,
    )


def _looking(found: RunVerdict) -> Looking:
    test = found.progress
    interval = f"{test.low:.1%} and {test.high:.1%}" if test.n else ""
    return Looking(found.advice, interval, test.n)


def _category(row: Category) -> CategoryRow:
    p, holm = ("" if value is None else f"{value:.3g}" for value in (row.p_value, row.holm))
    return CategoryRow(row.name or "no category", row.judgements, Figure.share("", row.alone), p, holm)


def _signals(found: Signals) -> SignalCharts:
    named = (
        ("Cut at the token limit", found.truncated),
        ("Empty", found.empty),
        ("Repeating themselves", found.repetition),
        ("Refusing", found.refusals),
    )
    must = found.must_pass
    return SignalCharts(
        n=found.n,
        shares=(
            *(dot for name, signal in named for dot in _sides(name, signal)),
            Dot("Unchanged by training", found.unchanged, null=None),
        ),
        amounts=(
            *(_amount(Figure.points(name, signal.difference)) for name, signal in named),
            _amount(Figure.number("Length in words, as a ratio", found.length_ratio)),
        ),
        must_pass=tuple(_sides("Passed", must.passed_by)) if must.n else (),
        moved=(
            ("Passed by base, broken by tuned", must.broken_prompts),
            ("Failed by base, repaired by tuned", must.repaired_prompts),
        ),
    )


def _held_out(found: HeldOutAccuracy) -> HeldOutCharts:
    return HeldOutCharts(
        shares=(Dot("Base", found.base, "pairs"), Dot("Tuned", found.tuned, "pairs")),
        amounts=(
            _amount(Figure.points("Pairs in the right order", found.gain, "pairs")),
            _amount(Figure.number("Margin of the implicit reward (nats)", found.margin, "pairs")),
        ),
    )


def _judge(found: Helped) -> JudgeCharts:
    return JudgeCharts(
        model=found.beside.model,
        saved=found.predicted.saved,
        shares=(
            Dot("Leans as people do", found.beside.agreement, null=None),
            Dot("The same in both orders", found.beside.consistent, null=None),
        ),
        rates=(
            Dot("People alone", found.predicted.people),
            Dot("With the judge's help (PPI++)", found.predicted.estimate),
        ),
    )


def _sides(name: str, signal: Signal) -> Iterator[Dot]:
    yield Dot(f"{name}: base", signal.base, null=None)
    yield Dot(f"{name}: tuned", signal.tuned, null=None)


def _amount(figure: Figure) -> Amount:
    return Amount(figure.name, figure.said, figure.interval, f"{figure.n:,}")
