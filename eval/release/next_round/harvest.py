"""`blindside harvest`: verdicts become pairs, and their prompts are retired.

A pair is taken where enough reviewers agree on the better answer. Everything else is counted by its reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from blindside import console
from blindside.tables.rows import Excluded, Message
from blindside.words import counted
from eval.answers import read_answers
from eval.collect.prompts.prompt_set import training_key
from eval.collect.prompts.retired import Retired, retire
from eval.errors import InputError, RunError
from eval.evidence.reviewers.criteria import grade
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.judge.study.study import STRENGTH
from eval.records import SIDES, Prompt, Side, Verdict, utc_now
from eval.records import Pair as Asked
from eval.run import Run
from train.errors import PairsError
from train.pairs.convert import Tally, write_counted
from train.pairs.pair import Pair

Say = Callable[[str], None]


@dataclass(frozen=True)
class Thresholds:
    """When a preference is sure enough. `agreement`: the share of all verdicts on a pair, ties and both-bad among them,
    that its winner must have, and always more than half; `reviewers`: how many verdicts a pair must have; `margin`: in
    a graded study, the mean grade that its winner must have: 1 for better, 2 for much better, 0 for a tie."""

    agreement: float = 0.6
    reviewers: int = 1
    margin: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.agreement <= 1 or self.reviewers < 1:
            raise InputError("agreement is a share from 0 to 1, and reviewers at least 1: give such numbers")
        if not 0 <= self.margin <= 2:
            raise InputError("margin is a mean grade from 0 to 2: give such a number")


@dataclass(frozen=True)
class Harvest:
    """`tally` counts prompts of the run (in = pairs + excluded), `verdicts` the file's rows by what became of them."""

    tally: Tally
    verdicts: Counter[str]
    retired: int


def harvest(run: Run, out: Path, *, thresholds: Thresholds = Thresholds(), say: Say = console.say) -> Harvest:
    """Write the pairs that the verdicts of `run` give to `out` (.jsonl, .jsonl.gz, .parquet), and retire their prompts.

    Prompts are retired before the pairs can be used, so that a crash never leaves one of them in both places. Raises
    RunError where nobody has judged or no pair is sure enough, InputError for files that can't be read.
    """
    rows = read_verdicts(run.verdicts_path, run=run.name)
    if not rows:
        raise RunError(f"run {run.name} has no verdicts yet: judge it first")
    verdicts, votes = _votes(rows)
    if thresholds.margin and not any(map(_graded, votes.values())):
        raise InputError(f"run {run.name} was judged without grades: leave the margin out")
    prompts = run.prompts()
    asked = {pair.prompt_id: pair for pair in read_answers(run.responses_path).pairs(prompts)}
    found = [
        _pair(run, n, prompt, asked.get(prompt.id), votes[prompt.id], thresholds) for n, prompt in enumerate(prompts, 1)
    ]
    taken = {str(pair.source["item"]) for pair in found if isinstance(pair, Pair) and pair.source}
    count = retire_prompts(run, (prompt for prompt in prompts if prompt.id in taken), out)
    tally = _write(
        found, out, run, say, f"Verdicts of run {run.name} on which at least {thresholds.agreement:.0%} agree."
    )
    for reason, n in verdicts.items():
        say(f"{counted(n, 'verdict')}: {reason}")
    say(f"{counted(count, 'prompt')} retired: later runs leave them out")
    return Harvest(tally, verdicts, count)


def _votes(rows: Sequence[Verdict]) -> tuple[Counter[str], defaultdict[str, list[Verdict]]]:
    """What became of every row, and the judgements that count, by item."""
    counted = in_force(rows)
    counts = (
        Counter({"replaced or withdrawn": len(rows) - len(counted)}) if len(counted) < len(rows) else Counter[str]()
    )
    votes: defaultdict[str, list[Verdict]] = defaultdict(list)
    for row in counted:
        counts["counted" if row.kind == "judgement" else f"left out: {row.kind}"] += 1
        if row.kind == "judgement":
            votes[row.item].append(row)
    return counts, votes


