"""Progress of a run by its own plan: what is judged, what is left, and whether it may stop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eval.evidence.judgements import Judgements
from eval.evidence.sequential.e_process import ALPHA
from eval.evidence.sequential.sequential import Progress, closed_in, progress


def judgements_left(table: Judgements, plan: Mapping[str, int]) -> int:
    """How many judgements a plan (item -> reviewers) still holds."""
    judged = dict(zip(table.items, table.judged.tolist(), strict=True))
    return sum(max(0, reviewers - judged.get(item, 0)) for item, reviewers in plan.items())


def skipped_open(table: Judgements, plan: Mapping[str, int]) -> list[str]:
    """The planned items that somebody skipped and that still lack a verdict."""
    judged = dict(zip(table.items, table.judged.tolist(), strict=True))
    return [item for item, reviewers in plan.items() if item in table.put_off and judged.get(item, 0) < reviewers]


def within_plan(table: Judgements, plan: Mapping[str, int]) -> Judgements:
    """The table without verdicts beyond the plan: of each planned item as many as it was to have, the first ones."""
    order = np.argsort(table.item, kind="stable")
    codes = table.item[order]
    rank = np.empty(len(codes), dtype=np.intp)
    rank[order] = np.arange(len(codes)) - np.searchsorted(codes, codes)
    planned = np.array([plan.get(item, 0) for item in table.items], dtype=np.intp)
    return table.where(rank < planned[table.item])


def plan_by_cluster(table: Judgements, plan: Mapping[str, int]) -> dict[str, int]:
    """The plan (item -> reviewers) by clusters instead of prompts: a cluster closes when all its prompts have."""
    found: dict[str, int] = {}
    for item, reviewers in plan.items():
        name = table.clusters.get(item, item)
        found[name] = found.get(name, 0) + reviewers
    return found


def plan_progress(table: Judgements, plan: Mapping[str, int], *, null: float = 0.5, alpha: float = ALPHA) -> Progress:
    """The anytime-valid test of a win rate above `null`, on the prompts that are closed by the plan."""
    left = judgements_left(table, plan)
    return progress(closed_in(table, plan), horizon=max(1, len(plan)), null=null, alpha=alpha, left=left)
