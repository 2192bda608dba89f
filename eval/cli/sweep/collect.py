"""Collecting a sweep's answers: each candidate's own, and the base's only once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from blindside import console
from blindside.errors import BlindsideError
from blindside.words import counted
from eval.cli.collecting.evaluate import ServingOptions, default_name, plan_serving
from eval.cli.collecting.prove_and_collect import CollectionSettings, count_missing, is_complete, prove_and_collect
from eval.cli.training.model_folder import GENERAL_PROMPTS, TrainedModel, prompts_named
from eval.collect.prompts.prompt_set import LoadedPrompts
from eval.collect.sweep_file import SweepDefinition
from eval.errors import RunError
from eval.records import SIDES, Side
from eval.run import Run, open_run
from eval.run_info import Decoding, ModelInfo, SweepMember
from eval.sweep import Candidate, Sweep, is_begun, write_sweep


@dataclass(frozen=True)
class SweepSettings:
    """What all candidates of a sweep are asked, and how."""

    name: str
    definition: SweepDefinition
    reports: Path
    models: Path
    decoding: Decoding
    wanted: ServingOptions
    how: CollectionSettings


def collect_all(sweep: Sweep, settings: SweepSettings) -> Sweep:
    """Collect each candidate's answers; sweep.json has each as soon as it is whole. What fails is written down."""
    sweep, folders = _read_models(sweep, settings)
    write_sweep(settings.reports, sweep)
    members = [
        candidate
        for candidate in sweep.candidates
        if candidate.name in folders or (candidate.urls and candidate.state != "screened")
    ]
    ready = [candidate for candidate in members if not is_begun(settings.reports, [candidate])]
    loaded = _prompts(folders, settings) if ready else None
    for candidate in ready:
        assert loaded is not None
        try:
            run = _collect(sweep, candidate, folders.get(candidate.name), loaded, settings)
            sweep = sweep.changed(candidate.name, state="collected", run=run.name, reason="")
        except (BlindsideError, OSError) as error:
            sweep = _failed(sweep, candidate, error)
        write_sweep(settings.reports, sweep)
    return sweep


def _failed(sweep: Sweep, candidate: Candidate, error: BlindsideError | OSError) -> Sweep:
    reason = console.one_line(" ".join(str(error).split()))[:500]
    console.say(f"{candidate.name}: failed: {reason}")
    return sweep.changed(candidate.name, state="failed", reason=reason)


def _read_models(sweep: Sweep, settings: SweepSettings) -> tuple[Sweep, dict[str, TrainedModel]]:
    """The model folders that can be served, by candidate, and the sweep that says which can't."""
    folders = {}
    for candidate in sweep.candidates:
        if candidate.urls or candidate.state == "screened" or (candidate.state == "failed" and not candidate.model):
            continue
        try:
            folders[candidate.name] = TrainedModel.read(
                settings.models, candidate.model or candidate.name, shared=settings.name
            )
        except (BlindsideError, OSError) as error:
            # A candidate that people judge is asked nothing more; the gate checks its folder.
            sweep = sweep if is_begun(settings.reports, [candidate]) else _failed(sweep, candidate, error)
    return sweep, folders


def _prompts(folders: Mapping[str, TrainedModel], settings: SweepSettings) -> LoadedPrompts:
    """One set for all: without what any of the candidates was trained on, so that all are asked the same."""
    from eval.collect.prompts.prompt_set import load_prompts
    from eval.collect.prompts.retired import retired_keys

    keys: set[str] = set()
    own = settings.definition.prompts
    for candidate in folders.values():
        path = candidate.folder / "training_prompts.txt"
        keys |= set(path.read_text(encoding="utf-8").split()) if path.exists() else set()
        own = own or candidate.artifact.prompts or ""
    source = prompts_named(own, settings.models) if own else str(GENERAL_PROMPTS)
    loaded = load_prompts(source, training_keys=frozenset(keys), retired=retired_keys(settings.reports))
    for message in loaded.messages:
        console.say(message)
    return loaded


def _collect(
    sweep: Sweep, candidate: Candidate, trained: TrainedModel | None, loaded: LoadedPrompts, settings: SweepSettings
) -> Run:
    """A run of the candidate with all its answers. Raises RunError where some are missing."""
    _same_prompts(sweep, loaded, settings.reports)
    run = _start_run(sweep, candidate, trained, loaded, settings)
    same_base(run, sweep, settings.reports)
    member = SweepMember(sweep=sweep.sweep, candidate=candidate.name, of=sweep.of)
    if run.info.sweep is not None and run.info.sweep.sweep != sweep.sweep:
        raise RunError(f"run {run.name} is a candidate of sweep {run.info.sweep.sweep}: judge it there")
    if run.info.sweep is None and is_begun(settings.reports, [candidate.model_copy(update={"run": run.name})]):
        raise RunError(f"run {run.name} was judged on its own, so reviewers know the base's answers: use other prompts")
    run = run.update(sweep=member)
    if is_complete(run):
        console.say(f"{candidate.name}: all {2 * run.info.prompt_set.asked} answers already collected")
        return run
    console.say(f"{candidate.name}: run {run.name}, {counted(run.info.prompt_set.asked, 'prompt')}")
    return _collect_missing(run, candidate, trained, settings)


