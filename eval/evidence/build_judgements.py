"""Builds the table of judgements from a run's files; every row left out is counted by reason."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np

from eval.answers import Answers, read_answers
from eval.evidence.judgements import Facts, Judgements, codes_of, column, positions
from eval.judge.setup.plan import Plan, read_plan
from eval.judge.store.side_files import Skip, read_skips
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.records import OUTCOMES, SIDES, Pair, Prompt, Verdict
from eval.run import Run


def read_table(run: Run) -> tuple[Judgements, list[Verdict]]:
    """The table of a run, and the verdicts in it, in file order. Raises InputError for files that can't be trusted."""
    answers = read_answers(run.responses_path)
    return build_judgements(run, answers, read_verdicts(run.verdicts_path, run=run.name))


def build_judgements(run: Run, answers: Answers, rows: Sequence[Verdict]) -> tuple[Judgements, list[Verdict]]:
    """As `read_table`, from rows in memory; which pairs were skipped is read from skips.csv."""
    prompts = run.prompts()
    pairs = {pair.prompt_id: pair for pair in answers.pairs(prompts)}
    excluded: Counter[str] = Counter()
    standing = in_force(rows)
    excluded["replaced or withdrawn"] = len(rows) - len(standing)
    kept: list[Verdict] = []
    aside: dict[str, list[Verdict]] = {"repeat": [], "gold": []}
    for verdict in standing:
        reason = _why_not(verdict, pairs)
        if reason:
            excluded[reason] += 1
            aside.get(verdict.kind, []).append(verdict)
        else:
            kept.append(verdict)
    skips = [skip for skip in read_skips(run) if skip.kind == "judgement" and skip.item in pairs]
    judged = {(verdict.item, verdict.reviewer) for verdict in kept}
    items, item = codes_of(verdict.item for verdict in kept)
    reviewers, reviewer = codes_of(verdict.reviewer for verdict in kept)
    table = Judgements(
        item=item,
        reviewer=reviewer,
        outcome=column((OUTCOMES.index(v.outcome) for v in kept if v.outcome != "withdrawn"), np.intp),
        items=items,
        reviewers=reviewers,
        asked=len(prompts),
        pairs=len(pairs),
        identical=sum(pair.identical for pair in pairs.values()),
        excluded={reason: n for reason, n in excluded.items() if n},
        left=column((SIDES.index(v.left) if v.left else -1 for v in kept), np.intp),
        seconds=column((v.seconds if v.seconds or not v.imported else np.nan for v in kept), np.float64),
        position=positions(reviewer),
        facts=_facts([pairs[name] for name in items]),
        repeats=tuple(aside["repeat"]),
        golds=tuple(aside["gold"]),
        put_off=_put_off(skips, kept),
        clusters=_clusters(prompts, read_plan(run)),
        passed_over=frozenset(skip.item for skip in skips if (skip.item, skip.reviewer) not in judged),
        imported=sum(verdict.imported for verdict in kept),
    )
    return table, kept


def _put_off(skips: Sequence[Skip], kept: Sequence[Verdict]) -> dict[str, int]:
    """item -> how many verdicts had been given at its first skip, by the times of both (UTC, ISO 8601)."""
    times = list(accumulate((verdict.judged_at for verdict in kept), max))
    found: dict[str, int] = {}
    for skip in skips:
        found.setdefault(skip.item, bisect_right(times, skip.skipped_at))
    return found


def _clusters(prompts: Sequence[Prompt], plan: Plan | None) -> dict[str, str]:
    """By the prompts' own clusters, and by the groups of the frozen plan."""
    sizes = Counter(prompt.cluster for prompt in prompts)
    own = {prompt.id: f"cluster {prompt.cluster}" for prompt in prompts if sizes[prompt.cluster] > 1 and prompt.cluster}
    return own | {item: f"near {first}" for item, first in (plan.groups if plan else {}).items()}


def _facts(pairs: Sequence[Pair]) -> Facts:
    categories, category = codes_of(pair.category for pair in pairs)
    lengths = [[len(pair.answer(side).text) for side in SIDES] for pair in pairs]
    return Facts(category, categories, np.array(lengths, dtype=np.intp).reshape(len(pairs), len(SIDES)))


#: How spreadsheets write what they took for a number or a date: 3,00E+05, 01. Feb, 2-Jan, 2026-01-02 00:00.
_CHANGED = re.compile(r"\d+([.,]\d+)?E[+-]?\d+|\d{1,2}[.\- ]+[A-Z][a-zä]{2,}\.?|[A-Z][a-zä]{2}-\d{2}", re.IGNORECASE)


def changed_by_spreadsheet(item: str, known: Iterable[str]) -> bool:
    """Whether an id that is not known looks like one that a spreadsheet rewrote, as 7 for 007."""
    return _CHANGED.fullmatch(item) is not None or any(name != item and name.lstrip("0") == item for name in known)


def _why_not(verdict: Verdict, pairs: dict[str, Pair]) -> str:
    """Why a verdict in force can't count, or nothing: it must be about the very texts that this run holds."""
    if verdict.kind == "gold":
        return "gold pairs (the answer is known)"
    if verdict.kind == "repeat":
        return "repeated pairs (asked again, sides swapped)"
    pair = pairs.get(verdict.item)
    if pair is None:
        changed = changed_by_spreadsheet(verdict.item, pairs)
        return "with an id that a spreadsheet changed" if changed else "on a prompt that this run has no pair for"
    if (verdict.base_sha256, verdict.tuned_sha256) != (pair.base.sha256, pair.tuned.sha256):
        return "on answers that have changed since"
    return ""
