"""study.yml: what reviewers are asked, how pairs are shared out, and what is mixed in to learn of the reviewers.

The study is frozen into the run's study.json when judging begins (`eval.judge.freeze`); everything after reads that.
"""

from __future__ import annotations

import reprlib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from blindside.yaml_files import BadYaml, read_yaml
from eval.errors import InputError
from eval.judge.cells import BETWEEN_TAGS, Columns
from eval.judge.gold import GoldPair, read_gold
from eval.records import Row, Side, Thumb, Verdict

NAME = "study.json"

Language = Literal["en", "zh"]
Mode = Literal["compare", "thumbs"]
Reason = Literal["off", "optional", "required"]
Policy = Literal["mark", "mask", "hold"]

#: What a comparing criterion may hold.
COMPARED = ("base", "tuned", "tie")


class Said(Row):
    """Words for reviewers: one string for every language, or one a language."""

    en: str = Field(min_length=1)
    zh: str = ""

    @model_validator(mode="before")
    @classmethod
    def _one_string(cls, value: Any) -> Any:
        return {"en": str(value)} if isinstance(value, str | int | float) and not isinstance(value, bool) else value

    def say(self, language: Language) -> str:
        return (self.zh if language == "zh" else "") or self.en


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
        raise ValueError("give at least two values, each once, or pairwise")
    return scale


class Criterion(Row):
    """A further question on each pair: which answer is better in that, or a value for each answer."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    question: Said
    scale: Annotated[Literal["pairwise"] | dict[str, Said], BeforeValidator(_scale)] = "pairwise"
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

    question: Said | None = None
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
    gold: Gold | None = None
    repeats: Repeats | None = None
    #: So many unrecorded pairs on a reviewer's first visit.
    practice: int = Field(default=2, ge=0, le=3)
    giveaways: Giveaways = Giveaways()
    #: Folded under each answer, where both models thought and neither is named by it.
    show_thinking: bool = False

    @field_validator("tags")
    @classmethod
    def _tags(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        clean = tuple(" ".join(tag.split()) for tag in tags)
        if len(set(clean)) < len(clean) or any(not tag or BETWEEN_TAGS in tag or len(tag) > 60 for tag in clean):
            raise ValueError(f"each tag once, of 1 to 60 characters, without {BETWEEN_TAGS}")
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
        twice = [name for name, n in Counter(self.columns.names(self.row)).items() if n > 1]
        if twice:
            raise ValueError(f"criteria: a second column called {twice[0]}: rename the criterion")
        return self

    @property
    def row(self) -> type[Verdict] | type[Thumb]:
        return Thumb if self.mode == "thumbs" else Verdict

    @property
    def columns(self) -> Columns:
        """The columns of verdicts.csv, or of thumbs.csv."""
        return Columns(tuple(name for c in self.criteria for name in c.columns(self.mode)), bool(self.tags))

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """What the cells of each criterion's column may hold, beside nothing."""
        return {name: c.values for c in self.criteria for name in c.columns(self.mode)}


def read_study(path: Path) -> Study:
    """The study in a YAML file, with the gold pairs of its file read. Raises InputError naming file and field."""
    try:
        data: Any = read_yaml(path)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): give a study with --study", path=path) from None
    except BadYaml as error:
        raise InputError(f"{error.problem}: correct the file, texts in quotes", path=path, line=error.line) from None
    if not isinstance(data, dict):
        raise InputError("holds no settings: give at least `question:`", path=path)
    study = _checked(path, data)
    return _with_gold(path, study) if study.gold else study


def read_frozen(folder: Path) -> Study:
    """The study of a run by its study.json; the default one where judging has not begun. Raises InputError."""
    path = folder / NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Study()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): mend that", path=path) from None
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
        problem = f"the id {twice[0]} twice" if twice else "no pairs: name their file"
        raise InputError(f"gold: {problem}", path=path)
    return study.model_copy(update={"gold": gold.model_copy(update={"pairs": pairs})})


def _checked(path: Path, data: dict[str, Any]) -> Study:
    try:
        return Study.model_validate(data)
    except ValidationError as error:
        raise _refused(path, error) from None


def _refused(path: Path, error: ValidationError) -> InputError:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    given = "" if first["type"] == "value_error" else f", not {reprlib.repr(first['input'])}"
    return InputError(f"{field + ': ' if field else ''}{message}{given}: mend it", path=path)
