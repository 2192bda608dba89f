"""The forest plots of the results page: categories, habits, other counts, traits, held-out pairs, judges."""

from __future__ import annotations

from collections.abc import Sequence

from eval.evidence.analysis import Analysis, JudgeAssisted
from eval.evidence.estimates.categories import INTERVALS, P_VALUES
from eval.evidence.signals.traits import Winning
from eval.report.pages.drawing import Picture
from eval.report.pages.pictures.bars import paired, shares
from eval.report.pages.pictures.forest import SMALL, Row, forest
from eval.report.pages.query import browse_link
from eval.report.pages.words import Words


def categories(analysis: Analysis, say: Words) -> Picture | None:
    """None where nobody judged. Intervals hold together; those of the table's last columns are each for itself."""
    each = analysis.categories
    rows = [
        Row(
            row.name or say("no category"),
            row.win_rate,
            browse_link(category=row.name) if row.name else "",
            (f"{row.judgements:,}", _interval(row.alone.low, row.alone.high), _p(row.p_value), _p(row.holm)),
        )
        for row in each.rows
    ]
    note = say("Grey: fewer than 10 prompts.") if any(0 < row.estimate.n < SMALL for row in rows) else ""
    if each.looked_at > 1:
        note = say(
            "The intervals hold together with 95% ({method}): each is at {confidence}.",
            method=INTERVALS,
            confidence=f"{100 * each.confidence:.4g}%",
        ) + (say.gap + note if note else "")
    more = (say("Judgements"), say("95% alone"), "p", f"p ({P_VALUES})")
    return forest("categories", say("By category"), rows, say, of=say("Category"), more=more, note=note)


def others(analysis: Analysis, say: Words) -> Picture | None:
    """The same question, counted in other ways."""
    summary, verdict = analysis.summary, analysis.verdict
    rows = [
        Row(say("As quoted"), verdict.quoted),
        Row(say("People like these"), verdict.like_these),
        Row(say("Ties left out"), summary.win_rate_without_ties),
        Row(say("Identical as ties"), summary.win_rate_with_identical),
        Row(say("Skipped go to base"), verdict.worst),
        Row(say("Skipped go to tuned"), verdict.best),
        *(
            Row(say("With {judge} (PPI++)", judge=one.beside.model), one.predicted.estimate)
            for one in analysis.judge_assisted
        ),
    ]
    return forest("others", say("Other ways to count"), rows, say, of=say("Counted"))


def habits(analysis: Analysis, say: Words) -> Picture | None:
    """Position, order and speed: win rates of the same judgements in two groups."""
    bias = analysis.bias
    rows = [
        Row(say("Left answer chosen"), bias.left, kind="base"),
        Row(say("Tuned on the left"), bias.places.first),
        Row(say("Tuned on the right"), bias.places.second),
        Row(say("Late in the session"), bias.late.first),
        Row(say("Early in the session"), bias.late.second),
        Row(say("Given fast"), bias.fast.first),
        Row(say("Given slowly"), bias.fast.second),
        Row(say("Longer answer chosen"), bias.length.longer, kind="base"),
    ]
    note = say("Win rates of the same judgements in two groups: similar values are a good sign.")
    return forest("place", say("Position, order and speed"), rows, say, of=say("Where"), note=note)


def traits(found: Sequence[Winning], say: Words) -> Picture | None:
    """What winners do: how often the one answer with a trait won. A click lists where the tuned one has it."""
    rows = [
        Row(say(one.trait), one.rate, browse_link(trait=f"{one.trait}:{'tuned' if one.by_side['tuned'] else 'base'}"))
        for one in sorted(found, key=lambda one: -(one.rate.value or 0.0))
    ]
    note = say(
        "Of the prompts where only one answer has the trait: how often that answer won. "
        "It goes along with winning, and need not be its cause."
    )
    return forest("traits", say("What the winners do"), rows, say, of=say("The answer …"), note=note)


def answers(analysis: Analysis, say: Words) -> Picture | None:
    """What a rule can see in all pairs, judged or not."""
    signals = analysis.signals
    rows = [
        shares(say("Cut at the limit"), signals.truncated.base, signals.truncated.tuned),
        shares(say("Empty"), signals.empty.base, signals.empty.tuned),
        shares(say("Repeating itself"), signals.repetition.base, signals.repetition.tuned),
        shares(say("Refusing"), signals.refusals.base, signals.refusals.tuned),
    ]
    must = signals.must_pass
    if must.n:
        hrefs = (
            browse_link(expect="broken") if must.broken else "",
            browse_link(expect="repaired") if must.repaired else "",
        )
        rows.append(shares(say("Must-pass passed"), must.passed_by.base, must.passed_by.tuned, hrefs))
    note = say(
        "Over {pairs}, judged or not; {same} of them have the same answer twice.",
        pairs=say.count(signals.n, "pair"),
        same="–" if signals.unchanged.value is None else f"{signals.unchanged.value:.1%}",
    )
    return paired("signals", say("What rules see in the answers"), rows, say, of=say("Share of answers"), note=note)


def held_out(analysis: Analysis, say: Words) -> Picture | None:
    """Held-out preference accuracy; None where nobody asked for it."""
    if analysis.held_out is None:
        return None
    rows = [Row(say("Base"), analysis.held_out.base, kind="base"), Row(say("Tuned"), analysis.held_out.tuned)]
    note = say(
        "How often each model finds the chosen answer likelier than the rejected one, on pairs that "
        "it was not trained on."
    )
    return forest("held", say("Held-out pairs"), rows, say, of=say("Model"), unit="pair", note=note)


def judge(one: JudgeAssisted, say: Words) -> Picture | None:
    """One model judge beside people, never among them."""
    rows = [
        Row(say("Agrees with people"), one.beside.agreement, kind="base"),
        Row(say("Same in both orders"), one.beside.consistent, kind="base"),
        Row(say("People alone"), one.predicted.people),
        Row(say("With the judge (PPI++)"), one.predicted.estimate),
    ]
    note = say("It saved people's work on {prompts}.", prompts=say.count(one.predicted.saved, "prompt"))
    title = say("Model judge {name}", name=one.beside.model)
    return forest("judge", title, rows, say, of=say("Judge and people"), note=note)


def _interval(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.1%} – {high:.1%}"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