def _pair(
    run: Run, number: int, prompt: Prompt, asked: Asked | None, votes: Sequence[Verdict], thresholds: Thresholds
) -> Pair | Excluded:
    """`number` is the prompt's line in prompts.jsonl."""
    path = str(run.prompts_path)
    reason = _unanswered(asked, votes, thresholds)
    if reason or asked is None:
        return Excluded(path, number, reason, f"{prompt.id}: {reason}")
    outcomes = Counter(str(vote.outcome) for vote in votes)
    winner: Side = max(SIDES, key=lambda side: outcomes[side])
    margin = _margin(votes, winner)
    reason = _unsure(outcomes, winner, thresholds) or _unfit(asked, winner)
    reason = reason or ("too small a margin" if margin < thresholds.margin else "")
    if reason:
        return Excluded(path, number, reason, f"{prompt.id}: {reason}")
    loser: Side = "base" if winner == "tuned" else "tuned"
    source = {
        "kind": "verdicts",
        "run": run.name,
        "item": prompt.id,
        "verdicts": [vote.verdict_id for vote in votes],
        "prefer_chosen": outcomes[winner],
        "prefer_rejected": outcomes[loser],
        "neither": len(votes) - outcomes[winner] - outcomes[loser],
        **({"margin": round(margin, 4)} if _graded(votes) else {}),
        "chosen_side": winner,
        "chosen_sha256": asked.answer(winner).sha256,
        "rejected_sha256": asked.answer(loser).sha256,
        "chosen_model": run.info.models[winner].name,
        "rejected_model": run.info.models[loser].name,
    }
    messages: tuple[Message, ...] = tuple({"role": m.role, "content": m.content} for m in prompt.messages)
    return Pair(path, number, messages, asked.answer(winner).text, asked.answer(loser).text, prompt.id, source)


def _unanswered(asked: Asked | None, votes: Sequence[Verdict], thresholds: Thresholds) -> str:
    """Why there is nothing to count; empty where there is."""
    if asked is None:
        return "an answer is missing"
    if asked.identical:
        return "both answers are the same"
    if not votes:
        return "not judged"
    if len(votes) < thresholds.reviewers:
        return f"fewer than {thresholds.reviewers} verdicts"
    if any((v.base_sha256, v.tuned_sha256) != (asked.base.sha256, asked.tuned.sha256) for v in votes):
        return "judged on another text than the run has now"
    return ""


def _graded(votes: Sequence[Verdict]) -> bool:
    return any(vote.criteria.get(STRENGTH) for vote in votes)


def _margin(votes: Sequence[Verdict], winner: Side) -> float:
    """Mean grade for the winner of all verdicts that prefer or tie, from -2 to 2."""
    grades = [one for vote in votes if (one := grade(vote)) is not None]
    return (1 if winner == "tuned" else -1) * sum(grades) / max(1, len(grades))


def _unsure(outcomes: Counter[str], winner: Side, thresholds: Thresholds) -> str:
    """Why the verdicts name no winner; empty where they do."""
    total = outcomes.total()
    if outcomes["both_bad"] * 2 > total:
        return "both bad"
    if outcomes["tie"] * 2 > total:
        return "tie"
    if outcomes[winner] * 2 <= total:
        return "no majority"
    return "too little agreement" if outcomes[winner] < thresholds.agreement * total else ""


def _unfit(asked: Asked, winner: Side) -> str:
    """Why an answer must not be taught though it is the better one."""
    return _UNFIT.get(asked.answer(winner).ending, "")


_UNFIT = {
    "cut": "the better answer was cut at the token limit",
    "filtered": "the better answer was ended by a content filter",
    "tool call": "the better answer ends in a tool call",
    "error": "the better answer was broken off",
}


def retire_prompts(run: Run, prompts: Iterable[Prompt], out: Path) -> int:
    """Write down that these prompts are training data from now on; returns how many are new."""
    now = utc_now()
    rows = [
        Retired(prompt_key=training_key(p), run=run.name, item=p.id, retired_at=now, pairs=str(out)) for p in prompts
    ]
    return retire(run.folder.parent, rows)


def _write(rows: Iterable[Pair | Excluded], out: Path, run: Run, say: Say, how: str) -> Tally:
    try:
        return write_counted(rows, out, origin=f"run {run.name}", how=how, say=say)
    except PairsError as error:
        raise RunError(f"{error}: judge more, or require less agreement") from None
