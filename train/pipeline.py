"""One recipe to one model: check the data, train by Axolotl, export, write blindside.json last."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from train import artifact as artifacts
from train import earlier_training
from train.artifact import Artifact, Base
from train.container import container
from train.data import PreparedData, Say, data_hashes, prepare, read_prompt_keys, write_prompt_keys
from train.derived_recipe import derive, output_of, prepared_path
from train.doctor.doctor import check_ready
from train.earlier_training import EarlierTraining
from train.errors import ArtifactError, ExportError, LaunchError
from train.export import sharded
from train.export.export import export, rules
from train.export.sharded import Shards
from train.figures.outcome import outcome
from train.figures.picture import svg
from train.figures.protocol import read_figures
from train.files import sha256_file, sha256_files, write_atomic
from train.job import Job, inputs_hash
from train.launch import ROOT, asked_launch, axolotl, environment, failure, run
from train.progress import Progress
from train.recipe import Recipe
from train.resources.machine import PACKAGES, cached_model, check_room, versions
from train.token_check import read_found
from train.tokens import stage as tokens

_KEPT = ("loss", "train_loss", "train_runtime", "train_steps_per_second", "train_samples_per_second")


def finished_model(job: Job, inputs: str, say: Say) -> Artifact | None:
    """The artifact of a model that these very inputs made, whose weights are still what they were.

    One whose tokens were not checked by this version's rules is reported, and made again.
    """
    try:
        found = artifacts.read_artifact(job.target)
        if found.inputs_sha256 != inputs:
            return None
        artifacts.verify(job.target)
    except ArtifactError:
        return None
    if tokens.is_outdated(job.recipe, found.tokens):
        say(f"{job.target} was trained without the current check of its tokens: it is trained again")
        return None
    return found


def make_model(job: Job, *, force: bool, say: Say) -> tuple[Artifact, bool]:
    """The model of `job`, trained if it is not there yet; and whether it was. Raises TrainError."""
    inputs = inputs_hash(job)
    earlier_training.recover(job.target)
    existing = None if force else finished_model(job, inputs, say)
    if existing is not None:
        say(f"{job.target} is up to date (recipe, data and base unchanged)")
        if existing.export_rules == rules():
            return existing, False
        return earlier_training.export_again(job.target, _base(job)[0], existing, say), False
    trained = (
        None
        if force or tokens.is_outdated(job.recipe, read_found(job.tokens))
        else earlier_training.find(job.record, inputs)
    )
    if trained is None:
        check_room(job.recipe, job.models)
        check_ready(job.recipe, job.models, say)
    else:
        say(f"{job.name} is trained already ({trained.output}); the remaining steps follow")
    prepared = prepare(job.recipe, job.work, job.env, say)
    derived = derive(job, prepared, trained.output if trained else output_of(job))
    if trained is None:
        trained = _train(job, derived, inputs, say)
    try:
        done = _finish(job, trained, derived, prepared, say)
    except OSError as error:
        raise ExportError(
            f"{job.target} cannot be made ({error}): free some space there, or make it writable; the training is "
            "kept, and the same command continues from there",
            field="folder",
        ) from error
    say(f"{job.target} is ready")
    return done, True


def follow(job: Job, *, force: bool, say: Say) -> None:
    """A further machine's part of a training on several: the first one keeps the model. Raises TrainError.

    Where the model exists already, on storage that both see, the first machine starts nothing: nobody waits for it.
    """
    if not force and finished_model(job, inputs_hash(job), say) is not None:
        say(f"{job.target} is up to date (recipe, data and base unchanged)")
        return
    check_room(job.recipe, job.models)
    check_ready(job.recipe, job.models, say)
    derived = derive(job, prepare(job.recipe, job.work, job.env, say), output_of(job))
    _launch(job, derived, say)
    say(f"{job.name} is trained; the first machine continues with the model")


def _finish(job: Job, trained: EarlierTraining, derived: Recipe, prepared: PreparedData, say: Say) -> Artifact:
    """All that comes after the training. What Axolotl wrote is needed until blindside.json is there."""
    output = trained.output
    if job.recipe.has_adapter:
        output = _merge(job, derived, output, say)
    elif (shards := sharded.find(output)) is not None:
        output = _gather(job, derived, shards, say)
    base_folder, base = _base(job)
    inside = output.resolve().is_relative_to(job.work.resolve())
    for note in export(output, base_folder, job.target, link=inside):
        say(f"  note: {note}")
    figures = read_figures(job.figures)
    if figures.rows:
        write_atomic(job.target / "training.csv", figures.to_csv())
        write_atomic(job.target / "training.svg", svg(figures, " ".join([f"{job.name}.", *trained.outcome[:1]])))
    write_prompt_keys(job.target, prepared.keys | read_prompt_keys(base_folder))
    measured = {} if job.measure is None else job.measure(job.target)
    done = _artifact(job, base, trained, trained.metrics | measured)
    artifacts.write_artifact(job.target, done)
    job.record.unlink()
    for path in artifacts.weights(output) if inside else ():
        path.unlink()
    return done


def _train(job: Job, derived: Recipe, inputs: str, say: Say) -> EarlierTraining:
    output = derived.output_dir
    # First, while it costs nothing: an image that does not report its versions must not cost a training.
    found = _versions(job)
    job.record.unlink(missing_ok=True)
    if output.resolve().is_relative_to(job.work.resolve()):
        shutil.rmtree(
            output, ignore_errors=True
        )  # ours alone; an earlier run's weights must not be taken for this one's
    figures = _launch(job, derived, say)
    tokens.report_outcome(job.recipe, job.tokens, job.log, say)
    outcome_lines = outcome(read_figures(job.figures), job.recipe.config)
    for line in outcome_lines:
        say(line)
    done = EarlierTraining(
        inputs_sha256=inputs,
        output=output,
        weights_sha256=sha256_files(sharded.files(output)),
        metrics={k: v for k, v in figures.items() if k in _KEPT or k.startswith("rewards/")},
        versions=found,
        outcome=outcome_lines,
    )
    earlier_training.keep(job.record, done)
    return done


def _launch(job: Job, derived: Recipe, say: Say) -> dict[str, float]:
    """Let Axolotl train; the figures that it printed last. Raises LaunchError or TokensError."""
    tokens.forget_outcome(job.tokens)
    job.figures.unlink(missing_ok=True)
    shutil.rmtree(prepared_path(job), ignore_errors=True)  # Axolotl knows pairs by their path alone
    say(f"Axolotl trains {job.name} from {job.recipe.base_model} (log: {job.log})")
    progress = job.progress(job.name)
    if asked_launch(derived.path).leads:  # only the first process of all writes what was found
        progress = job.progress(job.name, watch=tokens.PluginWatch(job.recipe, job.tokens))
    try:
        return _run(job)("train", derived.path, env=job.env, log=job.log, offline=job.offline, progress=progress)
    except LaunchError:
        tokens.raise_for(job.tokens)
        raise


def _merge(job: Job, derived: Recipe, output: Path, say: Say) -> Path:
    say("Axolotl merges the adapter into the base")
    progress = Progress(f"{job.name}, merge")
    _run(job)("merge-lora", derived.path, env=job.env, log=job.log, offline=job.offline, progress=progress)
    return output / "merged"


def _gather(job: Job, derived: Recipe, shards: Shards, say: Say) -> Path:
    say("Gathering the shards that the training left")
    target = job.work.absolute() / "gathered"
    shutil.rmtree(target, ignore_errors=True)
    words = sharded.command(shards, job.env / "bin" / "python", _base(job)[0], target)
    progress = Progress(f"{job.name}, shards")
    status = run(words, environment(job.env, offline=True), job.log, progress, ROOT)
    if status != 0:
        raise failure("gathering the shards", derived.path, status, job.log)
    return sharded.complete(shards, target)


def _run(job: Job) -> Callable[..., dict[str, float]]:
    return container.axolotl if container.container_wanted(job.recipe) else axolotl


def _base(job: Job) -> tuple[Path, Base]:
    """The folder of the base's files, and what the artifact says of it."""
    folder = ROOT / job.recipe.base_model
    if folder.is_dir():
        return folder, Base(source=from_root(folder), weights_sha256=artifacts.hash_weights(folder))
    wanted = job.recipe.config.get("revision_of_model")
    found, commit = cached_model(job.recipe.base_model, wanted, environment(job.env, offline=False))
    return found, Base(source=job.recipe.base_model, revision=commit, weights_sha256=artifacts.hash_weights(found))


def _artifact(job: Job, base: Base, trained: EarlierTraining, metrics: dict[str, float]) -> Artifact:
    return Artifact(
        name=job.name,
        base=base,
        recipe=from_root(job.recipe.path),
        recipe_sha256=sha256_file(job.recipe.path),
        data_sha256=data_hashes(job.recipe),
        weights_sha256=artifacts.hash_weights(job.target),
        **artifacts.hash_exported(job.target),
        export_rules=rules(),
        versions=trained.versions,
        metrics=metrics,
        tokens=read_found(job.tokens),
        outcome=trained.outcome,
        prompts=None if job.prompts is None else from_root(job.prompts),
        created_at=artifacts.utc_seconds(),
        inputs_sha256=trained.inputs_sha256,
    )


def _versions(job: Job) -> dict[str, str]:
    if not container.container_wanted(job.recipe):
        return versions(job.env)
    own = {"blindside": metadata.version("blindside")}
    return container.versions(PACKAGES, Progress(job.name)) | own


def from_root(path: Path) -> str:
    """Relative to the project where it lies inside, so that a record names no machine's folders."""
    whole = path.resolve()
    return str(whole.relative_to(ROOT)) if whole.is_relative_to(ROOT) else str(whole)
