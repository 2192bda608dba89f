"""The form beside the verdict: by left and right on the page, by model in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from eval.judge.study.localized import Label, Language
from eval.judge.study.page_texts import tag_text
from eval.judge.study.study import Criterion, Mode, Reason, Study
from eval.records import SIDES, Side

Place = Literal["left", "right"]
PLACES: tuple[Place, ...] = get_args(Place)
_PLACE: dict[str, Place] = {place: place for place in PLACES}
_SIDE: dict[str, Side] = {side: side for side in SIDES}


@dataclass(frozen=True)
class Notice:
    """Something to tell the reviewer: a key of the table of strings, and what it is about."""

    key: str
    detail: str = ""


#: In the mode `graded`: a choice -> what it prefers, and how far (eval.judge.study.study.STRENGTHS).
GRADES = {
    "left_much": ("left", "2"),
    "left": ("left", "1"),
    "tie": ("tie", ""),
    "right": ("right", "1"),
    "right_much": ("right", "2"),
    "both_bad": ("both_bad", ""),
}


def plain_choice(choice: str) -> tuple[str, str]:
    """What a choice of any mode prefers, and how far, "" where it does not say."""
    return GRADES.get(choice, (choice, ""))


def graded_choice(choice: str, strength: str) -> str:
    """The way back."""
    return next((name for name, grade in GRADES.items() if grade == (choice, strength)), choice)


#: A value, its label and its description, which may be empty.
Option = tuple[str, str, str]


@dataclass(frozen=True)
class FormCriterion:
    """One criterion as the page shows it; `values` are for each answer, none where it compares."""

    name: str
    question: str
    pairwise: bool
    values: tuple[Option, ...]
    required: bool


@dataclass(frozen=True)
class Form:
    """What is asked beside the verdict, in the reviewer's language. `question` is empty where the study has none."""

    question: str = ""
    criteria: tuple[FormCriterion, ...] = ()
    tags: tuple[Option, ...] = ()
    reason: Reason = "optional"


@dataclass(frozen=True)
class FilledForm:
    """Criteria and tags as given: pairwise `name` -> left, right or tie; per answer `name.left`, `name.right` -> value.

    In thumbs the one answer is "left".
    """

    criteria: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[Place, tuple[str, ...]] = field(default_factory=dict)


def form_of(study: Study, language: Language) -> Form:
    """The form of a study in a language."""
    question = study.question.say(language) if study.question else ""
    criteria = tuple(_field(c, language) for c in study.criteria)
    return Form(question, criteria, tuple(_tag(study, tag, language) for tag in study.tags), study.reason)


def _field(criterion: Criterion, language: Language) -> FormCriterion:
    scale = {} if criterion.scale == "pairwise" else criterion.scale
    values = tuple((value, label.say(language) or value, label.describe(language)) for value, label in scale.items())
    return FormCriterion(criterion.name, criterion.question.say(language), not values, values, criterion.required)


def _tag(study: Study, tag: str, language: Language) -> Option:
    return tag, tag_word(study, tag, language), study.tag_words.get(tag, Label()).describe(language)


def tag_word(study: Study, tag: str, language: Language) -> str:
    """A tag in the study's own words, else in the page's."""
    return study.tag_words.get(tag, Label()).say(language) or tag_text(tag, language)


def value_word(study: Study, column: str, value: str, language: Language) -> str:
    """What stands in a criterion's column, in the study's own words where it has some."""
    for criterion in study.criteria:
        if column in (criterion.name, *criterion.columns(study.mode)) and criterion.scale != "pairwise":
            return criterion.scale.get(value, Label()).say(language) or value
    return value


def keys_of(criterion: Criterion, mode: Mode) -> tuple[str, ...]:
    """The keys under which the page sends a criterion, in the order of its columns when the base stands left."""
    if criterion.scale == "pairwise":
        return (criterion.name,)
    return tuple(f"{criterion.name}.{place}" for place in (PLACES[:1] if mode == "thumbs" else PLACES))


def problem(study: Study, filled: FilledForm, comment: str, language: Language) -> Notice | None:
    """What keeps a verdict from being taken, or None: something required is missing, or was never asked."""
    allowed: dict[str, set[str]] = {}
    for criterion in study.criteria:
        values = {*PLACES, "tie"} if criterion.scale == "pairwise" else set(criterion.values)
        allowed |= dict.fromkeys(keys_of(criterion, study.mode), values)
    if any(value and value not in allowed.get(key, ()) for key, value in filled.criteria.items()):
        return Notice("not_understood")
    if any(tag not in study.tags for tags in filled.tags.values() for tag in tags):
        return Notice("not_understood")
    for criterion in study.criteria:
        if criterion.required and not all(filled.criteria.get(key) for key in keys_of(criterion, study.mode)):
            return Notice("criterion_missing", criterion.question.say(language))
    if study.reason == "required" and not comment.strip():
        return Notice("reason_missing")
    return None


def side_at(place: Place, left: Side) -> Side:
    """Which model stands there."""
    other: Side = "tuned" if left == "base" else "base"
    return left if place == "left" else other


def place_of(side: Side, left: Side) -> Place:
    """Where a model stands."""
    return "left" if side == left else "right"


def to_cells(study: Study, filled: FilledForm, left: Side) -> dict[str, str]:
    """The criteria as columns and cells, an empty one where nothing was given."""
    cells = dict.fromkeys(study.columns.criteria, "")
    for criterion in study.criteria:
        for key in keys_of(criterion, study.mode):
            value = filled.criteria.get(key, "")
            if criterion.scale == "pairwise":
                cells[criterion.name] = side_at(_PLACE[value], left) if value in _PLACE else value
            elif study.mode == "thumbs":
                cells[criterion.name] = value
            else:
                place: Place = "left" if key.endswith(".left") else "right"
                cells[f"{criterion.name}_{side_at(place, left)}"] = value
    return cells


def from_cells(study: Study, cells: Mapping[str, str], left: Side) -> dict[str, str]:
    """The way back: what the page shows as given."""
    given: dict[str, str] = {}
    for criterion in study.criteria:
        for key in keys_of(criterion, study.mode):
            if criterion.scale == "pairwise":
                value = cells.get(criterion.name, "")
                given[key] = place_of(_SIDE[value], left) if value in _SIDE else value
            elif study.mode == "thumbs":
                given[key] = cells.get(criterion.name, "")
            else:
                place: Place = "left" if key.endswith(".left") else "right"
                given[key] = cells.get(f"{criterion.name}_{side_at(place, left)}", "")
    return {key: value for key, value in given.items() if value}
