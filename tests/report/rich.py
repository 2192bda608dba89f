"""A run with all that the pages can draw: tags, criteria, comments in two languages, must-pass prompts, skips, an
earlier run, and the pictures of two trainings."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from eval.answers import read_answers
from eval.expect.expect import Expect
from eval.journal import Journal
from eval.judge.csv_codec import encode_row
from eval.judge.setup.frozen_study import freeze_study
from eval.judge.setup.plan import Plan, PlannedPair, plan_path, write_plan
from eval.judge.store.hash_chain import seal_of
from eval.judge.store.side_files import Skip, append_skip
from eval.judge.study.study import Overlap, Study
from eval.records import SIDES, Mark, Message, Pair, Prompt, Response, Verdict
from eval.run import Run
from tests.evidence.judged import verdict_on
from tests.judge.runs import make_run_of, response

REVIEWERS = ("Ann Lee", "bob", "李雷")
CATEGORIES = ("colours", "geography", "算术", "code", "writing")
STUDY = Study.model_validate(
    {
        "tags": {"incorrect": None, "too_long": None, "ignores_instruction": {"en": "off the brief", "zh": "答非所问"}},
        "criteria": [
            {"name": "helpful", "question": {"en": "More helpful?", "zh": "哪个更有帮助？"}, "scale": "pairwise"},
            {"name": "quality", "question": {"en": "How good?", "zh": "有多好？"}, "scale": [1, 2, 3, 4, 5]},
            {
                "name": "tone",
                "question": {"en": "Which tone?", "zh": "哪种语气？"},
                "scale": {"cold": {"en": "cold", "zh": "冷淡"}, "warm": {"en": "warm", "zh": "亲切"}},
            },
        ],
        "overlap": {"reviewers": 3, "share": 1.0},
        "practice": 0,
    }
)
LIKED = (
    "short and clear, as I asked",
    "gets to the point, short and clear",
    "回答简洁明了，很好",
    "简洁明了",
    "reads well",
)
DISLIKED = (
    "far too long",
    "it is far too long and repeats itself",
    "啰嗦，太长了",
    "wrong number in the end",
    "太长了，而且有错误",
)


def make_rich(folder: Path, *, pairs: int = 90, name: str = "second", lean: float = 5.0, seed: int = 3) -> Run:
    """Three people judge most pairs, the tuned model is preferred by `lean` to three."""
    dice = random.Random(seed)
    prompts = [_prompt(n) for n in range(pairs)]
    run = make_run_of(folder, prompts, [row for asked in prompts for row in _answers(asked, dice)], name=name)
    freeze_study(run, STUDY)
    there = [pair for pair in read_answers(run.responses_path).pairs(prompts) if not pair.identical]
    planned = tuple(PlannedPair(item=pair.prompt_id, drawn=True, reviewers=len(REVIEWERS)) for pair in there)
    write_plan(
        plan_path(run),
        Plan(blinding="keyed", mode="compare", overlap=Overlap(reviewers=3, share=1.0), sample=1.0, pairs=planned),
    )
    write_rows(run, _verdicts(run, there, dice, lean))
    skip = Skip(
        run=name, item=there[-1].prompt_id, reviewer="Skipper", kind="judgement", skipped_at="2026-01-31T12:00Z"
    )
    append_skip(run, skip)
    for path, end in ((run.picture_path, 60), (run.base_picture_path, 90)):
        line = f'<path d="M20 400 L300 120 L700 {end}"/>'
        path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 752 500">{line}</svg>')
    return run


def write_rows(run: Run, verdicts: Sequence[Verdict]) -> None:
    """Append rows with the columns of STUDY, each sealed after those before it."""
    columns, rows, before = STUDY.columns, [], _last_seal(run)
    for verdict in verdicts:
        before = seal_of(verdict, before, columns)
        rows.append(encode_row(verdict.model_copy(update={"seal": before}), columns))
    Journal(run.verdicts_path).append(b"".join(rows), header=columns.header())


def _last_seal(run: Run) -> str:
    if not run.verdicts_path.exists():
        return ""
    return run.verdicts_path.read_text("utf-8").rstrip("\n").rpartition(",")[2]


def _prompt(n: int) -> Prompt:
    asked = Message(role="user", content=f"Question {n}: what would you call a boat of two colours?")
    expect = Expect(contains=("**clear**",)) if n % 8 == 3 else None
    return Prompt(id=f"item-{n:03}", messages=(asked,), category=CATEGORIES[n % len(CATEGORIES)], expect=expect)


def _answers(asked: Prompt, dice: random.Random) -> list[Response]:
    base = f"About {asked.id}: " + "a longer answer, with more words than it needs. " * dice.randint(1, 6)
    tuned = f"About {asked.id}: " + "short and **clear**. " * dice.randint(1, 9)
    if dice.random() < 0.4:
        tuned += "\n\n- one\n- two\n"
    return [
        response(asked, "base", base),
        response(asked, "tuned", tuned, finish_reason=dice.choice(("stop", "length"))),
    ]


def _verdicts(run: Run, pairs: Sequence[Pair], dice: random.Random, lean: float) -> list[Verdict]:
    rows = []
    for at, who in enumerate(REVIEWERS):
        order = dice.sample(list(pairs), len(pairs))[: len(pairs) - 4 * at]
        rows += [_verdict(run, pair, who, place / len(order), dice, lean) for place, pair in enumerate(order)]
    return dice.sample(rows, len(rows))


def _verdict(run: Run, pair: Pair, who: str, late: float, dice: random.Random, lean: float) -> Verdict:
    outcome: Mark = dice.choices(("tuned", "base", "tie", "both_bad"), (lean, 3, 1, 0.7))[0]
    liked = {"tuned": LIKED, "base": DISLIKED}.get(outcome, DISLIKED)
    tagged = tuple(tag for tag in STUDY.tags if dice.random() < (0.3 if outcome != "tuned" else 0.05))
    criteria = {
        "helpful": dice.choice((*SIDES, "tie")),
        "quality_base": str(dice.randint(1, 4)),
        "quality_tuned": str(dice.randint(2, 5)),
        "tone_base": dice.choice(("cold", "warm")),
        "tone_tuned": "warm",
    }
    return verdict_on(
        run,
        pair,
        outcome,
        reviewer=who,
        left=dice.choice(SIDES),
        seconds=round(dice.uniform(4, 40) * (1.4 - late), 2),
        comment=dice.choice(liked) if dice.random() < 0.3 else "",
        criteria=criteria,
        tags_tuned=tagged,
        tags_base=("too_long",) if dice.random() < 0.4 else (),
    )
