"""Prompts that ask nearly the same, told before anybody judges: an interval takes prompts for independent."""

from __future__ import annotations

from collections.abc import Sequence

from blindside.words import counted
from eval.records import Prompt
from train.pairs.survey.near import NearDuplicates, shingles


def alike(prompts: Sequence[Prompt]) -> list[str]:
    """A sentence where prompts without a cluster ask nearly the same as another one; else nothing."""
    known = NearDuplicates()
    for number, prompt in enumerate(prompts):
        if not prompt.cluster:
            known.add(number, shingles("\n".join(one.content for one in prompt.messages if one.role == "user")))
    pairs = known.pairs()
    if not pairs:
        return []
    later, earlier = (prompts[number].id for number in pairs[0])
    return [
        f"{counted(len(pairs), 'prompt asks', 'prompts ask')} nearly the same as another one ({later} as {earlier}): "
        "the interval takes them for independent; collect them with one value each group in a column `cluster`"
    ]
