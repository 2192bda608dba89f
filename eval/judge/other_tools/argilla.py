"""Reads Argilla's records with responses, of version 2 (nested, or flattened) and version 1."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from blindside.tables.codes import TIE, A, B
from blindside.tables.rows import MALFORMED, Excluded, Record, Unusable, identity, number
from eval.judge.other_tools.given_verdict import (
    COLUMNS,
    SKIPPED,
    UNANSWERED,
    ColumnNames,
    GivenVerdict,
    answers_in,
    text,
)

_RESPONSES, _USERS, _STATUS = ".responses", ".responses.users", ".responses.status"
#: Question -> value of one person, and the status of their response.
Answered = dict[str, Any]


def is_argilla(values: Mapping[str, Any]) -> bool:
    """Whether a row has fields and people's responses to questions."""
    return next(_responses(values), None) is not None or (
        isinstance(values.get("fields"), dict) and isinstance(values.get("responses"), dict)
    )


def from_argilla(record: Record, names: ColumnNames) -> Iterator[GivenVerdict | Excluded]:
    """One verdict a person; drafts, and records without a response, are an Excluded."""
    people: dict[str, Answered] = defaultdict(dict)
    statuses: dict[str, str] = {}
    for question, user, value, status in _responses(record.values):
        people[user][question] = value
        statuses[user] = status
    if not people:
        yield Excluded(record.path, record.line, UNANSWERED, "nobody has submitted a response")
    for user, answered in people.items():
        try:
            if statuses[user] == "draft":
                raise Unusable(UNANSWERED, "the response is a draft")
            yield _given(record, user, answered, names, skipped=statuses[user] == "discarded")
        except Unusable as error:
            yield Excluded(record.path, record.line, error.reason, error.detail)


def _responses(values: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, str]]:
    """(question, user, value, status) of every response."""
    nested = values.get("responses")
    if isinstance(nested, Mapping):
        for question, items in nested.items():
            yield from _items(str(question), items)
        return
    for name, items in values.items():
        if name.endswith(_RESPONSES) and isinstance(items, list):
            question = name.removesuffix(_RESPONSES)
            users = values.get(question + _USERS) or [""] * len(items)
            status = values.get(question + _STATUS) or ["submitted"] * len(items)
            for value, user, one in zip(items, users, status, strict=False):
                yield question, identity(user), value, str(one or "submitted")
        elif (
            isinstance(items, list)
            and items
            and all(isinstance(i, dict) and {"value", "user_id"} <= i.keys() for i in items)
        ):
            yield from _items(name, items)


def _items(question: str, items: Any) -> Iterator[tuple[str, str, Any, str]]:
    for one in items if isinstance(items, list) else ():
        if isinstance(one, Mapping):
            yield question, identity(one.get("user_id")), one.get("value"), str(one.get("status") or "submitted")


def _given(record: Record, user: str, answered: Answered, names: ColumnNames, *, skipped: bool) -> GivenVerdict:
    values = record.values
    inner = values.get("fields")
    shown = {str(name).lower(): value for name, value in (inner if isinstance(inner, Mapping) else values).items()}
    beside = {**values, **(values["metadata"] if isinstance(values.get("metadata"), Mapping) else {})}
    answers = answers_in(shown)
    return GivenVerdict(
        line=record.line,
        reviewer=user,
        said=SKIPPED if skipped else _comparison_value(answered, list(shown), names),
        task=identity(names.value(beside, "task")) or identity(values.get("id")),
        item=identity(names.value(beside, "id")),
        prompt=names.value(shown, "prompt"),
        answers=answers,
        comment=text(next((answered[name] for name in names.columns("comment") if name in answered), None)),
    )


def _comparison_value(answered: Answered, fields: list[str], names: ColumnNames) -> Any:
    """The value of the question that compares: a label, or a ranking of two."""
    wanted = names.given.get("outcome")
    ranked = [name for name, value in answered.items() if isinstance(value, list)]
    name = wanted or next((one for one in (*COLUMNS["outcome"], *ranked) if one in answered), None)
    if name is None and len(answered) == 1:
        name = next(iter(answered))
    if name is None or name not in answered:
        raise Unusable(
            UNANSWERED, "no response says which answer is better: name the question by --column outcome=NAME"
        )
    value = answered[name]
    return _ranking(value, fields) if isinstance(value, list) else value


def _ranking(value: list[Any], fields: list[str]) -> str:
    """Which of two fields comes first: the earlier one of the record, the later one, or both alike."""
    found = [(number(one.get("rank")), one.get("value")) if isinstance(one, Mapping) else (None, one) for one in value]
    ranked = [(float(place) if rank is None else rank, str(name).lower()) for place, (rank, name) in enumerate(found)]
    if len(ranked) != 2 or not all(name in fields for _, name in ranked):
        raise Unusable(MALFORMED, f"has a ranking that is not of two of its fields: {value!r:.80}")
    if ranked[0][0] == ranked[1][0]:
        return TIE
    first = min(ranked)[1]
    return A if first == min((name for _, name in ranked), key=fields.index) else B
