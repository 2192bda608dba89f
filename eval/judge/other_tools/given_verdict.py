"""One verdict as another tool's file has it, and the columns of a plain table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from blindside.tables.codes import CHOICE, answer_columns, by_model
from blindside.tables.prompt_columns import CONVERSATION, QUESTION
from blindside.tables.rows import Excluded, Record, filled, first_filled, identity, number

UNANSWERED = "no verdict"
SKIPPED = "skipped by the reviewer"
#: Columns of a plain table by what they hold, in the order in which they are looked for.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "task": ("task",),
    "id": ("id", "prompt_id", "question_id", "custom_id", "item"),
    "prompt": (*CONVERSATION, *QUESTION),
    "reviewer": (
        *("reviewer", "annotator", "rater", "user", "user_id", "worker", "worker_id", "evaluator", "judge"),
        *("completed_by", "email", "name"),
    ),
    "outcome": ("outcome", "verdict", *CHOICE, "neither", "result"),
    "left": ("left", "left_model", "model_a"),
    "seconds": ("seconds", "lead_time", "duration", "time_spent"),
    "time": ("judged_at", "updated_at", "created_at", "timestamp", "time", "date", "tstamp"),
    "comment": ("comment", "comments", "notes", "note", "reason", "justification"),
}


@dataclass(frozen=True)
class GivenVerdict:
    """`said` is what the reviewer chose, in the file's own words. Empty texts, and None, are not said."""

    line: int
    reviewer: str
    said: Any
    #: Of a task that `export-tasks` made.
    task: str = ""
    item: str = ""
    prompt: Any = None
    #: The answer shown first, and the other one.
    answers: tuple[str, str] | None = None
    #: The number that the columns of the answers give to the first one.
    first: int | None = None
    #: The model of the first answer, in the file's own words.
    left: str = ""
    seconds: float | None = None
    at: str = ""
    comment: str = ""


@dataclass(frozen=True)
class ColumnNames:
    """Columns, fields or controls as the user names them, by the keys of COLUMNS; others are found by themselves."""

    given: Mapping[str, str] = field(default_factory=dict)

    def value(self, values: Mapping[str, Any], what: str) -> Any:
        """What the first filled column of this kind holds; None where there is none."""
        name = first_filled(values, self.columns(what))
        return None if name is None else values[name]

    def columns(self, what: str) -> tuple[str, ...]:
        return (self.given[what].lower(),) if what in self.given else COLUMNS[what]


def from_plain(record: Record, names: ColumnNames) -> Iterator[GivenVerdict | Excluded]:
    """A row of a table: a verdict, by its columns. Label Studio's flat exports are such tables too."""
    values = {str(name).strip().lower(): value for name, value in record.values.items()}
    choice = _selected(by_model(values, names.value(values, "outcome")))
    if "annotation_id" in values and not filled(values["annotation_id"]):
        yield Excluded(record.path, record.line, UNANSWERED, "nobody has annotated the task")
        return
    answers = answers_in(values)
    one, other = answer_columns(values)[:2]
    left = names.value({name: value for name, value in values.items() if answers is None or name != one}, "left")
    in_place = answers is None and other in values and one == "left"
    yield GivenVerdict(
        line=record.line,
        reviewer=identity(names.value(values, "reviewer")),
        said=choice,
        task=identity(names.value(values, "task")),
        item=identity(names.value(values, "id")),
        prompt=names.value(values, "prompt"),
        answers=answers,
        first=answer_columns(values)[2] if answers else None,
        left="" if in_place else identity(left),
        seconds=number(names.value(values, "seconds")),
        at=utc(names.value(values, "time")),
        comment=text(names.value(values, "comment")),
    )


def answers_in(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """Both answers where a row has them as texts."""
    one, other, _ = answer_columns(values)
    a, b = values.get(one), values.get(other)
    return (a, b) if isinstance(a, str) and isinstance(b, str) and a.strip() and b.strip() else None


def _selected(choice: Any) -> Any:
    """Label Studio's flat exports hold a pairwise choice as [{"selected": "left"}]."""
    if isinstance(choice, str) and choice.startswith('[{"selected":'):
        return choice.split('"')[3]
    if isinstance(choice, list) and len(choice) == 1:
        return choice[0].get("selected") if isinstance(choice[0], dict) else choice[0]
    return choice


def text(value: Any) -> str:
    """A cell or a list of texts as one text."""
    if isinstance(value, list):
        return "\n".join(str(one) for one in value if filled(one))
    return str(value).strip() if filled(value) else ""


def utc(value: Any) -> str:
    """A time as UTC in ISO 8601, to the millisecond; "" for what is no time. Without a zone it is taken for UTC."""
    seconds = number(value)
    try:
        if seconds is not None:
            at = datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        else:
            at = datetime.fromisoformat(str(value).strip())
            at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
