"""study.yml: what reviewers are asked, how pairs are shared out, and which control items are mixed in.

The study is frozen into the run's study.json when judging begins (`setup.frozen_study`); everything after reads that.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from blindside.validation import first_problem
from eval.errors import InputError
from eval.judge.csv_codec import BETWEEN_TAGS, Columns
from eval.judge.study.gold import GoldPair, read_gold
from eval.judge.study.localized import Label, Language, LocalizedText
from eval.judge.study.practice import OwnPractice, plainly, read_practice
from eval.records import Row, Side, Thumb, Verdict
from eval.settings_file import read_settings

NAME = "study.json"

Mode = Literal["compare", "graded", "thumbs"]
Reason = Literal["off", "optional", "required"]
Policy = Literal["mark", "mask", "hold"]

#: What a comparing criterion may hold.
COMPARED = ("base", "tuned", "tie")
#: In the mode `graded`, how far a verdict preferred its side: a column, and what its cells hold beside nothing.
STRENGTH, STRENGTHS = "strength", ("1", "2")

__all__ = ["Language", "LocalizedText", "Study", "read_frozen", "read_study"]


def _scale(value: Any) -> Any:
    """A list of values says each as it is; numbers become text, as cells hold them."""
    if value == "pairwise":
        return value
    if not isinstance(value, dict | list | tuple):
        raise ValueError("give pairwise, a list of values, or values with labels")
    pairs = list(value.items()) if isinstance(value, dict) else [(one, one) for one in value or ()]
    if any(isinstance(key, bool) or not isinstance(key, str | int | float) for key, _ in pairs):
        raise ValueError("a value is neither text nor a number: put yes, no, on and off in quotes")
    scale = {str(key).strip(): label for key, label in pairs}
    if len(scale) < len(pairs) or len(scale) < 2 or "" in scale:
        raise ValueError("give at least two different values, or pairwise")
    return scale


class Criterion(Row):
    """A further question on each pair: which answer is better in that, or a value for each answer."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    question: LocalizedText
    scale: Annotated[Literal["pairwise"] | dict[str, Label], BeforeValidator(_scale)] = "pairwise"
    required: bool = False

    def columns(self, mode: Mode) -> tuple[str, ...]:
        """Its columns in verdicts.csv, or in thumbs.csv."""
        return (
            (self.name,)
            if mode == "thumbs" or self.scale == "pairwise"
            else (f"{self.name}_base", f"{self.name}_tuned")
        )

    @property
    def values(self) -> tuple[str, ...]:
        """What its cells may hold, beside nothing."""
        return COMPARED if self.scale == "pairwise" else tuple(self.scale)


