"""What the gate looks at: every figure that a rule of the policy may ask for, none of them computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eval.evidence.estimates.winrate import Estimate
from eval.evidence.verdict import RunVerdict
from eval.records import Side
from eval.report.tables.run_checks import Parity
from eval.run_info import BlindingRule, SweepMember


@dataclass(frozen=True)
class Preferred:
    """The human win rate as the policy's method sees it: a one-sided claim, shown, refuted, or still open.

    `spent`: no judgement is left that could still settle it. `advice`: what to do next, as half a sentence.
    """

    estimate: Estimate
    shown: bool
    refuted: bool
    spent: bool
    advice: str = ""
    #: Where a model judge entered: how many human judgements that saved.
    saved: int | None = None


@dataclass(frozen=True)
class Findings:
    """Figures of one run. Shares are in [0, 1]; None stands for what the data does not tell."""

    preferred: Preferred
    verdict: RunVerdict
    #: What was changed of the plan after it was frozen, a sentence each; None where no hash of it was taken.
    plan_changes: tuple[str, ...] | None
    #: What the study that is asked cannot give the policy, a sentence with its remedy each.
    unmet: tuple[str, ...]
    #: The largest share of the judgements that one reviewer gave.
    largest_share: float
    prompts: int
    judgements: int
    reviewers: int
    #: Share of the judged prompts with at least so many reviewers, for every number up to the largest.
    overlap: Mapping[int, float]
    agreement: Estimate
    both_bad: Estimate
    #: Win rate per category with its interval corrected for looking at many.
    categories: Mapping[str, Estimate]
    #: Signals by the policy's names.
    signals: Mapping[str, float | None]
    must_pass_broken: int | None
    must_pass: int
    parity: Mapping[Side, Parity]
    determinism: Mapping[Side, float | None]
    policy_fixed_at: str
    #: What the sides of the verdicts were computed by; None where nobody judged.
    sides: BlindingRule | Literal["imported"] | None
    #: How many prompts ask nearly the same as another one, and how many clusters are units.
    near: int = 0
    clustered: bool = False
    #: How many of the judgements were given elsewhere and imported.
    imported: int = 0
    #: Which candidate of which sweep the run is; None where it is none.
    sweep: SweepMember | None = None
    #: Everything left out of the statistics, by reason.
    excluded: Mapping[str, int] = field(default_factory=dict)
