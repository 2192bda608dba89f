"""All that is known of one judged run, each part by the module that computes it; parts that were not asked are None."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.answers import Answers, read_answers
from eval.collect.model_tasks.rows import ModelVerdict, read_model_verdicts, read_preferences
from eval.evidence.estimates.categories import Categories, categories
from eval.evidence.estimates.counts import BadRates, Resampled, bad_rates, prompt_counts, resampled
from eval.evidence.estimates.metric import Metric
from eval.evidence.headline import Summary, figures, summarise
from eval.evidence.judgements import Judgements, build_judgements, by_cluster
from eval.evidence.reviewers.agreement import Agreement, agreement
from eval.evidence.reviewers.bias import Bias, bias
from eval.evidence.reviewers.criteria import criteria_figures, thumb_figures
from eval.evidence.reviewers.reviewers import Reviewers, reviewers
from eval.evidence.sequential.standing import by_plan, skipped_open
from eval.evidence.signals.answer_signals import Signal, Signals, expected, measure
from eval.evidence.signals.held_out import HeldOutAccuracy, held_out_accuracy
from eval.evidence.signals.model_judge import Beside, beside_people, helped, with_skips
from eval.evidence.signals.ppi import Predicted
from eval.evidence.verdict import RunVerdict, run_verdict
from eval.judge.opening.freeze import thumbs_path
from eval.judge.opening.plan import draw_of, is_planned, plan_of
from eval.judge.store.verdict_files import in_force, read_thumbs, read_verdicts
from eval.judge.study.study import Study, read_frozen
from eval.policy import policy_of
from eval.records import Pair, Thumb, Verdict
from eval.run import Run


@dataclass(frozen=True)
class Helped:
    """People's win rate with one model judge's help."""

    beside: Beside
    predicted: Predicted


@dataclass(frozen=True)
class Known:
    """What judging does not change: pairs, the frozen plan (item -> reviewers), items in drawing order, signals."""

    pairs: tuple[Pair, ...]
    plan: Mapping[str, int]
    drawn: tuple[str, ...]
    signals: Signals


@dataclass(frozen=True)
class Analysis:
    """One run. `verdicts` are those in the table, in file order; `pairs` all pairs that both sides answered."""

    run: Run
    table: Judgements
    verdicts: tuple[Verdict, ...]
    pairs: tuple[Pair, ...]
    summary: Summary
    resampled: Resampled
    #: How often each side's answer was found bad: both bad, or a tag on that side.
    bad: BadRates
    #: What may be claimed, by the run's policy and the frozen plan.
    verdict: RunVerdict
    agreement: Agreement
    reviewers: Reviewers
    categories: Categories
    bias: Bias
    signals: Signals
    held_out: HeldOutAccuracy | None
    study: Study
    #: Of a study by thumbs, those in force.
    thumbs: tuple[Thumb, ...]
    helped: tuple[Helped, ...]
    #: item -> reviewers, as it was frozen.
    plan: Mapping[str, int]


def whole(run: Run) -> Analysis:
    """Everything of a run. Raises InputError for files that cannot be trusted."""
    answers = read_answers(run.responses_path)
    table, verdicts = build_judgements(run, answers, read_verdicts(run.verdicts_path, run=run.name))
    return analysis_of(run, answers, table, verdicts)


def known_of(run: Run, answers: Answers) -> Known:
    """What is known before anybody judges. Raises InputError where study or plan cannot be read."""
    prompts = run.prompts()
    pairs = tuple(answers.pairs(prompts))
    signals = measure(pairs, expected(prompts))
    return Known(pairs, plan_of(run, answers), tuple(draw_of(run, answers)), signals)


def analysis_of(
    run: Run, answers: Answers, table: Judgements, verdicts: Sequence[Verdict], *, known: Known | None = None
) -> Analysis:
    """As `whole`, of answers and a table that were read before and the verdicts in it; `known` from before, if any."""
    known = known or known_of(run, answers)
    plan, units, preferences = known.plan, by_cluster(table), read_preferences(run)
    counted = by_plan(table, plan) if is_planned(run) else table
    return Analysis(
        run=run,
        table=table,
        verdicts=tuple(verdicts),
        pairs=known.pairs,
        summary=summarise(table, failed=run.info.counts.get("failed", 0)),
        resampled=resampled(prompt_counts(units.item, units.outcome, len(units.items))),
        bad=_bad(table, verdicts),
        verdict=run_verdict(table, plan, policy_of(run), planned=is_planned(run)),
        agreement=agreement(table),
        reviewers=reviewers(table),
        categories=categories(table),
        bias=bias(table),
        signals=known.signals,
        held_out=held_out_accuracy(preferences) if preferences else None,
        study=read_frozen(run.folder),
        thumbs=tuple(in_force(read_thumbs(thumbs_path(run), run=run.name))),
        helped=tuple(_helped(counted, read_model_verdicts(run), known.drawn, plan)),
        plan=plan,
    )


def _bad(table: Judgements, verdicts: Sequence[Verdict]) -> BadRates:
    base = np.array([bool(row.tags_base) for row in verdicts], dtype=np.bool_)
    tuned = np.array([bool(row.tags_tuned) for row in verdicts], dtype=np.bool_)
    return bad_rates(table.item, table.outcome, base, tuned, len(table.items))


def _helped(
    table: Judgements, rows: Sequence[ModelVerdict], drawn: Sequence[str], plan: Mapping[str, int]
) -> Iterator[Helped]:
    """What each model that judged adds to people's verdicts; a prompt that people skipped counts as a loss."""
    skipped = set(skipped_open(table, plan))
    asked = np.array([item in plan for item in drawn], dtype=np.bool_)
    for model in sorted({row.model for row in rows}):
        beside = with_skips(beside_people([row for row in rows if row.model == model], table, drawn), skipped)
        yield Helped(beside, helped(beside, asked))


