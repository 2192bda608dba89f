"""`blindside sweep`: train several candidates, and compare each with the same base."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindside import console
from blindside.words import counted
from eval.cli.collecting.evaluate import ServingOptions
from eval.cli.collecting.prove_and_collect import CollectionSettings
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
    Models,
    QuickParity,
    Reports,
    Sequential,
    Server,
    Timeout,
    TrainEnv,
    VllmEnv,
)
from eval.errors import InputError, RunError
from eval.run_info import Decoding

if TYPE_CHECKING:
    from eval.collect.sweep_file import SweepDefinition
    from eval.sweep import Sweep


def sweep(
    file: Annotated[Path | None, typer.Argument(help="sweep.yml, or a sweep file of Axolotl's.")] = None,
    recipe: Annotated[str, typer.Option(help="The recipe to change, if the file names none.")] = "",
    name: Annotated[str, typer.Option(help="The sweep's name; default: the file's.")] = "",
    tuned_url: Annotated[
        list[str] | None, typer.Option(help="name=URL of a candidate on a running server; repeatable.")
    ] = None,
    base_url: Annotated[list[str] | None, typer.Option(help="URL of the base, for --tuned-url.")] = None,
    prompts: Annotated[str, typer.Option(help="A JSONL or CSV file, or hub:owner/name; by default the model's.")] = "",
    engine: Engine = "auto",
    server: Server = "auto",
    sequential: Sequential = False,
    dtype: Annotated[
        str, typer.Option(help="Data type that servers compute in, for parity; default: as planned.")
    ] = "",
    force: Force = False,
    quick_parity: QuickParity = False,
    max_tokens: MaxTokens = 512,
    enable_thinking: EnableThinking = None,
    concurrency: Concurrency = 16,
    timeout: Timeout = 120.0,
    reports: Reports = REPORTS,
    models: Models = MODELS,
    env: TrainEnv = TRAIN_ENV,
    vllm_env: VllmEnv = VLLM_ENV,
) -> None:
    """Train several candidates, collect their answers and, once, the base's; sweep.json in reports/NAME lists the runs.

    Existing models and answers are kept; a candidate that fails is reported, and the others continue.
    Example: `blindside sweep sweep.yml`, then `blindside judge sweep`
    """
    from eval.cli.sweep.collect import SweepSettings, collect_all
    from eval.cli.sweep.train import train_all
    from eval.collect.sweep_file import begin_sweep
    from eval.evidence.sweep.screen import by_training
    from eval.sweep import bind_runs, check_name, is_begun, is_sweep, read_sweep, write_sweep

    found = _definition(file, recipe, tuned_url or [], base_url or [], prompts)
    title = name or (file.stem if file else "")
    if not title:
        raise InputError("the sweep needs a name: give it with --name")
    check_name(title)
    with _alone(reports, title):
        before = read_sweep(reports, title) if is_sweep(reports, title) else None
        judged = before is not None and is_begun(reports, before.candidates)
        now = begin_sweep(title, found, before, judged=judged)
        write_sweep(reports, now)
        console.say(f"sweep {title}: {counted(len(now.candidates), 'candidate')}")
        how = CollectionSettings(env / "bin" / "python", dtype, concurrency, force, timeout, quick_parity=quick_parity)
        wanted = ServingOptions(engine, server, sequential, env, vllm_env, enable_thinking)
        decoding = Decoding(max_tokens=max_tokens, enable_thinking=enable_thinking)
        now = train_all(now, reports, models, env)
        now = now if judged else by_training(now)
        _tell_unscreened(now)
        write_sweep(reports, now)
        now = collect_all(now, SweepSettings(title, found, reports, models, decoding, wanted, how))
        bind_runs(reports, now)
    _finish(now)


def _definition(
    file: Path | None, recipe: str, tuned_url: Sequence[str], base_url: Sequence[str], prompts: str
) -> SweepDefinition:
    """What the file says, or else the options."""
    from eval.collect.sweep_file import check_definition, read_definition

    if file is not None and tuned_url:
        raise InputError("give a file or --tuned-url, not both: a file names servers under `tuned_url:`")
    if file is not None:
        found = read_definition(file, recipe)
        return check_definition(found.model_dump() | ({"prompts": prompts} if prompts else {}))
    if not tuned_url:
        raise InputError("name a sweep.yml, or candidates that are served already with --tuned-url name=URL")
    urls: dict[str, list[str]] = {}
    for option in tuned_url:
        own, is_named, url = option.partition("=")
        if not is_named or "/" in own:
            raise InputError(f"--tuned-url {option}: give it as name=URL, so that the candidate has a name")
        urls.setdefault(own, []).append(url)
    return check_definition({"tuned_url": urls, "base_url": list(base_url), "prompts": prompts})


@contextmanager
def _alone(reports: Path, name: str) -> Iterator[None]:
    """Held by the one command that trains and collects for a sweep; RunError where another one does."""
    folder = reports / name
    if (folder / "run.json").exists():
        raise InputError(f"{folder} is a run: give the sweep another name with --name")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"sweep {name} is being made by another process: wait for it, or end it") from None
        yield


def _tell_unscreened(sweep: Sweep) -> None:
    """A rule on a figure that a candidate lacks drops nobody, and says so."""
    if any(rule.signal == "held_out_accuracy" for rule in sweep.screen):
        for one in sweep.candidates:
            if one.state == "trained" and "held_out_accuracy" not in one.figures:
                console.say(
                    f"note: {one.name} has no held-out pairs, so the rule on held_out_accuracy does not apply to it"
                )


def _finish(sweep: Sweep) -> None:
    failed = [one for one in sweep.candidates if one.state == "failed"]
    for one in sweep.candidates:
        if one.state in ("failed", "screened"):
            console.say(f"{one.name} {one.state}: {one.reason}")
    console.say(f"{counted(len(sweep.judged), 'candidate')} to judge: `blindside judge {sweep.sweep}`")
    if failed:
        raise RunError(
            f"{counted(len(failed), 'candidate')} of {len(sweep.candidates)} failed: the same command tries again, "
            "and they stay in the sweep"
        )


def register(app: typer.Typer) -> None:
    app.command()(sweep)
