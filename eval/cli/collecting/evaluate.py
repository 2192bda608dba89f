"""`blindside eval`: serve what was trained, collect both sides' answers, open the judging page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindside import console
from blindside.words import counted
from eval.cli.collecting.prove_and_collect import CollectionSettings, is_complete, print_answer_notes, prove_and_collect
from eval.cli.collecting.serving import RunningServers, Servers, start_servers
from eval.cli.options import (
    MODELS,
    REPORTS,
    TRAIN_ENV,
    VLLM_ENV,
    Concurrency,
    EnableThinking,
    Engine,
    Force,
    MaxTokens,
    MixedPrecision,
    Models,
    Port,
    QuickParity,
    Reports,
    Sequential,
    Server,
    Timeout,
    TrainEnv,
    VllmEnv,
)
from eval.cli.training.model_folder import TrainedModel
from eval.errors import InputError, RunError
from eval.records import Side
from eval.run import Run, open_run
from eval.run_info import Decoding, ModelInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Turn = Callable[[], AbstractContextManager[Servers]]


def evaluate(
    recipe: Annotated[str, typer.Option(help="What was trained: a name in train/recipes/ or a YAML.")] = "tiny",
    run: Annotated[str, typer.Option(help="The run's name; default: from the recipe and a hash of the inputs.")] = "",
    prompts: Annotated[str, typer.Option(help="A JSONL or CSV file, or hub:owner/name; by default the recipe's.")] = "",
    port: Port = 7860,
    headless: Annotated[bool, typer.Option("--headless", help="Collect only, open no page.")] = False,
    engine: Engine = "auto",
    server: Server = "auto",
    sequential: Sequential = False,
    base_url: Annotated[list[str] | None, typer.Option(help="URL of a running base server.")] = None,
    tuned_url: Annotated[list[str] | None, typer.Option(help="URL of a running tuned server.")] = None,
    dtype: Annotated[
        str, typer.Option(help="Data type that those servers compute in, for parity; default: bfloat16.")
    ] = "",
    force: Force = False,
    quick_parity: QuickParity = False,
    max_tokens: MaxTokens = 512,
    enable_thinking: EnableThinking = None,
    mixed_precision: MixedPrecision = False,
    concurrency: Concurrency = 16,
    timeout: Timeout = 120.0,
    reports: Reports = REPORTS,
    models: Models = MODELS,
    env: TrainEnv = TRAIN_ENV,
    vllm_env: VllmEnv = VLLM_ENV,
) -> None:
    """Serve the base and the tuned model, collect temperature-0 answers from both, and open the blind judging page.

    Existing answers are reused. Example: `blindside eval --recipe tiny`
    """
    from eval.collect.new_run import start_collected_run

    trained = TrainedModel.read(models, recipe)
    loaded, sides = trained.prompts(prompts, reports), trained.sides()
    decoding = Decoding(max_tokens=max_tokens, enable_thinking=enable_thinking)
    name = run or default_name(trained.artifact.name, sides, decoding, loaded.prompt_set.sha256)

    def start() -> Run:
        opened = start_collected_run(reports, name, loaded=loaded, decoding=decoding, models=sides)
        trained.keep_picture(opened)
        return opened

    console.say(f"run {name}: {counted(loaded.prompt_set.asked, 'prompt')} from {loaded.prompt_set.source}")
    failed = 0
    if (reports / name).exists() and is_complete(opened := start()):
        console.say(f"all {2 * loaded.prompt_set.asked} answers already collected")
    else:
        # Planned before the run is created: what can't be served leaves no run behind.
        if base_url or tuned_url:
            turns, computes = running_servers(base_url or [], tuned_url or []), dtype or "bfloat16"
        else:
            wanted = ServingOptions(engine, server, sequential, env, vllm_env, enable_thinking)
            turns, computes = plan_serving(reports / name, sides, wanted)
        how = CollectionSettings(
            env / "bin" / "python", dtype or computes, concurrency, force, timeout, mixed_precision, quick_parity
        )
        opened = start()
        failed = prove_and_collect(opened, turns, how)
    print_answer_notes(opened)
    if headless:
        _finish(opened, failed)
        return
    from eval.judge.page.app import serve
    from eval.policy import freeze_policy

    serve(freeze_policy(open_run(reports, opened.name)), port=port, say=console.say)


def default_name(recipe: str, sides: Mapping[Side, ModelInfo], decoding: Decoding, prompts_sha256: str) -> str:
    """Recipe and content: the same models, parameters and prompts are the same run, others are another one."""
    content = {
        "models": {side: [m.source, m.revision, m.weights_sha256, m.template_sha256] for side, m in sides.items()},
        "decoding": decoding.model_dump(),
        "prompts": prompts_sha256,
    }
    return f"{recipe}-{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]}"


def running_servers(base: Sequence[str], tuned: Sequence[str]) -> list[Turn]:
    """One turn, on servers that run already."""
    servers = RunningServers(base, tuned)
    return [lambda: nullcontext(servers)]


@dataclass(frozen=True)
class ServingOptions:
    """What was asked for of the servers, and the environments that may serve."""

    engine: str
    server: str
    sequential: bool
    train_env: Path
    vllm_env: Path
    enable_thinking: bool | None = None


def plan_serving(folder: Path, sides: Mapping[Side, ModelInfo], wanted: ServingOptions) -> tuple[list[Turn], str]:
    """The turns on this machine for the run in `folder`, which need not exist yet, as the printed plan says; and
    what its servers compute in. Raises ComposeError where this machine can't serve so."""
    from compose.plan import check_plan, choose_plan, plan_dtype
    from compose.stack import Model

    served = [Model(side, model.source, model.revision) for side, model in sides.items()]
    pythons = {"embedded": wanted.train_env / "bin" / "python", "vllm": wanted.vllm_env / "bin" / "python"}
    plan = choose_plan(
        wanted.engine,
        models=served,
        server=wanted.server,
        sequential=wanted.sequential or None,
        vllm=pythons["vllm"].is_file(),
    )
    if wanted.enable_thinking is not None and (plan.server == "tgi"):
        raise InputError(
            "TGI and the embedded engine have no switch for thinking: serve by vLLM (ENGINE=vllm, SERVER=vllm), or put "
            "the choice into the model's chat template"
        )
    for line in plan.lines():
        console.say(line)
    python = pythons.get(plan.kind, pythons["embedded"])
    check_plan(plan, served, python)
    start = partial(start_servers, plan=plan, run=folder.name, python=python, logs=folder / "logs", say=console.say)
    return [partial(start, turn) for turn in plan.turns(served)], plan_dtype(plan)


def _finish(run: Run, failed: int) -> None:
    console.say(f"answers in {run.responses_path}; judge them with `make judge RUN={run.name}`")
    if failed:
        raise RunError(f"{counted(failed, 'answer is', 'answers are')} missing: the same command asks for them again")


def register(app: typer.Typer) -> None:
    app.command("eval")(evaluate)
