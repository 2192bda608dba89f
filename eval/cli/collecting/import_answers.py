"""`blindside import`: a run out of answers collected elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from blindside import console
from eval.cli.options import REPORTS, Reports
from eval.errors import InputError
from eval.run import Run


def import_answers(
    run: Annotated[str, typer.Argument(help="Name of the new run.")],
    table: Annotated[Path | None, typer.Option(help="One CSV or JSONL with prompt, base and tuned.")] = None,
    base: Annotated[Path | None, typer.Option(help="The base's answers: AlpacaEval or FastChat.")] = None,
    tuned: Annotated[Path | None, typer.Option(help="The tuned model's answers, in the same format.")] = None,
    questions: Annotated[Path | None, typer.Option(help="FastChat's questions; answers join by question_id.")] = None,
    prompt_column: Annotated[str, typer.Option(help="Column of --table that holds the prompt.")] = "prompt",
    base_column: Annotated[str, typer.Option(help="Column of --table that holds the base's answer.")] = "base",
    tuned_column: Annotated[str, typer.Option(help="Column of --table that holds the tuned answer.")] = "tuned",
    id_column: Annotated[str, typer.Option(help="Column of --table with the prompt's id, if any.")] = "",
    category_column: Annotated[str, typer.Option(help="Column of --table with the category, if any.")] = "",
    base_name: Annotated[str, typer.Option(help="What to call the base model in reports.")] = "",
    tuned_name: Annotated[str, typer.Option(help="What to call the tuned model in reports.")] = "",
    keep_errors: Annotated[
        bool,
        typer.Option("--keep-errors", help="Keep error messages and texts that repeat many times."),
    ] = False,
    reports: Reports = REPORTS,
) -> None:
    """Make a run from answers collected elsewhere, joined by id or prompt text, never by position.

    Examples: `blindside import first --table answers.csv` ·
    `blindside import alpaca --base base/model_outputs.json --tuned tuned/model_outputs.json` ·
    `blindside import bench --questions question.jsonl --base a.jsonl --tuned b.jsonl`
    """
    from eval.collect.imports.imports import import_alpaca_eval, import_fastchat, import_table

    names = {"base_name": base_name, "tuned_name": tuned_name}
    made: Run
    how: dict[str, Any] = {**names, "keep_errors": keep_errors, "say": console.say}
    if table is not None and base is None and tuned is None and questions is None:
        made = import_table(
            reports,
            run,
            table,
            prompt=prompt_column,
            base=base_column,
            tuned=tuned_column,
            id=id_column,
            category=category_column,
            **how,
        )
    elif table is None and base is not None and tuned is not None and questions is None:
        made = import_alpaca_eval(reports, run, base, tuned, **how)
    elif table is None and base is not None and tuned is not None and questions is not None:
        made = import_fastchat(reports, run, questions, base, tuned, **how)
    else:
        raise InputError(
            "name what to import: --table FILE, or --base FILE and --tuned FILE (with --questions FILE for FastChat)"
        )
    console.say(f"run {made.name} is ready: judge it with `blindside judge {made.name}`")


def register(app: typer.Typer) -> None:
    app.command("import")(import_answers)
