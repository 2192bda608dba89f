"""The whole analysis of one judged run, each part by its own module; None where a part was not asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.answers import Answers, read_answers
from eval.collect.model_tasks.rows import ModelVerdict, read_model_verdicts, read_preferences
from eval.evidence.build_judgements import build_judgements
from eval.evidence.estimates.categories import Categories, categories
from eval.evidence.estimates.counts import BadRates, Resampled, bad_rates, prompt_counts, resampled
from eval.evidence.estimates.metric import Metric
from eval.evidence.judgements import Judgements, by_cluster
from eval.evidence.reviewers.agreement import Agreement, agreement
from eval.evidence.reviewers.bias import Bias, bias
from eval.evidence.reviewers.criteria import criteria_figures, thumb_figures
from eval.evidence.reviewers.reviewers import Reviewers, reviewers
from eval.evidence.sequential.plan_progress import skipped_open, within_plan
from eval.evidence.signals.answer_signals import Signal, Signals, expected, measure
from eval.evidence.signals.held_out import HeldOutAccuracy, held_out_accuracy
from eval.evidence.signals.model_judge import JudgeBesidePeople, beside_people, with_judge, with_skips
from eval.evidence.signals.ppi import PredictionPowered
from eval.evidence.summary import Summary, metrics, summarise
from eval.evidence.verdict import RunVerdict, run_verdict
from eval.judge.setup.frozen_study import thumbs_path
from eval.judge.setup.planning import inclusion_chances, is_planned, planned_reviewers
from eval.judge.store.verdict_files import in_force, read_thumbs, read_verdicts
from eval.judge.study.study import Study, read_frozen
from eval.policy import policy_of
from eval.records import Pair, Thumb, Verdict
from eval.run import Run


@dataclass(frozen=True)
class JudgeAssisted:
    """People's win rate with one model judge's help."""

    beside: JudgeBesidePeople
    predicted: PredictionPowered


@dataclass(frozen=True)
class FixedInputs:
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
    judge_assisted: tuple[JudgeAssisted, ...]
    #: item -> reviewers, as it was frozen.
    plan: Mapping[str, int]


def analyse_run(run: Run) -> Analysis:
    """Everything of a run. Raises InputError for files that cannot be trusted."""
    answers = read_answers(run.responses_path)
    table, verdicts = build_judgements(run, answers, read_verdicts(run.verdicts_path, run=run.name))
    return analyse(run, answers, table, verdicts)


def fixed_inputs(run: Run, answers: Answers) -> FixedInputs:
    """What is known before anybody judges. Raises InputError where study or plan cannot be read."""
    prompts = run.prompts()
    pairs = tuple(answers.pairs(prompts))
    signals = measure(pairs, expected(prompts))
    return FixedInputs(pairs, planned_reviewers(run, answers), tuple(inclusion_chances(run, answers)), signals)


def analyse(
    run: Run, answers: Answers, table: Judgements, verdicts: Sequence[Verdict], *, known: FixedInputs | None = None
) -> Analysis:
    """As `analyse_run`, of answers, a table and its verdicts that were read before; so was `known`, if it is given."""
    known = known or fixed_inputs(run, answers)
    plan, units, preferences = known.plan, by_cluster(table), read_preferences(run)
    counted = within_plan(table, plan) if is_planned(run) else table
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
        judge_assisted=tuple(_judge_assisted(counted, read_model_verdicts(run), known.drawn, plan)),
        plan=plan,
    )


def _bad(table: Judgements, verdicts: Sequence[Verdict]) -> BadRates:
    base = np.array([bool(row.tags_base) for row in verdicts], dtype=np.bool_)
    tuned = np.array([bool(row.tags_tuned) for row in verdicts], dtype=np.bool_)
    return bad_rates(table.item, table.outcome, base, tuned, len(table.items))


def _judge_assisted(
    table: Judgements, rows: Sequence[ModelVerdict], drawn: Sequence[str], plan: Mapping[str, int]
) -> Iterator[JudgeAssisted]:
    """What each model that judged adds to people's verdicts; a prompt that people skipped counts as a loss."""
    skipped = set(skipped_open(table, plan))
    asked = np.array([item in plan for item in drawn], dtype=np.bool_)
    for model in sorted({row.model for row in rows}):
        beside = with_skips(beside_people([row for row in rows if row.model == model], table, drawn), skipped)
        yield JudgeAssisted(beside, with_judge(beside, asked))


def all_figures(analysis: Analysis) -> list[Metric]:
    """summary.csv's rows: the headline first, then every other figure with its n and interval."""
    return [
        *metrics(analysis.summary),
        *_resampled(analysis.resampled),
        Metric.share("base answers found bad (both bad, or a tag)", analysis.bad.base),
        Metric.share("tuned answers found bad (both bad, or a tag)", analysis.bad.tuned),
        Metric.points("answers found bad: tuned minus base", analysis.bad.difference),
        *_verdict(analysis.verdict),
        *_agreement(analysis.agreement),
        *_bias(analysis.bias),
        *_signals(analysis.signals),
        *_held_out(analysis.held_out),
        *criteria_figures(analysis.study, analysis.verdicts),
        *(thumb_figures(analysis.thumbs) if analysis.study.mode == "thumbs" else ()),
        *(figure for one in analysis.judge_assisted for figure in _judge(one)),
    ]


