"""`blindside gate` and `blindside compare`: a decision for CI, and a comparison of two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from blindside import console
from eval.cli.options import REPORTS, Reports, RunArgument
from eval.errors import BlindsideError, StaleInputs

UNDECIDED = "Nothing was decided: broken or stale inputs."


class GateCommand(TyperCommand):
    """A command that ends with 3 wherever nothing was decided: the usual 1 and 2 would be decisions."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "exit_code", 0):  # 0: the help was shown
                error.exit_code = 3  # type: ignore[attr-defined]
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (BlindsideError, typer.Exit):
            raise
        except Exception as error:
            raise StaleInputs(f"{_words(error)}. {UNDECIDED}") from error


def _words(error: Exception) -> str:
    """What is left to say of an error that nobody foresaw; --debug shows where it was."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def gate(
    run: RunArgument = "",
    policy: Annotated[
        Path | None,
        typer.Option(help="Fix this policy for a run without one; if the run has a policy, it must be the same."),
    ] = None,
    reports: Reports = REPORTS,
) -> None:
    """Decide by the run's policy: exit status 0 release, 1 hold, 2 insufficient evidence, 3 broken or stale inputs.

    For a sweep, decides on the best candidate. Writes decision.json, report/gate-junit.xml and report/gate.md.
    Example: `blindside gate tiny-1a2b3c4d`
    """
    from eval.policy import freeze_policy
    from eval.release.gate.decision import EXIT
    from eval.release.gate.gate import decide
    from eval.release.gate.outputs import print_decision
    from eval.run import open_run
    from eval.sweep import is_sweep

    try:
        opened = open_run(reports, best_of(reports, run) if is_sweep(reports, run) else run)
        decision = decide(freeze_policy(opened, policy) if policy else opened)
    except BlindsideError as error:
        # Whatever cannot be trusted ends with 3, never with a decision's exit status.
        raise StaleInputs(f"{error}. {UNDECIDED}") from error
    print_decision(decision)
    raise typer.Exit(EXIT[decision.decision])


def best_of(reports: Path, sweep: str) -> str:
    """The run of a sweep's best candidate; prints how the sweep stands. Raises RunError, InputError."""
    from eval.report.sweep.snapshot import read_sweep_snapshot
    from eval.report.sweep.views import sentence

    found = read_sweep_snapshot(reports, sweep)
    console.say(f"sweep {sweep}: {sentence(found)}")
    return found.runs[found.standings.race.best].name


def compare(
    old: Annotated[str, typer.Argument(help="The earlier run.")],
    new: Annotated[str, typer.Argument(help="The later run.")],
    reports: Reports = REPORTS,
) -> None:
    """Compare two runs on the prompts judged in both: writes report/compare-OLD.md and .html.

    Example: `blindside compare tiny-1a2b3c4d tiny-9f8e7d6c`
    """
    from eval.report.compare import compare_runs
    from eval.report.write_report import write_comparison
    from eval.run import open_run

    console.say(write_comparison(compare_runs(open_run(reports, old), open_run(reports, new))), lines=True)


def register(app: typer.Typer) -> None:
    app.command(cls=GateCommand)(gate)
    app.command()(compare)
