"""Near-duplicate prompts: intervals assume that prompts are independent, and these are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blindside.words import counted
from eval.records import Prompt
from train.pairs.survey.near_duplicates import NearDuplicates, shingles


def near_groups(prompts: Sequence[Prompt]) -> dict[str, str]:
    """item -> the first prompt of its group, for prompts without a cluster that ask nearly the same as another one.

    Nearly: four fifths of the three-word pieces alike, as pairs are looked at (train.pairs.survey.near_duplicates).
    What is near to what is near is of the same group.
    """
    known = NearDuplicates()
    for number, prompt in enumerate(prompts):
        if not prompt.cluster:
            known.add(number, shingles("\n".join(one.content for one in prompt.messages if one.role == "user")))
    first: dict[int, int] = {}
    for later, earlier in known.pairs():
        first[later] = first.setdefault(earlier, earlier)
    return {prompts[number].id: prompts[at].id for number, at in first.items()}


def near_duplicate_notes(groups: Mapping[str, str]) -> list[str]:
    """A sentence where there are such groups of prompts (`near_groups`); else nothing."""
    later = next((item for item, first in groups.items() if item != first), None)
    if later is None:
        return []
    return [
        f"{counted(len(groups), 'prompt asks', 'prompts ask')} nearly the same as another one "
        f"({later} as {groups[later]}), and the interval treats them as independent: judge with `--cluster near`, or "
        "collect them with one value per group in a column `cluster`"
    ]
