"""`blindside parity`, and the parity and determinism checks of every collection, recorded in run.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindside import console
from eval.cli.options import MODELS, TRAIN_ENV, BaseUrl, Models, TrainEnv, TunedUrl
from eval.errors import InputError
from eval.records import Prompt, Side
from eval.run import Run
from eval.run_info import ModelInfo

if TYPE_CHECKING:
    from eval.cli.collecting.serving import Servers


def prove_parity(run: Run, stack: Servers, python: Path, dtype: str, *, force: bool, quick: bool = False) -> Run:
    """Hold the servers against the saved models; run.json keeps the findings, whatever they are.

    Raises ParityFailed where one differs, unless `force`: then the run continues and says so for ever.
    """
    from eval.collect.parity.parity import check_parity

    report = check_parity(
        stack.addresses,
        run.info.models,
        run.prompts(),
        python=python,
        dtype=dtype,
        expected_ids={side: stack.served[side] for side in stack.addresses if side in stack.served},
        quick=quick,
        say=console.say,
    )
    for line in _worth_saying(report.lines()):
        console.say(line)
    # Sides may be served one after the other: each keeps its own findings.
    by_side = {side: report.record(side, force=force) for side in stack.addresses}
    run = run.update(lambda now: {"checks": now.checks.model_copy(update={"parity": now.checks.parity | by_side})})
    if not force:
        report.raise_if_failed()
    return run


def prove_determinism(run: Run, stack: Servers) -> Run:
    """Ask a sample again, and keep in run.json how many answers changed."""
    from eval.collect.parity.determinism import check_determinism

    found = check_determinism(run, stack.addresses, check=stack.check, say=console.say)
    for line in found.lines():
        console.say(line)
    again = found.records()
    return run.update(
        lambda now: {"checks": now.checks.model_copy(update={"determinism": now.checks.determinism | again})}
    )


def _worth_saying(lines: Sequence[str]) -> list[str]:
    """Failures, what was not checked and notes, whole; what passed, in one line."""
    passed = [line for line in lines if ": passed: " in line]
    checks = sum(": note: " not in line for line in lines)
    return [f"parity: {len(passed)} of {checks} checks passed", *(line for line in lines if line not in passed)]


def parity(
    base_url: BaseUrl,
    tuned_url: TunedUrl,
    recipe: Annotated[str, typer.Option(help="What was trained: models/<recipe> and its base are compared.")] = "tiny",
    dtype: Annotated[
        str, typer.Option(help="Data type that the servers compute in; they do not report it.")
    ] = "bfloat16",
    prompts: Annotated[str, typer.Option(help="Prompts to choose probes from; default: the recipe's.")] = "",
    tokens: Annotated[int, typer.Option(min=1, help="Tokens that are generated for each conversation.")] = 24,
    quick: Annotated[
        bool, typer.Option("--quick", help="Run three probes instead of nine, for slow machines.")
    ] = False,
    models: Models = MODELS,
    env: TrainEnv = TRAIN_ENV,
) -> None:
    """Prove that two servers serve the saved weights and template; exit status 3 if one does not.

    It also exits with 3 if nothing could be proved about a server. `make eval` does this by itself.
    Example: `blindside parity --base-url http://127.0.0.1:8080 --tuned-url http://127.0.0.1:8081 --dtype float32`
    """
    from eval.cli.training.model_folder import TrainedModel
    from eval.collect.parity.parity import check_parity
    from eval.report.tables import run_checks

    trained = TrainedModel.read(models, recipe)
    asked: list[Prompt] = trained.prompts(prompts).prompts
    urls: dict[Side, list[str]] = {"base": base_url, "tuned": tuned_url}
    sides: dict[Side, ModelInfo] = trained.sides()
    if not asked:
        raise InputError("there is no prompt to choose probes from: give others with --prompts")
    python = env / "bin" / "python"
    report = check_parity(urls, sides, asked, python=python, dtype=dtype, tokens=tokens, quick=quick, say=console.say)
    for line in [*report.lines(), *run_checks.tokens(sides)]:
        console.say(line)
    report.raise_unless_proved()


def register(app: typer.Typer) -> None:
    app.command()(parity)
