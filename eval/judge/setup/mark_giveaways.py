"""Searches all answers for giveaways before judging, and records the pairs in run.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from eval.errors import InputError
from eval.judge.setup.giveaways import Finder, Giveaway, masked
from eval.judge.study.study import Study
from eval.judge.study.tasks import Task
from eval.records import SIDES, Response, Side
from eval.run import Run, open_run
from eval.run_info import GiveawayRecord

#: side -> what was found in its answer; only sides in which something was.
Found = Mapping[Side, list[Giveaway]]


@dataclass(frozen=True)
class MarkedAnswers:
    """The tasks that may be asked, and what was found in them. `held`: how many are held back."""

    run: Run
    tasks: dict[str, Task]
    found: dict[str, Found]
    held: int
    #: Items whose thinking may be shown: both models thought, and neither is named by it.
    thinking: frozenset[str] = frozenset()

    def shown(self, item: str, task: Task, *, mask: bool) -> Task:
        """A task as a reviewer may see it. Thinking that only one side has would tell which one it is."""
        if item not in self.thinking:
            task = _without_thinking(task)
        found = self.found.get(item)
        if not mask or not found:
            return task
        if task.answer is not None:
            return replace(task, answer=_masked(task.answer, found))
        assert task.pair is not None
        sides = {"base": _masked(task.pair.base, found), "tuned": _masked(task.pair.tuned, found)}
        return replace(task, pair=task.pair.model_copy(update=sides))


def mark_giveaways(run: Run, study: Study, tasks: dict[str, Task]) -> MarkedAnswers:
    """Look through all answers, write `giveaways` into run.json where that changes, and hold back what is to be held.

    Raises InputError where run.json cannot be written.
    """
    finder = Finder(run.info.models.values(), study.giveaways.phrases)
    looked = {item: _look(finder, task) for item, task in tasks.items()}
    found = {item: sides for item, sides in looked.items() if sides}
    policy = study.giveaways.policy
    asked = {item: task for item, task in tasks.items() if policy != "hold" or item not in found}
    record = GiveawayRecord(
        policy=policy,
        looked_at=len(tasks),
        pairs=len(found),
        held=len(tasks) - len(asked),
        by_side={side: sum(side in sides for sides in found.values()) for side in SIDES},
        items={item: _words_of(tasks[item], sides) for item, sides in found.items()},
    )
    thinking = frozenset(item for item, task in asked.items() if study.show_thinking and _both_think(finder, task))
    return MarkedAnswers(_written(run, record), asked, found, len(tasks) - len(asked), thinking)


def _both_think(finder: Finder, task: Task) -> bool:
    answers = (task.pair.base, task.pair.tuned) if task.pair else ()
    return bool(answers) and all(
        answer.thinking.strip() and not finder.find(answer.thinking, task.messages) for answer in answers
    )


def _without_thinking(task: Task) -> Task:
    if task.answer is not None:
        return replace(task, answer=task.answer.model_copy(update={"thinking": ""}))
    assert task.pair is not None
    sides = {str(side): task.pair.answer(side).model_copy(update={"thinking": ""}) for side in SIDES}
    return replace(task, pair=task.pair.model_copy(update=sides))


def _look(finder: Finder, task: Task) -> Found:
    answers = (task.answer,) if task.pair is None else (task.pair.base, task.pair.tuned)
    found = {answer.side: finder.find(answer.text, task.messages) for answer in answers if answer is not None}
    return {side: giveaways for side, giveaways in found.items() if giveaways}


def _words_of(task: Task, found: Found) -> dict[Side, list[str]]:
    """side -> the words that give it away, each once."""
    by_side: dict[Side, list[str]] = {}
    for side, giveaways in found.items():
        answer = task.answer or (task.pair.answer(side) if task.pair else None)
        words = [answer.text[one.start : one.end] for one in giveaways] if answer else []
        by_side[side] = list(dict.fromkeys(words))
    return by_side


def _written(run: Run, record: GiveawayRecord) -> Run:
    # Read again: whoever collects into this run meanwhile writes its times and counts.
    now = open_run(run.folder.parent, run.folder.name)
    if now.info.giveaways == record:
        return now
    try:
        return now.update(giveaways=record)
    except OSError as error:
        path = run.folder / "run.json"
        raise InputError(f"cannot be written ({error.strerror}): fix that, then judge", path=path) from None


def _masked(answer: Response, found: Found) -> Response:
    giveaways = found.get(answer.side)
    return answer.model_copy(update={"text": masked(answer.text, giveaways)}) if giveaways else answer
