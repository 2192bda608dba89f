"""Reads Label Studio's JSON: tasks with annotations, each a list of results of the project's controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blindside.tables.rows import MALFORMED, Excluded, Record, Unusable, identity, number
from eval.judge.other_tools.given_verdict import SKIPPED, UNANSWERED, ColumnNames, GivenVerdict, answers_in, text, utc

#: Controls that may hold the verdict, and under which name their value does.
_VERDICTS = {"pairwise": "selected", "choices": "choices"}


def is_label_studio(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("data"), dict) and isinstance(values.get("annotations"), list)


def from_label_studio(record: Record, names: ColumnNames) -> Iterator[GivenVerdict | Excluded]:
    """Every annotation of a task; a task without one, and an annotation that cannot be read, is an Excluded."""
    data = {str(name).lower(): value for name, value in record.values["data"].items()}
    annotations = record.values["annotations"]
    if not annotations:
        yield Excluded(record.path, record.line, UNANSWERED, "nobody has annotated the task")
    for one in annotations:
        try:
            if not isinstance(one, dict):
                raise Unusable(MALFORMED, "has an annotation that is not an object")
            yield _annotation(record.line, data, one, names)
        except Unusable as error:
            yield Excluded(record.path, record.line, error.reason, error.detail)


def _annotation(line: int, data: Mapping[str, Any], one: Mapping[str, Any], names: ColumnNames) -> GivenVerdict:
    results = one.get("result") or []
    if not isinstance(results, list) or not all(
        isinstance(r, dict) and isinstance(r.get("value"), dict) for r in results
    ):
        raise Unusable(MALFORMED, "has an annotation whose results are no list of objects")
    skipped = one.get("was_cancelled") is True
    choice = SKIPPED if skipped else _control_value(results, names)
    answers = answers_in(data)
    return GivenVerdict(
        line=line,
        reviewer=_person(one.get("completed_by")),
        said=choice,
        task=identity(names.value(data, "task")),
        item=identity(names.value(data, "id")),
        prompt=names.value(data, "prompt"),
        answers=answers,
        left="" if answers else identity(names.value(data, "left")),
        seconds=number(one.get("lead_time")),
        at=utc(one.get("updated_at") or one.get("created_at")),
        comment=text([text(r["value"].get("text")) for r in results if r.get("type") == "textarea"]),
    )


def _control_value(results: list[dict[str, Any]], names: ColumnNames) -> Any:
    """What the controls for the verdict hold. Raises Unusable where they say several things, or nothing."""
    wanted = names.given.get("outcome")
    found: list[Any] = []
    for result in results:
        kind = _VERDICTS.get(str(result.get("type")))
        if kind and (wanted is None or result.get("from_name") == wanted):
            value = result["value"].get(kind)
            found += value if isinstance(value, list) else [value]
    if not found:
        raise Unusable(UNANSWERED, "the annotation holds no choice")
    if len(found) > 1:
        shown = ", ".join(map(str, found))
        raise Unusable("says several things", f"one annotation says {shown}: name the control by --column outcome=NAME")
    return found[0]


def _person(value: Any) -> str:
    """Who annotated: an address or a name, or the number that Label Studio gives a user."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("username") or value.get("id")
    found = identity(value)
    return f"label-studio-{found}" if found.isdigit() else found
