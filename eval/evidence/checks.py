"""What run.json says of the servers: parity and determinism, as lines of a report."""

from __future__ import annotations

from eval.records import SIDES, Side
from eval.run import Run


def lines(run: Run) -> list[str]:
    """Two lines a side, also where nothing was checked: silence would look like a pass."""
    if run.info.origin == "imported":
        return ["Parity and determinism: not checked, the answers were imported."]
    return [f"{side.capitalize()}: {_parity(run, side)}; {_determinism(run, side)}." for side in SIDES]


def forced(run: Run) -> bool:
    """Whether answers were collected although a server was found to serve something else."""
    found = run.info.checks.get("parity", {})
    return any(bool(one.get("forced")) for one in found.values())


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
