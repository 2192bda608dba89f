"""sweep.yml: the candidates, their prompts, and the rules by which some are dropped.

Also read: a file in Axolotl's own format for sweeps, whose keys all have lists of values; the recipe is then given
beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from blindside.validation import first_problem
from eval.errors import InputError
from eval.records import Row, utc_now
from eval.settings_file import read_settings
from eval.sweep import Candidate, Screen, Sweep, check_name
from train.sweep.grid import Changes, check, combinations, named

#: Of a candidate's name: its run's adds nine characters.
LONGEST = 91


class SweepDefinition(Row):
    """The whole of sweep.yml."""

    #: A name in train/recipes/ or a path; what `grid` and `changes` change.
    recipe: str = ""
    #: In Axolotl's format: key -> values to try, `_` -> values that belong together.
    grid: dict[str, Any] = Field(default_factory=dict)
    #: candidate -> Axolotl's keys and their values.
    changes: dict[str, Changes] = Field(default_factory=dict)
    #: Names in models/.
    models: tuple[str, ...] = ()
    #: candidate -> where it is served.
    tuned_url: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    base_url: str | tuple[str, ...] = ()
    prompts: str = ""
    race: Literal["sure", "halving"] = "sure"
    screen: tuple[Screen, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> SweepDefinition:
        trains = self.grid or self.changes
        if trains and not self.recipe:
            raise ValueError("recipe: give the recipe that grid or changes change")
        if self.tuned_url and not (self.base_url and self.prompts):
            raise ValueError("tuned_url needs base_url and prompts")
        if self.tuned_url and (trains or self.models):
            raise ValueError("tuned_url: candidates on running servers need a separate sweep")
        return self

    @property
    def trained(self) -> dict[str, Changes]:
        """Candidates that are trained here, by the part of their names that tells them apart."""
        return {**named(combinations(self.grid)), **self.changes}


def read_definition(path: Path, recipe: str = "") -> SweepDefinition:
    """The definition in a file, on `recipe` where one is given. Raises InputError, or RecipeError for changes."""
    empty = "holds no sweep: give `recipe:` and `grid:`"
    data = read_settings(path, unreadable="name another file", empty=empty)
    if not data.keys() & SweepDefinition.model_fields.keys():
        data = {"grid": data}
    if recipe:
        data = {**data, "recipe": recipe}
    return check_definition(data, path)


def check_definition(data: Mapping[str, Any], path: Path | None = None) -> SweepDefinition:
    """Raises InputError naming the field, RecipeError for changes that a sweep can't have."""
    try:
        found = SweepDefinition.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{first_problem(error, whole='')}: fix it", path=path) from None
    check(found.trained)
    return found


def candidates(name: str, definition: SweepDefinition) -> tuple[Candidate, ...]:
    """The candidates of sweep `name`: trained ones are named after it, so that models/ tells whose they are.

    Raises InputError where there are fewer than two, or two of one name.
    """
    every = [
        *(Candidate(name=f"{name}-{own}", changes=one) for own, one in definition.trained.items()),
        *(Candidate(name=Path(model).name, model=model, state="trained") for model in definition.models),
        *(Candidate(name=own, urls=_urls(url)) for own, url in definition.tuned_url.items()),
    ]
    names = [check_name(one.name) for one in every]
    long = next((own for own in names if len(own) > LONGEST), None)
    if long is not None:
        raise InputError(f"candidate {long} has more than {LONGEST} characters: give the sweep a shorter --name")
    if len(set(names)) < len(names):
        raise InputError(f"two candidates are called {max(names, key=names.count)}: give each a name of its own")
    if len(every) < 2:
        raise InputError("a sweep has two candidates or more: one model alone is `make train eval`")
    return tuple(every)


def begin_sweep(name: str, definition: SweepDefinition, before: Sweep | None, *, judged: bool) -> Sweep:
    """What sweep.json says when the command begins: new candidates join, and known ones stay as they are.

    Raises InputError where the file says otherwise than what is fixed: the screening rules from the beginning, the
    candidates since the first verdict.
    """
    wanted = candidates(check_name(name), definition)
    if before is None:
        return Sweep(
            sweep=name,
            race=definition.race,
            screen=definition.screen,
            candidates=wanted,
            recipe=definition.recipe,
            started=utc_now(),
        )
    known = {one.name: one for one in before.candidates}
    if (definition.screen, definition.race) != (before.screen, before.race):
        raise InputError(f"screen and race of sweep {name} are fixed since {before.started}: give another sweep's name")
    moved = [one.name for one in wanted if one.name in known and _says(one) != _says(known[one.name])]
    if moved:
        raise InputError(f"candidate {moved[0]} of sweep {name} was defined differently: give it a new name")
    new = tuple(one for one in wanted if one.name not in known)
    if new and judged:
        raise InputError(
            f"sweep {name} is being judged, and its candidates are fixed: {new[0].name} belongs in a separate sweep"
        )
    return before.model_copy(update={"candidates": (*before.candidates, *new)})


def _says(one: Candidate) -> tuple[Changes, str, tuple[str, ...]]:
    return one.changes, one.model, one.urls


def _urls(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
