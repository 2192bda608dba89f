"""What run.json says of how answers and verdicts came about: parity, determinism, sides; as lines of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eval.judge.plan import rule_of
from eval.records import SIDES, Side
from eval.run import ModelInfo, Run


def lines(run: Run) -> list[str]:
    """A line for each model, also where nothing was checked: silence would look like a pass; and one of the sides."""
    if run.info.origin == "imported":
        servers = ["Parity and determinism: not checked, the answers were imported."]
    else:
        servers = [f"{side.capitalize()}: {_parity(run, side)}; {_determinism(run, side)}." for side in SIDES]
    return [*servers, *tokens(run.info.models), *_training(run.info.models), *_sides(run)]


def tokens(models: Mapping[Side, ModelInfo]) -> Iterator[str]:
    """A sentence for each model that was trained by DPO here: whether it was trained on the tokens that are served."""
    for side, model in models.items():
        if model.tokens is not None:
            yield f"{side.capitalize()}: {'; '.join([model.tokens.in_short, *model.tokens.notes()])}."


def _training(models: Mapping[Side, ModelInfo]) -> Iterator[str]:
    """How the DPO of a model went, where that was written down."""
    for side, model in models.items():
        if model.training:
            yield f"{side.capitalize()}: {' '.join(line.strip() for line in model.training)}"


def forced(run: Run) -> bool:
    """Whether answers were collected although a server was found to serve something else."""
    found = run.info.checks.get("parity", {})
    return any(bool(one.get("forced")) for one in found.values())


def _sides(run: Run) -> Iterator[str]:
    """How it was computed which answer stands left; nothing before anybody judged."""
    rule, keys = rule_of(run), run.info.blinding.keys if run.info.blinding else ()
    if rule == "unkeyed":
        yield (
            "Sides: computed by an unkeyed hash of run, reviewer and item, as an earlier version did: a reviewer who "
            "knew the run's name could compute them too."
        )
    if rule == "keyed":
        lost = f" The key was replaced {len(keys) - 1}×; verdicts keep the sides they were given." if keys[1:] else ""
        yield f"Sides: computed with a secret key of the run, which no reviewer has.{lost}"


def _parity(run: Run, side: Side) -> str:
    found = run.info.checks.get("parity", {}).get(side)
    if found is None:
        return "parity not checked"
    passed = sum(check["passed"] is True for check in found["checks"])
    said = f"{passed} of {len(found['checks'])} parity checks passed in {found['dtype']}"
    failed = [check["name"] for check in found["checks"] if check["passed"] is False]
    open_ones = [check["name"] for check in found["checks"] if check["passed"] is None]
    if failed:
        said += f", FAILED: {', '.join(failed)}" + (" (went on by --force)" if found["forced"] else "")
    return said + (f", not checked: {', '.join(open_ones)}" if open_ones else "")


def _determinism(run: Run, side: Side) -> str:
    found = run.info.checks.get("determinism", {}).get(side)
    if found is None or not found["asked"]:
        return "determinism not checked"
    return f"{found['flipped']} of {found['asked']} answers changed when asked again"
