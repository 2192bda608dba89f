"""The answers of a sweep: each candidate's own, and the base's once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from blindside import console
from blindside.errors import BlindsideError
from blindside.words import counted
from eval.cli.evaluate import Wanted, default_name, planned
from eval.cli.gather import How, complete, gather, missing
from eval.cli.model_folder import GENERAL_PROMPTS, Trained, prompts_named
from eval.collect.prompts.prompt_set import LoadedPrompts
from eval.collect.sweep_file import Definition
from eval.errors import RunError
from eval.records import SIDES, Side
from eval.run import Run, open_run
from eval.run_info import Decoding, ModelInfo, SweepMember
from eval.sweep import Candidate, Sweep, is_begun, write_sweep


@dataclass(frozen=True)
class Asking:
    """What all candidates of a sweep are asked, and how."""

    name: str
    definition: Definition
    reports: Path
    models: Path
    decoding: Decoding
    wanted: Wanted
    how: How


def collect_all(found: Sweep, asking: Asking) -> Sweep:
    """Collect each candidate's answers; sweep.json has each as soon as it is whole. What fails is written down."""
    found, folders = _trained(found, asking)
    write_sweep(asking.reports, found)
    there = [one for one in found.candidates if one.name in folders or (one.urls and one.state != "screened")]
    ready = [one for one in there if not is_begun(asking.reports, [one])]
    loaded = _prompts(folders, asking) if ready else None
    for one in ready:
        assert loaded is not None
        try:
            run = _collect(found, one, folders.get(one.name), loaded, asking)
            found = found.changed(one.name, state="collected", run=run.name, reason="")
        except (BlindsideError, OSError) as error:
            found = _failed(found, one, error)
        write_sweep(asking.reports, found)
    return found


def _failed(found: Sweep, one: Candidate, error: BlindsideError | OSError) -> Sweep:
    reason = console.one_line(" ".join(str(error).split()))[:500]
    console.say(f"{one.name}: failed: {reason}")
    return found.changed(one.name, state="failed", reason=reason)


def _trained(found: Sweep, asking: Asking) -> tuple[Sweep, dict[str, Trained]]:
    """The model folders that can be served, by candidate, and the sweep that says which can't."""
    folders = {}
    for one in found.candidates:
        if one.urls or one.state == "screened" or (one.state == "failed" and not one.model):
            continue
        try:
            folders[one.name] = Trained.read(asking.models, one.model or one.name, shared=asking.name)
        except (BlindsideError, OSError) as error:
            # Of one that is judged nothing is asked any more; the gate looks at its folder.
            found = found if is_begun(asking.reports, [one]) else _failed(found, one, error)
    return found, folders


def _prompts(folders: Mapping[str, Trained], asking: Asking) -> LoadedPrompts:
    """One set for all: without what any of the candidates was trained on, so that all are asked the same."""
    from eval.collect.prompts.prompt_set import load_prompts
    from eval.collect.prompts.retired import retired_keys

    keys: set[str] = set()
    own = asking.definition.prompts
    for one in folders.values():
        path = one.folder / "training_prompts.txt"
        keys |= set(path.read_text(encoding="utf-8").split()) if path.exists() else set()
        own = own or one.artifact.prompts or ""
    source = prompts_named(own, asking.models) if own else str(GENERAL_PROMPTS)
    loaded = load_prompts(source, training_keys=frozenset(keys), retired=retired_keys(asking.reports))
    for message in loaded.messages:
        console.say(message)
    return loaded


def _collect(found: Sweep, one: Candidate, trained: Trained | None, loaded: LoadedPrompts, asking: Asking) -> Run:
    """A run of the candidate with all its answers. Raises RunError where some are missing."""
    _same_prompts(found, loaded, asking.reports)
    run = _started(found, one, trained, loaded, asking)
    same_base(run, found, asking.reports)
    member = SweepMember(sweep=found.sweep, candidate=one.name, of=found.of)
    if run.info.sweep is not None and run.info.sweep.sweep != found.sweep:
        raise RunError(f"run {run.name} is a candidate of sweep {run.info.sweep.sweep}: judge it there")
    if run.info.sweep is None and is_begun(asking.reports, [one.model_copy(update={"run": run.name})]):
        raise RunError(f"run {run.name} was judged on its own, so reviewers know the base's answers: use other prompts")
    run = run.update(sweep=member)
    if complete(run):
        console.say(f"{one.name}: all {2 * run.info.prompt_set.asked} answers already collected")
        return run
    console.say(f"{one.name}: run {run.name}, {counted(run.info.prompt_set.asked, 'prompt')}")
    return _asked(run, one, trained, asking)