def _resampled(found: Resampled) -> Iterator[Metric]:
    yield Metric.share("win rate (bootstrap over prompts)", found.win_rate)
    yield Metric.share("win rate without ties (bootstrap over prompts)", found.win_rate_without_ties)
    yield Metric.number("net wins (prompts won by tuned minus by base)", found.net_wins)
    yield Metric.share("share of ties", found.ties)
    yield Metric.p(
        "sign-flip test p-value (clustered by prompt, two-sided)", found.sign_flip.p_value, found.sign_flip.n
    )


def _verdict(verdict: RunVerdict) -> Iterator[Metric]:
    test, unit = verdict.progress, "closed prompts"
    yield Metric.share("win rate for reviewers like these in general (two-way clustered)", verdict.like_these)
    low, high = (test.low, test.high) if test.n else (None, None)
    yield Metric("win rate, at any look (confidence sequence)", "bounds", None, low, high, test.n, unit)
    yield Metric.p("superiority p-value, at any look", test.p_value if test.n else None, test.n, unit)
    if verdict.corrected is not None:
        yield Metric(
            "win rate corrected for stopping early", "share", verdict.corrected, test.low, test.high, test.n, unit
        )
    yield Metric.points("win rate of late minus early prompts", test.halves.difference, unit)
    yield Metric.count("prompts skipped and still open", test.skipped, "prompts")
    if verdict.worst != verdict.best:
        yield Metric.share("win rate if every skipped prompt went to base", verdict.worst)
        yield Metric.share("win rate if every skipped prompt went to tuned", verdict.best)


def _agreement(agreement: Agreement) -> Iterator[Metric]:
    over = agreement.coefficients
    yield Metric.share("equal verdicts of two reviewers", over.raw)
    yield Metric.number("Krippendorff's alpha", over.alpha)
    yield Metric.number("Fleiss' kappa", over.fleiss)
    yield Metric.number("Gwet's AC1", over.ac1)


def _bias(bias: Bias) -> Iterator[Metric]:
    yield Metric.share("left answer preferred", bias.left)
    yield Metric.share("win rate with the tuned answer left", bias.places.first)
    yield Metric.share("win rate with the tuned answer right", bias.places.second)
    yield Metric.share("longer answer preferred", bias.length.longer)
    yield Metric.share("win rate at equal length (logistic model)", bias.length.controlled)
    yield Metric.points("win rate late minus early in the session", bias.late.difference)
    yield Metric.points("win rate of fast minus slow judgements", bias.fast.difference)


def _signals(signals: Signals) -> Iterator[Metric]:
    named: tuple[tuple[str, Signal], ...] = (
        ("cut at the token limit", signals.truncated),
        ("empty", signals.empty),
        ("repeating themselves", signals.repetition),
        ("refusing", signals.refusals),
    )
    if signals.interrupted.base.value or signals.interrupted.tuned.value:
        named = (*named, ("ended by a filter or a tool call", signals.interrupted))
    for name, signal in named:
        yield Metric.share(f"base answers {name}", signal.base)
        yield Metric.share(f"tuned answers {name}", signal.tuned)
    yield Metric.share("answers that training left unchanged", signals.unchanged)
    yield Metric.number("length of tuned answers over the base's", signals.length_ratio)
    if signals.must_pass.n:
        yield Metric.share("must-pass prompts passed by base", signals.must_pass.passed_by.base)
        yield Metric.share("must-pass prompts passed by tuned", signals.must_pass.passed_by.tuned)
        yield Metric.count("must-pass prompts broken", signals.must_pass.broken, "prompts")
        yield Metric.count("must-pass prompts repaired", signals.must_pass.repaired, "prompts")


def _held_out(accuracy: HeldOutAccuracy | None) -> Iterator[Metric]:
    if accuracy is None:
        return
    yield Metric.share("held-out pairs: base prefers chosen", accuracy.base, "pairs")
    yield Metric.share("held-out pairs: tuned prefers chosen", accuracy.tuned, "pairs")
    yield Metric.points("held-out pairs: tuned minus base", accuracy.gain, "pairs")
    yield Metric.number("held-out pairs: margin of the implicit reward (nats)", accuracy.margin, "pairs")


def _judge(found: JudgeAssisted) -> Iterator[Metric]:
    name, predicted = found.beside.model, found.predicted
    yield Metric.share(f"model judge {name}: agrees with human preference", found.beside.agreement)
    yield Metric.share(f"model judge {name}: the same in both orders", found.beside.consistent)
    yield Metric.share(f"human win rate with the help of {name} (PPI++)", predicted.estimate)
    yield Metric.count(f"prompts of people's work that {name} saved", predicted.saved, "prompts")