def _same_prompts(sweep: Sweep, loaded: LoadedPrompts, reports: Path) -> None:
    """Raises RunError where the candidates that people judge already were asked other prompts."""
    for candidate in sweep.judged:
        asked = open_run(reports, candidate.run).info.prompt_set.sha256
        if is_begun(reports, [candidate]) and asked != loaded.prompt_set.sha256:
            raise RunError(
                "its prompts would not be those that the judged candidates were asked (one of them may be in its "
                "training data, or the file changed): put it into another sweep"
            )


def same_base(run: Run, sweep: Sweep, reports: Path) -> None:
    """Raises RunError where another candidate of the sweep compares with another base."""
    from eval.collect.reuse import pin

    for candidate in sweep.judged:
        base = open_run(reports, candidate.run).info.models["base"]
        if candidate.run != run.name and pin(base) != pin(run.info.models["base"]):
            raise RunError(f"its base is not that of {candidate.name}: a sweep has one base, put it into another sweep")


def _start_run(
    sweep: Sweep, candidate: Candidate, trained: TrainedModel | None, loaded: LoadedPrompts, settings: SweepSettings
) -> Run:
    from eval.collect.new_run import start_collected_run

    if trained is None:
        urls: dict[Side, list[str]] = {"base": _base_urls(settings), "tuned": list(candidate.urls)}
        name = candidate.run or f"{sweep.sweep}-{candidate.name}"
        return start_collected_run(
            settings.reports, name, loaded=loaded, decoding=settings.decoding, urls=urls, seconds=settings.how.timeout
        )
    sides = trained.sides()
    name = default_name(trained.artifact.name, sides, settings.decoding, loaded.prompt_set.sha256)
    run = start_collected_run(settings.reports, name, loaded=loaded, decoding=settings.decoding, models=sides)
    trained.keep_picture(run)
    _keep_curves(trained.folder, run)
    return run


def _keep_curves(folder: Path, run: Run) -> None:
    """The figures of the training with the run, so that results need no folder of models."""
    from eval.journal import write_atomically

    source, kept = folder / "training.csv", run.folder / "training.csv"
    if source.is_file() and not kept.exists():
        write_atomically(kept, source.read_bytes())


def _collect_missing(run: Run, candidate: Candidate, trained: TrainedModel | None, settings: SweepSettings) -> Run:
    """First the tuned model alone where the base's answers are in another run, and then those are taken if they may."""
    from eval.collect.reuse import find_reusable_run, take_base_answers

    other = find_reusable_run(run) if count_missing(run, ["base"]) else None
    failed = 0
    if other is not None:
        if count_missing(run, ["tuned"]):
            failed = _ask(run, ["tuned"], candidate, trained, settings)
        run = open_run(run.folder.parent, run.name)
        taken = take_base_answers(run, other)
        if taken is not None:
            run, reused = taken, taken.info.reused["base"]
            console.say(
                f"{candidate.name}: the base's {counted(reused.answers, 'answer')} are those of run {reused.run}"
            )
        else:
            console.say(f"{candidate.name}: run {other.name} was served by other software, so the base is asked again")
    left: list[Side] = [side for side in SIDES if count_missing(run, [side])]
    if left and not failed:
        failed = _ask(run, left, candidate, trained, settings)
    run = open_run(run.folder.parent, run.name)
    if not is_complete(run):
        lacking = count_missing(run, SIDES)
        raise RunError(f"{counted(lacking, 'answer is', 'answers are')} missing: the same command asks for them again")
    return run


def _ask(
    run: Run, sides: list[Side], candidate: Candidate, trained: TrainedModel | None, settings: SweepSettings
) -> int:
    """Have these sides answer what the run lacks; how many answers failed."""
    if trained is None:
        from eval.collect.collect_options import CollectOptions
        from eval.collect.collector import collect

        urls: dict[Side, list[str]] = {"base": _base_urls(settings), "tuned": list(candidate.urls)}
        options = CollectOptions(concurrency=settings.how.concurrency, timeout=settings.how.timeout)
        return collect(run, {side: urls[side] for side in sides}, options=options, say=console.say).failed
    served: dict[Side, ModelInfo] = {side: run.info.models[side] for side in sides}
    turns, computes = plan_serving(run.folder, served, settings.wanted)
    return prove_and_collect(run, turns, replace(settings.how, dtype=settings.how.dtype or computes))


def _base_urls(settings: SweepSettings) -> list[str]:
    urls = settings.definition.base_url
    return [urls] if isinstance(urls, str) else list(urls)