def all_figures(found: Analysis) -> list[Metric]:
    """summary.csv's rows: the headline first, then every other figure with its n and interval."""
    return [
        *figures(found.summary),
        *_resampled(found.resampled),
        Metric.share("base answers found bad (both bad, or a tag)", found.bad.base),
        Metric.share("tuned answers found bad (both bad, or a tag)", found.bad.tuned),
        Metric.points("answers found bad: tuned minus base", found.bad.difference),
        *_verdict(found.verdict),
        *_agreement(found.agreement),
        *_bias(found.bias),
        *_signals(found.signals),
        *_held_out(found.held_out),
        *criteria_figures(found.study, found.verdicts),
        *(thumb_figures(found.thumbs) if found.study.mode == "thumbs" else ()),
        *(figure for one in found.helped for figure in _judge(one)),
    ]


def _resampled(found: Resampled) -> Iterator[Metric]:
    yield Metric.share("win rate (bootstrap over prompts)", found.win_rate)
    yield Metric.share("win rate without ties (bootstrap over prompts)", found.win_rate_without_ties)
    yield Metric.number("net wins (prompts won by tuned minus by base)", found.net_wins)
    yield Metric.share("share of ties", found.ties)
    yield Metric.p(
        "sign-flip test p-value (clustered by prompt, two-sided)", found.sign_flip.p_value, found.sign_flip.n
    )


def _verdict(found: RunVerdict) -> Iterator[Metric]:
    test, unit = found.progress, "closed prompts"
    yield Metric.share("win rate for reviewers like these in general (two-way clustered)", found.like_these)
    low, high = (test.low, test.high) if test.n else (None, None)
    yield Metric("win rate, at any look (confidence sequence)", "bounds", None, low, high, test.n, unit)
    yield Metric.p("superiority p-value, at any look", test.p_value if test.n else None, test.n, unit)
    if found.corrected is not None:
        yield Metric(
            "win rate corrected for stopping early", "share", found.corrected, test.low, test.high, test.n, unit
        )
    yield Metric.points("win rate of late minus early prompts", test.halves.difference, unit)
    yield Metric.count("prompts skipped and still open", test.skipped, "prompts")
    if found.worst != found.best:
        yield Metric.share("win rate if every skipped prompt went to base", found.worst)
        yield Metric.share("win rate if every skipped prompt went to tuned", found.best)


def _agreement(found: Agreement) -> Iterator[Metric]:
    over = found.coefficients
    yield Metric.share("equal verdicts of two reviewers", over.raw)
    yield Metric.number("Krippendorff's alpha", over.alpha)
    yield Metric.number("Fleiss' kappa", over.fleiss)
    yield Metric.number("Gwet's AC1", over.ac1)


def _bias(found: Bias) -> Iterator[Metric]:
    yield Metric.share("left answer preferred", found.left)
    yield Metric.share("win rate with the tuned answer left", found.places.first)
    yield Metric.share("win rate with the tuned answer right", found.places.second)
    yield Metric.share("longer answer preferred", found.length.longer)
    yield Metric.share("win rate at equal length (logistic model)", found.length.controlled)
    yield Metric.points("win rate late minus early in the session", found.late.difference)
    yield Metric.points("win rate of fast minus slow judgements", found.fast.difference)


def _signals(found: Signals) -> Iterator[Metric]:
    named: tuple[tuple[str, Signal], ...] = (
        ("cut at the token limit", found.truncated),
        ("empty", found.empty),
        ("repeating themselves", found.repetition),
        ("refusing", found.refusals),
    )
    if found.interrupted.base.value or found.interrupted.tuned.value:
        named = (*named, ("ended by a filter or a tool call", found.interrupted))
    for name, signal in named:
        yield Metric.share(f"base answers {name}", signal.base)
        yield Metric.share(f"tuned answers {name}", signal.tuned)
    yield Metric.share("answers that training left unchanged", found.unchanged)
    yield Metric.number("length of tuned answers over the base's", found.length_ratio)
    if found.must_pass.n:
        yield Metric.share("must-pass prompts passed by base", found.must_pass.passed_by.base)
        yield Metric.share("must-pass prompts passed by tuned", found.must_pass.passed_by.tuned)
        yield Metric.count("must-pass prompts broken", found.must_pass.broken, "prompts")
        yield Metric.count("must-pass prompts repaired", found.must_pass.repaired, "prompts")


def _held_out(found: HeldOutAccuracy | None) -> Iterator[Metric]:
    if found is None:
        return
    yield Metric.share("held-out pairs: base prefers chosen", found.base, "pairs")
    yield Metric.share("held-out pairs: tuned prefers chosen", found.tuned, "pairs")
    yield Metric.points("held-out pairs: tuned minus base", found.gain, "pairs")
    yield Metric.number("held-out pairs: margin of the implicit reward (nats)", found.margin, "pairs")


def _judge(found: Helped) -> Iterator[Metric]:
    name, predicted = found.beside.model, found.predicted
    yield Metric.share(f"model judge {name}: agrees with human preference", found.beside.agreement)
    yield Metric.share(f"model judge {name}: the same in both orders", found.beside.consistent)
    yield Metric.share(f"human win rate with the help of {name} (PPI++)", predicted.estimate)
    yield Metric.count(f"prompts of people's work that {name} saved", predicted.saved, "prompts")