def _same_prompts(found: Sweep, loaded: LoadedPrompts, reports: Path) -> None:
    """Raises RunError where the candidates that people judge already were asked other prompts."""
    for one in found.judged:
        asked = open_run(reports, one.run).info.prompt_set.sha256
        if is_begun(reports, [one]) and asked != loaded.prompt_set.sha256:
            raise RunError(
                "its prompts would not be those that the judged candidates were asked (one of them may be in its "
                "training data, or the file changed): put it into another sweep"
            )


def same_base(run: Run, found: Sweep, reports: Path) -> None:
    """Raises RunError where another candidate of the sweep compares with another base."""
    from eval.collect.reuse import pin

    for one in found.judged:
        base = open_run(reports, one.run).info.models["base"]
        if one.run != run.name and pin(base) != pin(run.info.models["base"]):
            raise RunError(f"its base is not that of {one.name}: a sweep has one base, put it into another sweep")


def _started(found: Sweep, one: Candidate, trained: Trained | None, loaded: LoadedPrompts, asking: Asking) -> Run:
    from eval.collect.new_run import start_collected_run

    if trained is None:
        urls: dict[Side, list[str]] = {"base": _base_urls(asking), "tuned": list(one.urls)}
        name = one.run or f"{found.sweep}-{one.name}"
        return start_collected_run(
            asking.reports, name, loaded=loaded, decoding=asking.decoding, urls=urls, seconds=asking.how.timeout
        )
    sides = trained.sides()
    name = default_name(trained.artifact.name, sides, asking.decoding, loaded.prompt_set.sha256)
    run = start_collected_run(asking.reports, name, loaded=loaded, decoding=asking.decoding, models=sides)
    trained.keep_picture(run)
    _keep_curves(trained.folder, run)
    return run


def _keep_curves(folder: Path, run: Run) -> None:
    """The figures of the training with the run, so that results need no folder of models."""
    from eval.journal import write_atomically

    source, kept = folder / "training.csv", run.folder / "training.csv"
    if source.is_file() and not kept.exists():
        write_atomically(kept, source.read_bytes())


def _asked(run: Run, one: Candidate, trained: Trained | None, asking: Asking) -> Run:
    """First the tuned model alone where the base's answers are in another run, and then those are taken if they may."""
    from eval.collect.reuse import donor, take

    other = donor(run) if missing(run, ["base"]) else None
    failed = 0
    if other is not None:
        if missing(run, ["tuned"]):
            failed = _ask(run, ["tuned"], one, trained, asking)
        run = open_run(run.folder.parent, run.name)
        taken = take(run, other)
        if taken is not None:
            run, there = taken, taken.info.reused["base"]
            console.say(f"{one.name}: the base's {counted(there.answers, 'answer')} are those of run {there.run}")
        else:
            console.say(f"{one.name}: run {other.name} was served by other software, so the base is asked again")
    left: list[Side] = [side for side in SIDES if missing(run, [side])]
    if left and not failed:
        failed = _ask(run, left, one, trained, asking)
    run = open_run(run.folder.parent, run.name)
    if not complete(run):
        lacking = missing(run, SIDES)
        raise RunError(f"{counted(lacking, 'answer is', 'answers are')} missing: the same command asks for them again")
    return run


def _ask(run: Run, sides: list[Side], one: Candidate, trained: Trained | None, asking: Asking) -> int:
    """Have these sides answer what the run lacks; how many answers failed."""
    if trained is None:
        from eval.collect.collector import CollectOptions, collect

        urls: dict[Side, list[str]] = {"base": _base_urls(asking), "tuned": list(one.urls)}
        options = CollectOptions(concurrency=asking.how.concurrency, timeout=asking.how.timeout)
        return collect(run, {side: urls[side] for side in sides}, options=options, say=console.say).failed
    served: dict[Side, ModelInfo] = {side: run.info.models[side] for side in sides}
    turns, computes = planned(run.folder, served, asking.wanted)
    return gather(run, turns, replace(asking.how, dtype=asking.how.dtype or computes))


def _base_urls(asking: Asking) -> list[str]:
    said = asking.definition.base_url
    return [said] if isinstance(said, str) else list(said)
