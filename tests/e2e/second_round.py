"""A reviewer by rule on the tiny world, and how long the answers are that a run holds."""

from __future__ import annotations

from collections.abc import Iterator

from eval.answers import read_answers
from eval.judge.store.verdict_files import read_verdicts
from eval.records import SIDES, Mark, Pair, Side
from eval.run import Run
from tests.judge.verdicts import verdict_store
from tests.support import judged
from train.tiny.score import is_right
from train.tiny.world import Fact, all_facts

FACTS = {fact.id: fact for fact in all_facts()}


def pairs_of(run: Run) -> Iterator[tuple[Fact, Pair]]:
    """Each pair with the fact that it is about."""
    for pair in read_answers(run.responses_path).pairs(run.prompts()):
        yield FACTS[pair.prompt_id], pair


def judge_by_rule(run: Run) -> set[str]:
    """Bea reads six of seven pairs, and all that others judged: of two right answers she prefers the fuller one.

    Returns the items that nobody else has judged.
    """
    store = verdict_store(run)
    before = {row.item for row in read_verdicts(run.verdicts_path)}
    pairs = [(fact, pair) for fact, pair in pairs_of(run) if not pair.identical]
    for fact, pair in (one for n, one in enumerate(pairs) if n % 7 < 6 or one[1].prompt_id in before):
        store.append(judged(run, pair, outcome=_fuller(fact, pair)).model_copy(update={"reviewer": "bea"}))
    return {row.item for row in read_verdicts(run.verdicts_path)} - before


def _fuller(fact: Fact, pair: Pair) -> Mark:
    right: list[Side] = [side for side in SIDES if is_right(fact, pair.answer(side).text)]
    right.sort(key=lambda side: len(pair.answer(side).text.split()))
    return right[-1] if right else "both_bad"


def words_an_answer(run: Run, side: Side) -> float:
    """Mean over all prompts of the run."""
    counts = [len(pair.answer(side).text.split()) for _, pair in pairs_of(run)]
    return sum(counts) / len(counts)


def share_right(run: Run, side: Side) -> float:
    """Of all prompts of the run, 0..1."""
    marks = [is_right(fact, pair.answer(side).text) for fact, pair in pairs_of(run)]
    return sum(marks) / len(marks)
