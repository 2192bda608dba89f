"""The files of a release, with their names, sizes and hashes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import get_token

from eval.errors import ReleaseError, StaleInputs
from eval.policy import policy_of
from eval.release.gate.decision import Decision
from eval.release.hub.card import Facts, card
from eval.release.hub.evidence_bundle import training_method, write_evidence
from eval.release.hub.lineage import find_licence, origin, tuned_artifact
from eval.release.hub.redact import published_run
from eval.report.tables import run_checks
from eval.run import Run
from train.artifact import Artifact, weights
from train.files import sha256_file

CARD, SUMS = "README.md", "eval/SHA256SUMS"
#: What a servable model is made of, beside its safetensors. Everything else in the folder stays here: logs,
#: checkpoints, optimizer states, pickles.
MODEL_FILES = frozenset(
    (
        "config.json", "generation_config.json", "model.safetensors.index.json",
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt", "merges.txt",
        "chat_template.jinja", "chat_template.json", "preprocessor_config.json", "processor_config.json",
        "training.csv", "training.svg",
    )
)  # fmt: skip
NEEDED = ("config.json", "tokenizer_config.json")
_TOKEN = re.compile(rb"\bhf_[A-Za-z0-9]{30,}\b")
#: Larger files are weights, which are numbers.
_TEXT = 32 * 2**20


@dataclass(frozen=True)
class ReleaseFile:
    """One file of a release. `path` is its name in the repository, `size` is in bytes."""

    path: str
    source: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """All files of a release, in the order of their names; `notes` says what a person should know before it goes."""

    files: tuple[ReleaseFile, ...]
    card: str
    notes: tuple[str, ...] = field(default=())

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(file.size for file in self.files)


def build_bundle(run: Run, decision: Decision, repo: str, staging: Path, *, comments: bool) -> Bundle:
    """What a release of `run` to `repo` uploads; files that are made for it lie in `staging`, an empty folder.

    Raises ReleaseError where there is no model folder to upload, StaleInputs where its weights are not those that the
    decision is bound to.
    """
    folder = model_folder(run)
    artifact = tuned_artifact(folder)
    notes = write_evidence(run, decision, artifact, staging / "eval", comments=comments)
    model = _files(folder, [path.name for path in weights(folder)] + sorted(MODEL_FILES))
    _bound(model, decision)
    _same_tokenizer(model, artifact)
    found = origin(run, artifact)
    licence = find_licence(found)
    for path in licence.files:
        (staging / path.name).write_bytes(path.read_bytes())
    made = _below(staging)
    facts = Facts(
        repo=repo,
        info=published_run(run.info),
        decision=notes,
        policy=policy_of(run),
        artifact=artifact,
        origin=found,
        licence=licence,
        proved=run_checks.check_lines(run),
        forced=run_checks.forced(run),
        picture=any(file.path == "training.svg" for file in model),
        comments=comments,
        method=training_method(artifact),
        evidence=[name.removeprefix("eval/") for name in [*made, SUMS] if name.startswith("eval/")],
    )
    text = str(card(facts))
    (staging / CARD).write_text(text, encoding="utf-8")
    files = sorted([*model, *_files(staging, [*made, CARD])], key=lambda file: file.path)
    (staging / SUMS).write_text("".join(f"{file.sha256}  {file.path}\n" for file in files), encoding="utf-8")
    files += _files(staging, [SUMS])
    _refuse_tokens(files)
    return Bundle(tuple(files), text, tuple(_notes(folder, artifact, facts)))


def model_folder(run: Run) -> Path:
    """The tuned model's folder. Raises ReleaseError where it is not a folder of this machine, or lacks a file."""
    tuned = run.info.models["tuned"]
    folder = Path(tuned.source)
    if not folder.is_dir():
        what = f"is {tuned.source} of the Hub" if tuned.revision else "is in no folder of this machine"
        raise ReleaseError(f"the tuned model of run {run.name} {what}: only a judged model folder can be released")
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing or not weights(folder):
        lacks = ", ".join(missing) or "safetensors"
        raise ReleaseError(f"{folder} has no {lacks}: restore the folder that was judged, or train again")
    return folder


def _files(folder: Path, names: Iterable[str]) -> list[ReleaseFile]:
    found = [(name, folder / name) for name in dict.fromkeys(names) if (folder / name).is_file()]
    return [ReleaseFile(name, path, path.stat().st_size, sha256_file(path)) for name, path in found]


def _below(folder: Path) -> list[str]:
    """The files in a folder and its folders, as names from there, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _bound(model: Sequence[ReleaseFile], decision: Decision) -> None:
    """The very bytes that go out, by the hashes that the read-back compares, must be those that were judged."""
    whole = hashlib.sha256()
    for file in sorted((file for file in model if file.path.endswith(".safetensors")), key=lambda file: file.path):
        whole.update(f"{file.path}\0{file.sha256}\n".encode())
    if whole.hexdigest() != decision.bound.get("tuned weights"):
        raise StaleInputs("the tuned weights are not those that were judged: restore them, nothing was uploaded")


def _same_tokenizer(model: Sequence[ReleaseFile], artifact: Artifact | None) -> None:
    """The decision does not bind the tokenizer; the record of the training does."""
    found = [file.sha256 for file in model if file.path == "tokenizer.json"]
    if artifact is not None and found and found != [artifact.tokenizer_sha256]:
        raise StaleInputs("the tokenizer is not the one that was trained with: restore it, nothing was uploaded")


def _refuse_tokens(files: Sequence[ReleaseFile]) -> None:
    token = get_token()
    for file in files:
        if file.size > _TEXT or file.path.endswith(".safetensors"):
            continue
        data = file.source.read_bytes()
        if (token and token.encode() in data) or _TOKEN.search(data):
            raise ReleaseError(f"{file.path} holds a token of the Hub: take it out and revoke it, nothing was uploaded")


def _notes(folder: Path, artifact: Artifact | None, facts: Facts) -> list[str]:
    left = sorted(
        path.name for path in folder.iterdir() if path.name not in MODEL_FILES and path not in weights(folder)
    )
    notes = [f"left in {folder}: {', '.join(left)}"] if left else []
    if artifact is not None and not facts.method:
        notes.append(f"the recipe {artifact.recipe} is missing or has changed since the training: it is left out")
    if json.loads((folder / "config.json").read_bytes()).get("auto_map"):
        notes.append("config.json asks for Python code of its own (auto_map): code is not uploaded")
    if facts.licence.identifier == "other":
        notes.append(f"the base's licence is unknown ({facts.licence.source}): the card says `other`")
    return notes
