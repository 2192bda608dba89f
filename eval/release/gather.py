"""From a run's files to what the gate looks at: every figure comes from eval.evidence, this brings them together."""

from __future__ import annotations

import numpy as np

from eval.errors import StaleInputs
from eval.evidence.agreement import agreement
from eval.evidence.categories import categories
from eval.evidence.signals import read_signals
from eval.evidence.table import read_table
from eval.evidence.winrate import both_bad_shares, win_rate
from eval.judge.seals import first_broken
from eval.judge.store import columns_in, read_verdicts
from eval.records import SIDES, Side
from eval.release.findings import Findings
from eval.release.policy import Policy
from eval.release.preference import preferred
from eval.run import Run


def gather(run: Run, policy: Policy) -> Findings:
    """Raises InputError for files that cannot be trusted, StaleInputs for verdicts that were changed."""
    refuse_changed_verdicts(run)
    table, _ = read_table(run)
    judged = np.bincount(table.item, minlength=len(table.items))
    signals = read_signals(run)
    return Findings(
        preferred=preferred(run, table, policy.preference),
        prompts=len(table.items),
        judgements=len(table),
        reviewers=len(table.reviewers),
        overlap={k: float((judged >= k).mean()) for k in range(1, int(judged.max(initial=0)) + 1)},
        agreement=agreement(table).coefficients.alpha,
        both_bad=win_rate(both_bad_shares(table)),
        categories={row.name or "no category": row.win_rate for row in categories(table).rows},
        signals=signals.limits,
        must_pass_broken=signals.must_pass.broken,
        must_pass=signals.must_pass.n,
        parity={side: _parity(run, side) for side in SIDES},
        determinism={side: _flipped(run, side) for side in SIDES},
        policy_fixed_at=run.info.policy_fixed_at,
        excluded=table.excluded,
    )


def refuse_changed_verdicts(run: Run) -> None:
    """Raises StaleInputs, naming the row, where verdicts.csv is not as it was written."""
    path = run.verdicts_path
    broken = first_broken(read_verdicts(path, run=run.name), columns_in(path))
    if broken is not None:
        raise StaleInputs(
            f"{path}: verdict {broken.verdict_id} by {broken.reviewer}: the seal does not fit, so this row or the one "
            "before it was changed, moved or taken out after it was judged: restore the file"
        )


def _parity(run: Run, side: Side) -> bool | None:
    """Whether every check of a side passed; None where one was not made, or none at all."""
    found = run.info.checks.get("parity", {}).get(side)
    if not found or not found["checks"]:
        return None
    states = [check["passed"] for check in found["checks"]]
    return False if False in states else None if None in states else True


def _flipped(run: Run, side: Side) -> float | None:
    """Share of a side's answers that changed when they were asked again; None where nothing was asked again."""
    found = run.info.checks.get("determinism", {}).get(side)
    return None if not found or not found["asked"] else float(found["flipped"]) / float(found["asked"])
