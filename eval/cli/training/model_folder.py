"""A trained model folder as the evaluation needs it: both sides, their prompts, and what they were trained on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blindside import console
from eval.errors import RunError
from eval.journal import write_atomically
from eval.records import Side
from eval.run import Run
from eval.run_info import ModelInfo

if TYPE_CHECKING:
    from eval.collect.prompts.prompt_set import LoadedPrompts
    from train.artifact import Artifact
    from train.token_check import TrainedTokens

GENERAL_PROMPTS = Path(__file__).resolve().parents[2] / "collect" / "data" / "general.jsonl"


def prompts_named(source: str, models: Path = Path("models")) -> str:
    """A source of prompts; where it is the name of a model that `make train` made, that model's own prompts."""
    from train.artifact import read_artifact

    folder = models / source
    if Path(source).exists() or "/" in source or not (folder / "blindside.json").exists():
        return source
    return read_artifact(folder).prompts or str(GENERAL_PROMPTS)


@dataclass(frozen=True)
class TrainedModel:
    """A tuned model in `models`, whose weights are still those that its blindside.json names."""

    models: Path
    folder: Path
    artifact: Artifact
    #: What the exported base is called, where several models share one.
    shared: str = ""

    @classmethod
    def read(cls, models: Path, recipe: str, *, shared: str = "") -> TrainedModel:
        """Raises RunError where `recipe` was not trained yet, TrainError where its files were changed since."""
        from train.artifact import read_artifact, verify
        from train.export.export import rules

        given = Path(recipe)
        folder = models / (given.stem if given.suffix in (".yml", ".yaml") else given.name)
        if not (folder / "blindside.json").exists():
            raise RunError(f"{folder} holds no trained model: run `make train RECIPE={recipe}` first")
        verify(folder)
        artifact = read_artifact(folder)
        if artifact.export_rules != rules():
            console.say(f"note: {folder} was exported by another version; `make train` exports its weights again")
        return cls(models, folder, artifact, shared)

    def sides(self) -> dict[Side, ModelInfo]:
        """Both sides; the base is a model of ours where it is in `models`, else one of the Hub."""
        return {"base": self._base(), "tuned": _info(self.artifact, self.folder)}

    def prompts(self, source: str, reports: Path | None = None) -> LoadedPrompts:
        """The prompts of `source`, or the recipe's own, without those trained on, or retired in `reports`."""
        from eval.collect.prompts.prompt_set import load_prompts
        from eval.collect.prompts.retired import retired_keys

        keys = self.folder / "training_prompts.txt"
        trained_on = frozenset(keys.read_text().split()) if keys.exists() else frozenset()
        loaded = load_prompts(
            prompts_named(source, self.models) or self.artifact.prompts or str(GENERAL_PROMPTS),
            training_keys=trained_on,
            retired=frozenset() if reports is None else retired_keys(reports),
        )
        for message in loaded.messages:
            console.say(message)
        return loaded

    def keep_picture(self, run: Run) -> None:
        """Have the pictures of both trainings with the run, so that reports need no folder of models."""
        base = self.models / Path(self.artifact.base.source).name
        for folder, kept in ((self.folder, run.picture_path), (base, run.base_picture_path)):
            picture = folder / "training.svg"
            if picture.is_file() and not kept.exists():
                write_atomically(kept, picture.read_bytes())

    def _base(self) -> ModelInfo:
        from train.artifact import read_artifact, verify

        base = self.artifact.base
        folder = self.models / Path(base.source).name
        if (folder / "blindside.json").exists():
            verify(folder)
            return _info(read_artifact(folder), folder)
        saved, served = self._saved_base(), base.source
        settings: dict[str, Any] = {}
        if saved is not None:
            exported = _exported(saved, self.models / f"{self.shared or self.folder.name}.base")
            served, settings = str(exported), _settings(exported)
        return ModelInfo(
            name=base.source, source=served, revision=base.revision, weights_sha256=base.weights_sha256, **settings
        )

    def _saved_base(self) -> Path | None:
        """The base's files on this disk: a folder of one's own, or what the training left in the Hub's cache."""
        from train.errors import TrainError
        from train.launch import environment
        from train.resources.machine import cached_model

        base = self.artifact.base
        if Path(base.source).is_dir():
            return Path(base.source)
        try:
            folder, commit = cached_model(base.source, base.revision, environment(Path(), offline=True))
        except TrainError:
            return None
        return folder if base.revision in (None, commit) and any(folder.glob("*.safetensors")) else None


def _exported(base: Path, target: Path) -> Path:
    """A base in the form that every server reads alike: transformers 5 may have saved it otherwise, or would rebuild
    the tokenizer of an older form, and then the two sides would not be asked in the same tokens.

    Made once; again where its weights or settings have changed since, or the exporter. Raises TrainError where it can't
    be served.
    """
    from train.artifact import hash_weights
    from train.export.export import export, rules
    from train.files import write_json

    record = target / "export.json"
    as_written = record.exists() and json.loads(record.read_bytes()) == {"rules": rules(), **_settings(target)}
    if not as_written or hash_weights(target) != hash_weights(base):
        console.say(f"exporting {base} to {target}, as servers read it")
        export(base, base, target)
        write_json(record, {"rules": rules(), **_settings(target)})
    return target


def _settings(folder: Path) -> dict[str, Any]:
    """The hashes of what a server reads beside weights and template, by ModelInfo's names."""
    from train.artifact import SETTINGS, hash_setting

    return {f"{Path(name).stem}_sha256": hash_setting(folder, name) for name in SETTINGS}


def _info(artifact: Artifact, folder: Path) -> ModelInfo:
    return ModelInfo(
        name=artifact.name,
        source=str(folder),
        weights_sha256=artifact.weights_sha256,
        template_sha256=artifact.template_sha256,
        tokens=artifact.tokens or _unchecked(artifact),
        training=artifact.outcome,
        **_settings(folder),
    )


def _unchecked(artifact: Artifact) -> TrainedTokens | None:
    """What is said of a DPO whose record has no check of its tokens, as an earlier version's."""
    from eval.release.hub.evidence_bundle import training_method
    from train.token_check import TrainedTokens

    by_dpo = training_method(artifact) in ("dpo", "ipo")
    return TrainedTokens(unchecked="blindside.json has no record of it") if by_dpo else None
