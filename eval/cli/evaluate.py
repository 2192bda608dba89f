"""`blindside eval`: serve what was trained, collect both sides' answers, open the judging page."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.cli.options import MODELS, REPORTS, TRAIN_ENV, Concurrency, MaxTokens, Models, Port, Reports, TrainEnv
from eval.cli.proof import prove_determinism, prove_parity
from eval.cli.serving import stack
from eval.cli.trained import Trained
from eval.errors import RunError
from eval.records import SIDES, Side
from eval.run import Decoding, ModelInfo, Run, RunInfo, open_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from compose.plan import Plan
    from compose.stack import Model


def evaluate(
    recipe: Annotated[str, typer.Option(help="What was trained: a name in train/recipes/ or a YAML.")] = "tiny",
    run: Annotated[str, typer.Option(help="The run's name; by default made of recipe and content.")] = "",
    prompts: Annotated[str, typer.Option(help="A JSONL or CSV file, or hub:owner/name; by default the recipe's.")] = "",
    port: Port = 7860,
    headless: Annotated[bool, typer.Option("--headless", help="Collect only, open no page.")] = False,
    engine: Annotated[str, typer.Option(help="auto, docker or embedded.")] = "auto",
    server: Annotated[str, typer.Option(help="In Docker: tgi, vllm or sglang.")] = "tgi",
    sequential: Annotated[bool, typer.Option("--sequential", help="Serve one side after the other.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Go on though parity failed; the run tells.")] = False,
    max_tokens: MaxTokens = 512,
    concurrency: Concurrency = 16,
    reports: Reports = REPORTS,
    models: Models = MODELS,
    env: TrainEnv = TRAIN_ENV,
) -> None:
    """Serve the base and the tuned model, collect temperature-0 answers from both, and open the blind judging page.

    Answers that are there already are not asked again. Example: `blindside eval --recipe tiny`
    """
    from compose.plan import choose
    from compose.stack import Model
    from eval.collect.start import start_collected_run

    trained = Trained.read(models, recipe)
    loaded, sides = trained.prompts(prompts), trained.sides()
    decoding = Decoding(max_tokens=max_tokens)
    name = run or default_name(trained.artifact.name, sides, decoding, loaded.prompt_set.sha256)
    opened = start_collected_run(
        reports, name, loaded=loaded, decoding=decoding, models=sides, engine=_engine_of(reports / name)
    )
    typer.echo(f"run {name}: {loaded.prompt_set.asked} prompts from {loaded.prompt_set.source}")
    served = [Model(side, model.source, model.revision) for side, model in sides.items()]
    how = choose(engine, models=served, server=server, sequential=sequential or None)
    failed = _collect(opened, served, how, env=env, concurrency=concurrency, force=force)
    if headless:
        _finish(opened, failed)
        return
    from eval.judge.page import serve

    serve(opened, port=port, say=typer.echo)


def default_name(recipe: str, sides: Mapping[Side, ModelInfo], decoding: Decoding, prompts_sha256: str) -> str:
    """Recipe and content: the same models, parameters and prompts are the same run, others are another one."""
    content = {
        "models": {side: [m.source, m.revision, m.weights_sha256, m.template_sha256] for side, m in sides.items()},
        "decoding": decoding.model_dump(),
        "prompts": prompts_sha256,
    }
    return f"{recipe}-{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]}"


def _engine_of(folder: Path) -> str:
    """What an existing run says of its engine: a finished one is not served again, so nothing new is known."""
    path = folder / "run.json"
    return RunInfo.model_validate_json(path.read_bytes()).engine if path.exists() else "embedded"


def _collect(run: Run, models: Sequence[Model], plan: Plan, *, env: Path, concurrency: int, force: bool) -> int:
    """Serve as planned, prove what is served, and ask what is missing; returns how many answers failed."""
    from compose.plan import dtype
    from eval.answers import read_answers
    from eval.collect.collector import CollectOptions, collect

    if not read_answers(run.responses_path).missing(run.prompts()):
        typer.echo(f"all {2 * run.info.prompt_set.asked} answers are there already")
        return 0
    for line in plan.lines():
        typer.echo(line)
    python, logs, options = env / "bin" / "python", run.folder / "logs", CollectOptions(concurrency=concurrency)
    failed = 0
    for turn in plan.turns(models):
        with stack(turn, plan, run=run.name, python=python, logs=logs, say=typer.echo) as servers:
            run = run.update(engine=servers.engine)
            sides = [side for side in SIDES if side in servers.urls]
            run = prove_parity(run, servers, sides, python=python, dtype=dtype(plan), force=force, say=typer.echo)
            urls: dict[Side, str] = {side: servers.urls[side] for side in sides}
            failed += collect(run, urls, options=options, check=servers.check, say=typer.echo).failed
            run = prove_determinism(open_run(run.folder.parent, run.name), servers, sides, say=typer.echo)
    return failed


def _finish(run: Run, failed: int) -> None:
    typer.echo(f"answers in {run.responses_path}; judge them with `make judge RUN={run.name}`")
    if failed:
        raise RunError(f"{failed} answers are missing: the same command asks for them again")


def register(app: typer.Typer) -> None:
    app.command("eval")(evaluate)