class Overlap(Row):
    """`share` of the pairs are judged by so many reviewers, the other ones by one."""

    reviewers: int = Field(default=1, ge=1, le=1000)
    share: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _one_number(cls, value: Any) -> Any:
        return {"reviewers": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Gold(Row):
    """Pairs with a known answer, from a file or written here: so many (`rate`) for each pair that is judged."""

    file: str = ""
    rate: float = Field(gt=0, le=0.5)
    pairs: tuple[GoldPair, ...] = ()


class Repeats(Row):
    """Pairs that come again with sides swapped, at least `after` judgements later."""

    rate: float = Field(gt=0, le=0.5)
    after: int = Field(default=20, ge=1)


class Giveaways(Row):
    """What becomes of a pair in which an answer names its model; `phrases` are looked for beside the built-in list."""

    policy: Policy = "mark"
    phrases: tuple[Annotated[str, Field(min_length=2)], ...] = ()


class Study(Row):
    """The whole of study.yml. Without a file, everything is as the defaults say."""

    question: LocalizedText | None = None
    #: Markdown: on the first card, and at any time beside the page.
    instructions: LocalizedText | None = None
    mode: Mode = "compare"
    #: Whose answers get thumbs.
    side: Side = "tuned"
    #: As the default policy of the gate asks for it, with room for pairs that drop out.
    overlap: Overlap = Overlap(reviewers=2, share=0.2)
    #: The chance with which people are asked about a pair; a model judge answers for all.
    sample: float = Field(default=1.0, gt=0, le=1)
    #: `near`: prompts that ask nearly the same are one unit of the evidence, as those of one cluster are.
    cluster: Literal["given", "near"] = "given"
    criteria: tuple[Criterion, ...] = ()
    reason: Reason = "optional"
    tags: tuple[str, ...] = ()
    #: Words for tags that were given as `tags: {name: words}`.
    tag_words: dict[str, Label] = Field(default_factory=dict)
    gold: Gold | None = None
    repeats: Repeats | None = None
    #: So many unrecorded pairs of ours on a reviewer's first visit; `practice: {…}` gives own ones in their place.
    practice: int = Field(default=2, ge=0, le=3)
    own_practice: OwnPractice | None = None
    #: How many verdicts a reviewer is asked for; without it, as many as were open to them when they came.
    target: int | None = Field(default=None, ge=1)
    giveaways: Giveaways = Giveaways()
    #: Folded under each answer, where both models thought and neither is named by it.
    show_thinking: bool = False

    @model_validator(mode="before")
    @classmethod
    def _given_shortly(cls, data: Any) -> Any:
        """`tags` with words, and `practice` with pairs of one's own."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if isinstance(data.get("tags"), dict):
            words = {" ".join(str(tag).split()): instructions for tag, instructions in data["tags"].items()}
            if len(words) < len(data["tags"]):
                raise ValueError("tags: list each tag once")
            data |= {
                "tags": tuple(words),
                "tag_words": {tag: instructions for tag, instructions in words.items() if instructions is not None},
            }
        if isinstance(data.get("practice"), dict):
            data |= {"practice": 0, "own_practice": data["practice"]}
        return data

    @field_validator("tags")
    @classmethod
    def _tags(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        clean = tuple(" ".join(tag.split()) for tag in tags)
        if len(set(clean)) < len(clean) or any(not tag or BETWEEN_TAGS in tag or len(tag) > 60 for tag in clean):
            raise ValueError(f"list each tag once, with 1 to 60 characters and without {BETWEEN_TAGS}")
        return clean

    @model_validator(mode="after")
    def _of_one_mode(self) -> Study:
        if self.mode == "thumbs":
            if self.gold or self.repeats:
                raise ValueError("gold and repeats need two answers: leave them out, or use mode: compare")
            if self.show_thinking:
                raise ValueError("show_thinking needs two answers: leave it out, or use mode: compare")
            if any(criterion.scale == "pairwise" for criterion in self.criteria):
                raise ValueError("pairwise criteria need two answers: give a scale, or use mode: compare")
        for pair in self.own_practice.pairs if self.own_practice else ():
            pair.check(self.mode)
        twice = [name for name, n in Counter(self.columns.names(self.row)).items() if n > 1]
        if twice:
            raise ValueError(f"criteria: two columns are called {twice[0]}: rename the criterion")
        return self

    @property
    def row(self) -> type[Verdict] | type[Thumb]:
        return Thumb if self.mode == "thumbs" else Verdict

    @property
    def columns(self) -> Columns:
        """The columns of verdicts.csv, or of thumbs.csv."""
        strength = (STRENGTH,) if self.mode == "graded" else ()
        criteria = (*strength, *(name for c in self.criteria for name in c.columns(self.mode)))
        return Columns(criteria, bool(self.tags))

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """What the cells of each criterion's column may hold, beside nothing."""
        strength = {STRENGTH: STRENGTHS} if self.mode == "graded" else {}
        return strength | {name: c.values for c in self.criteria for name in c.columns(self.mode)}


def read_study(path: Path) -> Study:
    """The study in a YAML file, with the gold pairs of its file read. Raises InputError naming file and field."""
    empty = "holds no settings: give at least `question:`"
    data = read_settings(path, unreadable="give a study with --study", empty=empty)
    study = _checked(path, data)
    study = _with_practice(path, study) if study.own_practice else study
    study = _with_gold(path, study) if study.gold else study
    _refuse_known_answers(path, study)
    return study


def read_frozen(folder: Path) -> Study:
    """The study of a run by its study.json; the default one where judging has not begun. Raises InputError."""
    path = folder / NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Study()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): fix that", path=path) from None
    try:
        return Study.model_validate_json(data)
    except ValidationError as error:
        raise _refused(path, error) from None


def _with_gold(path: Path, study: Study) -> Study:
    assert study.gold is not None
    gold = study.gold
    pairs = (*gold.pairs, *(read_gold(path.parent / gold.file) if gold.file else ()))
    twice = [name for name, n in Counter(pair.id for pair in pairs).items() if n > 1]
    if twice or not pairs:
        problem = f"the id {twice[0]} occurs twice" if twice else "it has no pairs: name their file"
        raise InputError(f"gold: {problem}", path=path)
    return study.model_copy(update={"gold": gold.model_copy(update={"pairs": pairs})})


def _with_practice(path: Path, study: Study) -> Study:
    assert study.own_practice is not None
    own = study.own_practice
    pairs = (*own.pairs, *(read_practice(path.parent / own.file) if own.file else ()))
    known = sum(bool(pair.answer) for pair in pairs)
    if not pairs:
        raise InputError("practice: it has no pairs: name their file, or write `pairs:`", path=path)
    if own.pass_mark > known:
        problem = f"practice.pass_mark: {own.pass_mark}, and {known} of the pairs have an answer: lower it"
        raise InputError(problem, path=path)
    return _checked(path, {**study.model_dump(), "own_practice": own.model_copy(update={"pairs": pairs}).model_dump()})


def _refuse_known_answers(path: Path, study: Study) -> None:
    """Whoever practised on a gold pair, or read it in the instructions, knows its answer from us."""
    instructions = study.instructions
    read = plainly(" ".join((instructions.en, instructions.zh))) if instructions else ""
    own = study.own_practice.pairs if study.own_practice else ()
    practised = {plainly(words) for pair in own for words in (pair.prompt.en, pair.prompt.zh) if words}
    for pair in study.gold.pairs if study.gold else ():
        asked = plainly(pair.messages[-1].content)
        where = "practice" if asked in practised else "instructions" if asked in read else ""
        if where:
            raise InputError(f"gold: the prompt of {pair.id} is in {where} too: use another", path=path)


def _checked(path: Path, data: dict[str, Any]) -> Study:
    try:
        return Study.model_validate(data)
    except ValidationError as error:
        raise _refused(path, error) from None


def _refused(path: Path, error: ValidationError) -> InputError:
    return InputError(f"{first_problem(error, whole='', value=True)}: fix it", path=path)
