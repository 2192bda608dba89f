"""Tries the base's chat template on each kind of conversation in the recipe's pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blindside.sandbox import WorkFailed
from blindside.tables.rows import Message
from blindside.words import counted
from train.data import is_local, local_path
from train.doctor.trial_export import local_base
from train.errors import ExportError, PairsError, RecipeError
from train.export.template import DATE, prompts, read_template, special_tokens
from train.pairs.check import check_file
from train.recipe import Recipe
from train.resources.findings import Finding

_KINDS_TRIED = 12
Turns = tuple[Message, ...]


def check_turns(recipe: Recipe, variables: Mapping[str, str]) -> list[Finding]:
    """Whether the base's template takes the pairs' conversations, and whether it writes the day's date into them.

    None where base or pairs are not on this machine, or the recipe brings a template of its own.
    """
    folder = local_base(recipe, variables)
    if folder is None or recipe.config.get("chat_template") != "tokenizer_default":
        return []
    try:
        template, special = read_template(folder), special_tokens(folder)
        kinds = list(_kinds(recipe))
        if template is None or not kinds:
            return []
        rendered = list(prompts(template, [turns for _, turns in kinds], special))
        return [_refused(kinds, rendered) or _dated(template, special, rendered) or _takes(len(kinds))]
    except (ExportError, PairsError, RecipeError, OSError, ValueError):
        return []  # told by who reads base and pairs for what is in them


def _kinds(recipe: Recipe) -> Iterator[tuple[str, Turns]]:
    """The first conversation of each order of roles, and where it stands."""
    seen: set[tuple[str, ...]] = set()
    for asked in recipe.datasets:
        if not (asked.is_pairs and is_local(asked)):
            continue
        for row in check_file(local_path(asked), asked).rows:
            roles = tuple(message["role"] for message in row.messages)
            if roles not in seen and len(seen) < _KINDS_TRIED:
                seen.add(roles)
                yield f"{asked.path}:{row.line}", row.messages


def _refused(kinds: list[tuple[str, Turns]], rendered: list[str | WorkFailed]) -> Finding | None:
    found = next(
        ((one, refusal) for one, refusal in zip(kinds, rendered, strict=True) if isinstance(refusal, WorkFailed)), None
    )
    if found is None:
        return None
    (where, turns), refusal = found
    roles = ", ".join(message["role"] for message in turns)
    remedy = (
        "remove such pairs, or move a system turn's text into the user's turn: neither training nor servers render it"
    )
    return Finding("template", "fail", f"the base's template refuses the turns of {where} ({roles}): {refusal}", remedy)


def _dated(template: str, special: dict[str, str], rendered: list[str | WorkFailed]) -> Finding | None:
    """A date that the template writes is the day's on which it is rendered: another in each training and serving."""
    if not any(isinstance(text, str) and DATE in text for text in rendered):
        return None
    (with_system,) = prompts(
        template, [({"role": "system", "content": "."}, {"role": "user", "content": "?"})], special
    )
    remedy = (
        "collect both sides on the same day; the model is served with another date than it was trained with"
        if isinstance(with_system, WorkFailed) or DATE in with_system
        else "add a system turn to pairs and prompts: then it writes no date"
    )
    return Finding(
        "template",
        "warn",
        "the base's template writes today's date into prompts, so they differ from day to day",
        remedy,
    )


def _takes(count: int) -> Finding:
    return Finding(
        "template",
        "ok",
        f"the base's template accepts the pairs' conversations ({counted(count, 'order')} of roles tried)",
    )
