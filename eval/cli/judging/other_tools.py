"""`blindside import-verdicts` and `export-tasks`: judging in another annotation tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blindside import console
from eval.cli.options import REPORTS, Cluster, GatePolicy, Overlap, OverlapShare, Reports
from eval.errors import InputError

RunName = Annotated[str, typer.Argument(help="The run's name.")]


def import_verdicts(
    run: RunName,
    file: Annotated[Path, typer.Argument(help="Label Studio's JSON, Argilla's records, or a table (docs/formats.md).")],
    choices: Annotated[
        str, typer.Option(help='What each label in the file means: "1=base,2=tuned"; also a, b, tie, both bad, none.')
    ] = "",
    left: Annotated[str, typer.Option(help="Which model gave the first answer, if no row says: base or tuned.")] = "",
    reviewer: Annotated[str, typer.Option(help="Who judged, if the file does not say.")] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="KIND=NAME: task, id, prompt, reviewer, outcome, left, seconds, time or comment; repeatable."
        ),
    ] = None,
    policy: GatePolicy = None,
    reports: Reports = REPORTS,
) -> None:
    """Import verdicts from another tool into a run; every row is used, or counted with the reason.

    Example: `blindside import-verdicts first project-1.json`
    """
    from blindside.tables.codes import read_option
    from eval.judge.other_tools.given_verdict import ColumnNames
    from eval.judge.other_tools.imports import MEANINGS
    from eval.judge.other_tools.imports import import_verdicts as bring
    from eval.policy import freeze_policy
    from eval.run import open_run

    if left not in ("", "base", "tuned"):
        raise InputError("--left: give base or tuned")
    try:
        words = read_option(choices, MEANINGS)
    except ValueError as error:
        raise InputError(str(error)) from None
    opened = freeze_policy(open_run(reports, run), policy, when="before verdicts were imported")
    names = ColumnNames(_columns(column or []))
    bring(opened, file, names=names, choices=words, left=left, reviewer=reviewer)  # type: ignore[arg-type]


def _columns(given: list[str]) -> dict[str, str]:
    from eval.judge.other_tools.given_verdict import COLUMNS

    found = dict(one.partition("=")[::2] for one in given)
    wrong = next((one for one in given if one.partition("=")[0] not in COLUMNS or not one.partition("=")[2]), None)
    if wrong is not None:
        raise InputError(f"--column {wrong}: write KIND=NAME, where KIND is one of {', '.join(COLUMNS)}")
    return found


def export_tasks(
    run: RunName,
    to: Annotated[str, typer.Option(help="label-studio or argilla.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the files; default: RUN-TOOL here.")] = None,
    study: Annotated[Path | None, typer.Option(help="YAML: question, overlap, sample (docs/judging.md).")] = None,
    overlap: Overlap = None,
    overlap_share: OverlapShare = None,
    cluster: Cluster = "",
    policy: GatePolicy = None,
    reports: Reports = REPORTS,
) -> None:
    """Write a run's pairs as tasks for another tool, blind: which model is on the left stays in the run's folder.

    Example: `blindside export-tasks first --to label-studio`
    """
    from eval.cli.judging.judge import asked_study
    from eval.judge.other_tools.exports import TOOLS
    from eval.judge.other_tools.exports import export_tasks as write
    from eval.policy import freeze_policy
    from eval.run import open_run

    tool = next((one for one in TOOLS if one == to), None)
    if tool is None:
        raise InputError(f"--to {to}: give one of {', '.join(TOOLS)}")
    opened = open_run(reports, run)
    wanted = asked_study(opened.folder, study, overlap, overlap_share, cluster=cluster)
    opened = freeze_policy(opened, policy)
    for path in write(opened, tool, out or Path(f"{run}-{tool}"), wanted):
        console.say(f"written: {path}")


def register(app: typer.Typer) -> None:
    app.command("import-verdicts")(import_verdicts)
    app.command("export-tasks")(export_tasks)
