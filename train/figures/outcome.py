"""The outcome of a DPO training in words, with intervals, and what to change where it failed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from blindside.words import counted
from train.figures.protocol import Figures, Row

#: A margin below this is the noise of a run that learned nothing; reward is beta times a difference in nats.
_NO_MARGIN = 0.01
#: How much further training may be ahead of the held-out pairs before it has learned them by heart.
_AHEAD = 0.15
#: Shares of the chosen answers' log-probability that may be lost; more is damage, and much more a divergence.
_FELL, _FELL_APART = 0.2, 2.0


def wilson(share: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95% interval of a share of `n` (Wilson 1927)."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def outcome(figures: Figures, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The closing block, a line each: the finding, its figures, and what to change. Empty where nothing was logged."""
    rows = figures.training
    if not rows:
        return ()
    after = figures.held[-1] if len(figures.held) > 1 else None
    kind = _kind(figures, rows, after)
    lines = [f"The training {_SAID[kind]}.", f"  {_training(rows)}"]
    lines.append(f"  {_held(figures)}" if after else "  No pair was held out, so its effect on other pairs is unknown.")
    if _fell(figures) > _FELL and kind != "diverged":
        lines.append(f"  The likelihood of the chosen answers fell, {_chosen(figures)}: {_REMEDY['fell'](config)}.")
    if kind in _REMEDY:
        lines.append(f"  What to change: {_REMEDY[kind](config)}.")
    return tuple(lines)


_SAID = {
    "diverged": "diverged",
    "over-fitted": "over-fitted: it learned its own pairs and not what they have in common",
    "nothing": "learned nothing",
    "learned": "learned what the pairs prefer",
    "fits": "fits its own pairs",
}


def _kind(figures: Figures, rows: Sequence[Row], after: Row | None) -> str:
    logged = [name for name in ("loss", "margin", "logps_chosen") if not math.isnan(getattr(rows[0], name))]
    numbers = [getattr(row, name) for row in rows for name in logged]
    tail = _tail(rows)
    if (
        "loss" not in logged
        or not all(map(math.isfinite, numbers))
        or _fell(figures) > _FELL_APART
        or _mean(tail, "loss") > 2 * rows[0].loss
    ):
        return "diverged"
    if after is None:
        return "nothing" if _mean(tail, "margin") < _NO_MARGIN else "fits"
    low, high = wilson(accuracy(after), figures.held_out)
    if _accuracy(tail) - accuracy(after) > _AHEAD and high < _accuracy(tail):
        return "over-fitted"
    return "learned" if low > 0.5 and after.margin >= _NO_MARGIN else "nothing"


def accuracy(row: Row) -> float:
    """Of a row; a half where no answer is preferred yet, as before the first step."""
    return 0.5 if row.margin == 0 else row.accuracy


def _tail(rows: Sequence[Row]) -> Sequence[Row]:
    """The last third: a single log line is noise."""
    return rows[-max(1, len(rows) // 3) :]


def _mean(rows: Sequence[Row], name: str) -> float:
    return fmean(getattr(row, name) for row in rows)


def _accuracy(rows: Sequence[Row]) -> float:
    return fmean(map(accuracy, rows))


def _training(rows: Sequence[Row]) -> str:
    tail = _tail(rows)
    return (
        f"On its own pairs: loss {rows[0].loss:.3g} → {_mean(tail, 'loss'):.3g}, accuracy {_accuracy(tail):.0%}, "
        f"margin {_mean(tail, 'margin'):.2g} (the last {len(tail)} of {counted(len(rows), 'log line')})."
    )


def _held(figures: Figures) -> str:
    before, after = figures.held[0], figures.held[-1]
    low, high = wilson(accuracy(after), figures.held_out)
    return (
        f"On {figures.held_out} held-out pairs: accuracy {accuracy(before):.0%} → {accuracy(after):.0%} (95% interval "
        f"{low:.0%} to {high:.0%}), margin {before.margin:.2g} → {after.margin:.2g}."
    )


def _ends(figures: Figures) -> tuple[Row, Row]:
    """First and last row, of the held-out pairs where there are some."""
    rows = figures.held if len(figures.held) > 1 else figures.training
    return rows[0], rows[-1]


def _fell(figures: Figures) -> float:
    """What share of the chosen answers' log-probability was lost; negative where it rose."""
    first, last = _ends(figures)
    lost = first.logps_chosen - last.logps_chosen
    return lost / max(abs(first.logps_chosen), 1.0) if math.isfinite(lost) else 0.0


def _chosen(figures: Figures) -> str:
    first, last = _ends(figures)
    return f"from {first.logps_chosen:.1f} to {last.logps_chosen:.1f} nats per answer"


_REMEDY: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "diverged": lambda config: f"a ten times lower learning_rate (now {config.get('learning_rate')}), or max_grad_norm",
    "over-fitted": lambda config: (
        f"fewer epochs (num_epochs is {config.get('num_epochs')}), a lower learning_rate, a higher rl_beta, more pairs"
    ),
    "nothing": lambda config: (
        f"a five to ten times higher learning_rate (now {config.get('learning_rate')}), more epochs, or a lower "
        "rl_beta; see whether chosen and rejected differ in what you want (`blindside pairs check`)"
    ),
    "fell": lambda config: (
        "an SFT term holds it up (dpo_loss_type: [sigmoid, sft] with dpo_loss_weights: [1.0, 0.2]), as do a higher "
        "rl_beta and a lower learning_rate"
    ),
}
