"""One recipe, one model: check the data, let Axolotl train, export, and write blindside.json last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from train import artifact as artifacts
from train import earlier
from train.artifact import NAME, Artifact, Base
from train.container import container
from train.container.image import image_name
from train.data import Prepared, Say, data_hashes, is_local, prepare, read_prompt_keys, write_prompt_keys
from train.doctor.doctor import ready
from train.earlier import Left
from train.errors import ArtifactError, ExportError, LaunchError
from train.export.export import export, rules
from train.figures.picture import svg
from train.figures.protocol import read_figures
from train.figures.words import outcome
from train.files import sha256_file, sha256_files, sha256_json, write_atomic
from train.launch import ROOT, axolotl, environment
from train.progress import Progress
from train.recipe import Recipe, read_recipe
from train.resources.machine import PACKAGES, cached_model, check_room, versions
from train.token_check import read_found
from train.tokens import stage as tokens

_OF_A_MODEL = (".json", ".jinja", ".safetensors")
Measure = Callable[[Path], dict[str, float]]
_KEPT = ("loss", "train_loss", "train_runtime", "train_steps_per_second", "train_samples_per_second")


@dataclass(frozen=True)
class Job:
    """A recipe, and where its model goes."""

    recipe: Recipe
    name: str
    models: Path
    work: Path
    env: Path
    #: What stands for the base in `inputs_sha256`; the base's own weights where it is None.
    base_key: str | None = None
    prompts: Path | None = None
    #: Figures on held-out questions, from the exported folder.
    measure: Measure | None = None
    #: What shows how far Axolotl is.
    progress: Callable[..., Progress] = Progress

    @property
    def target(self) -> Path:
        return self.models / self.name

    @property
    def log(self) -> Path:
        return self.work / "train.log"

    @property
    def record(self) -> Path:
        return earlier.record(self.work, self.name)

    @property
    def tokens(self) -> Path:
        """Where the plugin inside Axolotl writes what it found."""
        return (self.work / f"tokens-{self.name}.json").absolute()

    @property
    def figures(self) -> Path:
        """Where it writes what the trainer logs."""
        return (self.work / f"figures-{self.name}.jsonl").absolute()

    @property
    def offline(self) -> bool:
        """Where base and data are local, no network is needed."""
        local = all(is_local(asked) for asked in self.recipe.datasets)
        return local and (ROOT / self.recipe.base_model).is_dir()


def inputs_hash(job: Job) -> str:
    """Of all that decides the outcome: what the recipe says, data, base and versions."""
    return sha256_json(
        {
            "recipe": read_recipe(job.recipe.path).config,
            "data": sorted(data_hashes(job.recipe).values()),
            "base": job.base_key or _base_key(job),
            "versions": _decisive_versions(job),
        }
    )


def _decisive_versions(job: Job) -> dict[str, str]:
    """Those that tell one training from another; the image's packages go by its name, so that nothing is pulled."""
    if container.wanted(job.recipe):
        return {"image": image_name(), "blindside": metadata.version("blindside")}
    return versions(job.env)


def _base_key(job: Job) -> str:
    folder = ROOT / job.recipe.base_model
    if folder.is_dir():
        return sha256_files(path for path in folder.iterdir() if path.suffix in _OF_A_MODEL and path.name != NAME)
    return f"{job.recipe.base_model}@{job.recipe.config.get('revision_of_model') or 'main'}"


def finished(job: Job, inputs: str, say: Say) -> Artifact | None:
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
    if tokens.outdated(job.recipe, found.tokens):
        say(f"{job.target} was trained before its tokens were checked as they are now: it is trained again")
        return None
    return found


def make(job: Job, *, force: bool, say: Say) -> tuple[Artifact, bool]:
    """The model of `job`, trained if it is not there yet; and whether it was. Raises TrainError."""
    inputs = inputs_hash(job)
    earlier.recover(job.target)
    there = None if force else finished(job, inputs, say)
    if there is not None:
        say(f"{job.target} is up to date (recipe, data and base unchanged)")
        if there.export_rules == rules():
            return there, False
        return earlier.export_again(job.target, _base(job)[0], there, say), False
    trained = None if force or tokens.outdated(job.recipe, read_found(job.tokens)) else earlier.find(job.record, inputs)
    if trained is None:
        check_room(job.recipe, job.models)
        ready(job.recipe, job.models, say)
    else:
        say(f"{job.name} is trained already ({trained.output}); what comes after it is missing")
    prepared = prepare(job.recipe, job.work, job.env, say)
    derived = _derive(job, prepared, trained.output if trained else _output(job))
    if trained is None:
        trained = _train(job, derived, inputs, say)
    try:
        done = _finish(job, trained, derived, prepared, say)
    except OSError as error:
        raise ExportError(
            f"{job.target} cannot be made ({error}): free some space there, or let it be written to; the training is "
            "kept, and the same command continues from there",
            field="folder",
        ) from error
    say(f"{job.target} is ready")
    return done, True


