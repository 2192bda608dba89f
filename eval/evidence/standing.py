"""Where a run stands by its own plan: what is judged, what is left, and whether one may stop."""

from __future__ import annotations

from collections.abc import Mapping

from eval.evidence.betting import ALPHA
from eval.evidence.sequential import Progress, closed_in, progress
from eval.evidence.table import Table


def judgements_left(table: Table, plan: Mapping[str, int]) -> int:
    """How many judgements a plan (item -> reviewers) still holds."""
    judged = dict(zip(table.items, table.judged.tolist(), strict=True))
    return sum(max(0, reviewers - judged.get(item, 0)) for item, reviewers in plan.items())


def standing(table: Table, plan: Mapping[str, int], *, null: float = 0.5, alpha: float = ALPHA) -> Progress:
    """The anytime-valid test of a win rate above `null`, on the prompts that are closed by the plan."""
    left = judgements_left(table, plan)
    return progress(closed_in(table, plan), horizon=max(1, len(plan)), null=null, alpha=alpha, left=left)
