"""`blindside export-tasks`: a run's pairs as blind tasks for another tool.

Only places go out: which model is on the left comes from the run's key and stays in the run (`exported`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from blindside import console
from blindside.words import counted
from eval.errors import InputError, RunError
from eval.journal import write_atomically
from eval.judge.other_tools.exported import ExportedTask, read_exported, write_exported
from eval.judge.setup.begin import JudgingSetup, begin_judging, refuse_candidate
from eval.judge.setup.policy_check import notes
from eval.judge.study.study import Study
from eval.judge.study.tasks import Task
from eval.records import Message, Side, sha256_text
from eval.run import Run

Say = Callable[[str], None]
Tool = Literal["label-studio", "argilla"]
TOOLS: tuple[Tool, ...] = get_args(Tool)
_TITLE = "Which answer is better?"
#: A text as Argilla takes it: an empty one is refused there.
_EMPTY = "(empty answer)"


@dataclass(frozen=True)
class BlindTask:
    """One task as people elsewhere see it."""

    task: str
    prompt: str
    left: str
    right: str
    reviewers: int


def export_tasks(run: Run, tool: Tool, out: Path, study: Study | None = None, *, say: Say = console.say) -> list[Path]:
    """Write the tasks of a run into the folder `out`, and return the files. Study, key and plan are fixed by it.

    The same tasks go out however often it is called. Raises InputError where files cannot be read or written, RunError
    where the sides of the run are no secret.
    """
    refuse_candidate(run)
    setup = begin_judging(run, study)
    if setup.blinding.rule == "unkeyed":
        raise RunError(
            f"run {run.name} was judged when reviewers could compute sides: export from a run of another name"
        )
    if setup.study.mode != "compare":
        raise RunError("a study of thumbs shows one answer at a time: export a study with `mode: compare`")
    for line in notes(setup):
        say(f"note: {line}")
    made = {shown.task: (shown, key) for shown, key in _tasks(setup)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        # The key first: a task that nobody can map back would be lost work.
        write_exported(run, read_exported(run) | {task: key for task, (_, key) in made.items()})
        files = _WRITERS[tool](setup.study, [shown for shown, _ in made.values()])
        for name, data in files.items():
            write_atomically(out / name, data)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}): free the disk or the folder", path=out) from None
    twice = sum(shown.reviewers > 1 for shown, _ in made.values())
    several = f"{twice} of them for several reviewers (`reviewers`)"
    say(f"{counted(len(made), 'task')}, {several}; only this run's folder records which model is on the left")
    return [out / name for name in files]


def _tasks(setup: JudgingSetup) -> list[tuple[BlindTask, ExportedTask]]:
    """The pairs that people are asked, in the order of the plan, which has nothing to do with what they hold."""
    asked = setup.plan.reviewers
    items = [item for item in setup.plan.drawn if item in asked]
    sides = setup.blinding.sides("", items)
    return [_task(setup, item, setup.marked.tasks[item], sides[item], asked[item]) for item in items]


def _task(setup: JudgingSetup, item: str, task: Task, left: Side, reviewers: int) -> tuple[BlindTask, ExportedTask]:
    assert task.pair is not None
    shown = setup.marked.shown(item, task, mask=setup.study.giveaways.policy == "mask").pair
    assert shown is not None
    right: Side = "tuned" if left == "base" else "base"
    texts = shown.answer(left).text, shown.answer(right).text
    return (
        BlindTask(setup.blinding.seeded("task", "", item).hex()[:20], _asked(task.messages), *texts, reviewers),
        ExportedTask(
            item=item,
            left=left,
            base_sha256=task.pair.base.sha256,
            tuned_sha256=task.pair.tuned.sha256,
            shown=(shown_sha256(texts[0]), shown_sha256(texts[1])),
        ),
    )


def shown_sha256(text: str) -> str:
    """Hex sha256 of a text as it comes back from other tools: white space as single blanks."""
    return sha256_text(" ".join((text if text.strip() else _EMPTY).split()))


def _asked(messages: Sequence[Message]) -> str:
    if len(messages) == 1:
        return messages[0].content
    return "\n\n".join(f"{message.role}: {message.content}" for message in messages)


def _data(one: BlindTask) -> dict[str, Any]:
    texts = {name: text if text.strip() else _EMPTY for name, text in (("left", one.left), ("right", one.right))}
    return {"task": one.task, "prompt": one.prompt, **texts, "reviewers": one.reviewers}


def _label_studio(study: Study, tasks: Sequence[BlindTask]) -> Mapping[str, bytes]:
    question = study.question.say("en") if study.question else _TITLE
    config = _CONFIG.format(question=_attribute(question))
    return {"tasks.json": _json([{"data": _data(one)} for one in tasks]), "label-studio.xml": config.encode()}


def _attribute(text: str) -> str:
    pairs = (("&", "&amp;"), ('"', "&quot;"), ("<", "&lt;"), (">", "&gt;"))
    for plain, escaped in pairs:
        text = text.replace(plain, escaped)
    return text


def _argilla(study: Study, tasks: Sequence[BlindTask]) -> Mapping[str, bytes]:
    question = study.question.say("en") if study.question else _TITLE
    records = [
        {
            "id": one.task,
            "fields": {name: _data(one)[name] for name in ("prompt", "left", "right")},
            "metadata": {"reviewers": one.reviewers},
            "suggestions": {},
            "responses": {},
            "vectors": {},
        }
        for one in tasks
    ]
    labels = {"left": "Left", "right": "Right", "tie": "Tie", "both_bad": "Both bad"}
    options = [{"value": value, "text": text} for value, text in labels.items()]
    better = {"type": "label_selection", "options": options, "visible_options": len(options)}
    settings = {
        "guidelines": question,
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": max((one.reviewers for one in tasks), default=1)},
        "fields": [
            _named(name, name.capitalize(), {"type": "text", "use_markdown": False})
            for name in ("prompt", "left", "right")
        ],
        "questions": [
            _named("better", question, better),
            _named("comment", "Comment (optional)", {"type": "text", "use_markdown": False}, required=False),
        ],
        "vectors": [],
        "metadata": [
            {
                "name": "reviewers",
                "title": "Reviewers",
                "settings": {"type": "integer", "min": None, "max": None},
                "visible_for_annotators": False,
            }
        ],
    }
    return {"records.json": _json(records), "settings.json": _json(settings)}


def _named(name: str, title: str, settings: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "title": title, "description": None, "required": required, "settings": settings}


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


_CONFIG = """<View>
  <Header value="{question}"/>
  <Text name="prompt" value="$prompt"/>
  <View style="display: flex; gap: 1em">
    <View style="flex: 1"><Text name="left" value="$left"/></View>
    <View style="flex: 1"><Text name="right" value="$right"/></View>
  </View>
  <Pairwise name="better" toName="left,right"/>
  <Choices name="neither" toName="prompt" choice="single-radio" showInline="true">
    <Choice value="tie"/>
    <Choice value="both bad"/>
  </Choices>
  <TextArea name="comment" toName="prompt" placeholder="Comment (optional)" maxSubmissions="1"/>
</View>
"""
_WRITERS: dict[Tool, Callable[[Study, Sequence[BlindTask]], Mapping[str, bytes]]] = {
    "label-studio": _label_studio,
    "argilla": _argilla,
}