def _finish(job: Job, trained: Left, derived: Recipe, prepared: Prepared, say: Say) -> Artifact:
    """All that comes after the training. What Axolotl wrote is needed until blindside.json is there."""
    output = trained.output
    if job.recipe.has_adapter:
        output = _merge(job, derived, output, say)
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


def _derive(job: Job, prepared: Prepared, output: Path) -> Recipe:
    """The recipe as Axolotl gets it."""
    changes = {
        "output_dir": str(output),
        "datasets": prepared.datasets,
        "dataset_prepared_path": str(_prepared_path(job)),
        "tokenizer_save_jinja_files": False,
    }
    if prepared.held_out:
        changes["test_datasets"] = prepared.held_out
    own = tokens.fields(job.recipe, job.tokens, job.figures)
    return job.recipe.derive(job.work / f"{job.name}.yml", **changes, **own)


def _train(job: Job, derived: Recipe, inputs: str, say: Say) -> Left:
    output = derived.output_dir
    # First, while it costs nothing: an image that does not report its versions must not cost a training.
    found = _versions(job)
    job.record.unlink(missing_ok=True)
    tokens.forget(job.tokens)
    job.figures.unlink(missing_ok=True)
    shutil.rmtree(_prepared_path(job), ignore_errors=True)  # Axolotl knows pairs by their path alone
    if output.resolve().is_relative_to(job.work.resolve()):
        shutil.rmtree(
            output, ignore_errors=True
        )  # ours alone; an earlier run's weights must not be taken for this one's
    say(f"Axolotl trains {job.name} from {job.recipe.base_model} (log: {job.log})")
    progress = job.progress(job.name, watch=tokens.Watch(job.recipe, job.tokens))
    try:
        figures = _run(job)("train", derived.path, env=job.env, log=job.log, offline=job.offline, progress=progress)
    except LaunchError:
        tokens.raise_for(job.tokens)
        raise
    tokens.tell(job.recipe, job.tokens, job.log, say)
    told = outcome(read_figures(job.figures), job.recipe.config)
    for line in told:
        say(line)
    done = Left(
        inputs_sha256=inputs,
        output=output,
        weights_sha256=artifacts.hash_weights(output),
        metrics={k: v for k, v in figures.items() if k in _KEPT or k.startswith("rewards/")},
        versions=found,
        outcome=told,
    )
    earlier.keep(job.record, done)
    return done


def _merge(job: Job, derived: Recipe, output: Path, say: Say) -> Path:
    say("Axolotl merges the adapter into the base")
    progress = Progress(f"{job.name}, merge")
    _run(job)("merge-lora", derived.path, env=job.env, log=job.log, offline=job.offline, progress=progress)
    return output / "merged"


def _run(job: Job) -> Callable[..., dict[str, float]]:
    return container.axolotl if container.wanted(job.recipe) else axolotl


def _prepared_path(job: Job) -> Path:
    return (job.work / f"prepared-{job.name}").absolute()


def _output(job: Job) -> Path:
    """The recipe's own, or one in the work folder where that cannot be made: /workspace is a rented machine's."""
    asked = (ROOT / job.recipe.output_dir).absolute()
    there = next(parent for parent in (asked, *asked.parents) if parent.exists())
    return asked if os.access(there, os.W_OK) else (job.work / "output").absolute()


def _base(job: Job) -> tuple[Path, Base]:
    """The folder of the base's files, and what the artifact says of it."""
    folder = ROOT / job.recipe.base_model
    if folder.is_dir():
        return folder, Base(source=from_root(folder), weights_sha256=artifacts.hash_weights(folder))
    wanted = job.recipe.config.get("revision_of_model")
    found, commit = cached_model(job.recipe.base_model, wanted, environment(job.env, offline=False))
    return found, Base(source=job.recipe.base_model, revision=commit, weights_sha256=artifacts.hash_weights(found))


def _artifact(job: Job, base: Base, trained: Left, metrics: dict[str, float]) -> Artifact:
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
        created_at=artifacts.now(),
        inputs_sha256=trained.inputs_sha256,
    )


def _versions(job: Job) -> dict[str, str]:
    if not container.wanted(job.recipe):
        return versions(job.env)
    own = {"blindside": metadata.version("blindside")}
    return container.versions(PACKAGES, Progress(job.name)) | own


def from_root(path: Path) -> str:
    """Relative to the project where it lies inside, so that a record names no machine's folders."""
    whole = path.resolve()
    return str(whole.relative_to(ROOT)) if whole.is_relative_to(ROOT) else str(whole)
