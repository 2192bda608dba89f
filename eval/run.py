"""A run: the folder reports/<name>/, its provenance in run.json, and the prompts it asks.

reports/<name>/
  run.json          written first; says what was compared, by which engine, with what parameters
  prompts.jsonl     the prompts that are asked, after exclusions
  responses.jsonl   eval.answers
  verdicts.csv      eval.judge.store.verdict_files
  report/           eval.evidence.headline
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from eval.errors import RunError
from eval.journal import write_atomically
from eval.records import Prompt, Row, Side
from train.token_check import TrainedTokens

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

#: Of a model: where it ran, and what is told of its training.
_BESIDE = {"url", "served", "tokens", "training"}
_LATER_HASHES = ("config_sha256", "generation_config_sha256")

#: `unkeyed`: an earlier version's hash of run, reviewer and item, which a reviewer can compute too.
BlindingRule = Literal["keyed", "unkeyed"]


class ModelInfo(Row):
    """Which weights one side is, pinned by `weights_sha256` or `revision`; imported answers have neither."""

    name: str
    source: str
    revision: str | None = None
    weights_sha256: str | None = None
    template_sha256: str | None = None
    #: Of the served folder's config.json and generation_config.json; None in runs of earlier versions.
    config_sha256: str | None = None
    generation_config_sha256: str | None = None
    #: What it was trained on held against what is served; None where it was not trained by DPO here.
    tokens: TrainedTokens | None = None
    #: How its training went, a sentence each, the finding first; empty where nothing is known of it.
    training: tuple[str, ...] = ()
    #: What the server said of itself (`/info`), and where it was.
    url: str | None = None
    served: dict[str, Any] = Field(default_factory=dict)


class Decoding(Row):
    """The same for both sides; greedy is the only temperature that a comparison may use."""

    temperature: Literal[0] = 0
    max_tokens: int = Field(default=512, ge=1)
    #: The chat template's switch for thinking; None leaves it as the template has it.
    enable_thinking: bool | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A run that says nothing of thinking is written, and named, as it was before it could be said."""
        data: dict[str, Any] = dump(self)
        if self.enable_thinking is None:
            data.pop("enable_thinking", None)
        return data

    def words(self) -> str:
        """How long answers may be, and whether thinking was switched, for people."""
        switched = {None: "", True: ", thinking switched on", False: ", thinking switched off"}
        return f"at most {self.max_tokens:,} tokens{switched[self.enable_thinking]}"


class PromptSet(Row):
    """Where the prompts came from, and what was left out before anything was asked."""

    source: str
    sha256: str
    asked: int
    duplicates: int = 0
    in_training_data: int = 0
    #: Harvested from earlier runs for the training (eval.collect.prompts.retired).
    retired: int = 0
    #: Of imported answers: rows of one side that found no partner.
    unjoined: int = 0
    #: Columns that hold something and were not read, with the number of records.
    unread: dict[str, int] = Field(default_factory=dict)
    #: How many records were read, and why others than those asked were left out: records = used + left out. An imported
    #: prompt of two files uses two. 0 in runs of earlier versions.
    records: int = 0
    left_out: dict[str, int] = Field(default_factory=dict)


class BlindingRecord(Row):
    """How the sides of a run are computed, as its judging server writes it down; the key itself is not in it."""

    rule: BlindingRule
    #: Fingerprints (eval.judge.study.blinding) of the keys that it was judged with, the one in use last.
    keys: tuple[str, ...] = ()


class PlanChange(Row):
    """What reviewers are asked was changed after the plan was frozen: asked.json holds what is asked since."""

    at: str
    #: Rows of verdicts.csv by then.
    rows: int
    what: str
    asked_sha256: str


@lru_cache(maxsize=2)
def _prompts(path: Path, changed: int, size: int) -> tuple[Prompt, ...]:
    """A file's prompts; `changed` (ns) and `size` say which version of it."""
    # By bytes: str.splitlines would also split at U+2028, which JSON leaves as it is.
    return tuple(Prompt.model_validate_json(line) for line in path.read_bytes().splitlines())


class ImportRecord(Row):
    """A file of verdicts that were given elsewhere. `exported`: all of them on tasks that this run had exported."""

    file: str
    sha256: str
    layout: str
    at: str
    rows: int
    verdicts: int
    exported: bool


class SweepMember(Row):
    """Which candidate of which sweep a run is (eval.sweep), one of `of` among whom people's verdicts choose."""

    sweep: str
    candidate: str
    of: int = Field(ge=1)


class Reused(Row):
    """Answers of one side that were taken from another run, which asked the same model the same in the same way."""

    run: str
    answers: int
    #: Over the answers' own hashes, in the order of the prompts.
    sha256: str
    at: str


class RunInfo(Row):
    """run.json. `times` and `counts` grow while a run goes on; everything else is fixed when it begins."""

    run: str
    origin: Literal["collected", "imported"] = "collected"
    models: dict[Side, ModelInfo]
    engine: str
    #: None for imported answers: how they were decoded is not known.
    decoding: Decoding | None
    prompt_set: PromptSet
    code: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    times: dict[str, str] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
    #: What was proved about the servers: `parity`, `determinism`, and `forced` where a failed parity was passed over.
    checks: dict[str, Any] = Field(default_factory=dict)
    #: Answers that name their model, as judge.opening.mark_giveaways found them, and what became of the pairs.
    giveaways: dict[str, Any] = Field(default_factory=dict)
    blinding: BlindingRecord | None = None
    #: The hash of plan.json, which is frozen at the first verdict; "" in runs judged by earlier versions. And what is
    #: asked otherwise since.
    plan_sha256: str = ""
    plan_changes: tuple[PlanChange, ...] = ()
    #: How many prompts without a cluster ask nearly the same as another one, as found when judging began.
    near: int = 0
    #: Files of verdicts that were given elsewhere.
    imports: tuple[ImportRecord, ...] = ()
    #: The hash of the run's gate.yml, and whether it was fixed "before judging" or "after judging began".
    policy_sha256: str = ""
    policy_fixed_at: str = ""
    #: None where the tuned model is no candidate of a sweep.
    sweep: SweepMember | None = None
    #: side -> where its answers came from, where they were not asked for here.
    reused: dict[Side, Reused] = Field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """What must be equal for answers to lie in one file: models, decoding, prompts. Not where servers ran."""
        models = {
            side: model.model_dump(exclude={"url", "served", "tokens", "training"})
            for side, model in self.models.items()
        }
        return {
            "models": models,
            "decoding": self.decoding.model_dump() if self.decoding else None,
            "prompt set": self.prompt_set.sha256,
        }


@dataclass(frozen=True)
class Run:
    """A run folder that exists, with its run.json read."""

    folder: Path
    info: RunInfo

    @property
    def name(self) -> str:
        return self.info.run

    @property
    def decoding(self) -> Decoding:
        """How this run's answers are decoded. Raises RunError for imported answers, to which none can be added."""
        if self.info.decoding is None:
            raise RunError(f"run {self.name} holds imported answers: collect into a run of another name")
        return self.info.decoding

    @property
    def prompts_path(self) -> Path:
        return self.folder / "prompts.jsonl"

    @property
    def responses_path(self) -> Path:
        return self.folder / "responses.jsonl"

    @property
    def verdicts_path(self) -> Path:
        return self.folder / "verdicts.csv"

    @property
    def picture_path(self) -> Path:
        """How the tuned model's training went, drawn (train.figures.picture), where it left that."""
        return self.folder / "training.svg"

    @property
    def base_picture_path(self) -> Path:
        """The same of the base's training, where the base is the result of an earlier round."""
        return self.folder / "training-base.svg"

    @property
    def report_folder(self) -> Path:
        return self.folder / "report"

    def prompts(self) -> list[Prompt]:
        """The prompts of this run, in their order."""
        stamp = self.prompts_path.stat()
        return list(_prompts(self.prompts_path, stamp.st_mtime_ns, stamp.st_size))

    def update(self, **changes: Any) -> Run:
        """Write run.json anew with `changes` (fields of RunInfo), and return the run that has them.

        The other fields stay as the file has them: a server that judges and one that collects write different ones.
        """
        info = _read(self.folder).info.model_copy(update=changes)
        write_run_json(self.folder, info)
        return Run(self.folder, info)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Held by the one process that collects; RunError where another one does."""
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"run {self.name} is being collected by another process: wait for it, or end it"
                ) from None
            yield


def start_run(reports: Path, info: RunInfo, prompts: Sequence[Prompt]) -> Run:
    """Make the run's folder, or return the one that is there if it compares the same things.

    Raises RunError naming what differs when the folder belongs to another comparison.
    """
    if not NAME.fullmatch(info.run):
        raise RunError(f"{info.run!r} can't name a run: use letters, digits, dot, dash and underscore, at most 100")
    folder = reports / info.run
    if (folder / "run.json").exists():
        run = _read(folder)
        _refuse_other(run, info)
        return run
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(prompt.model_dump_json() + "\n" for prompt in prompts)
    write_atomically(folder / "prompts.jsonl", lines.encode())
    write_run_json(folder, info)
    return Run(folder, info)


def open_run(reports: Path, name: str) -> Run:
    """The run called `name`; when that is empty, the one last collected or judged. RunError lists what there is."""
    there = list_runs(reports)
    if not there:
        raise RunError(f"there is no run in {reports}/: make one with `make eval` (or `blindside collect`)")
    if not name:
        return _read(max(there, key=_last_touched))
    wanted = reports / name
    if wanted not in there:
        known = ", ".join(sorted(folder.name for folder in there)[:10])
        raise RunError(f"there is no run {name!r} in {reports}/: there are {known}")
    return _read(wanted)


def _last_touched(folder: Path) -> int:
    """When a run was last collected or judged, in nanoseconds: reports made from it do not count."""
    files = (folder / name for name in ("run.json", "responses.jsonl", "verdicts.csv"))
    return max(file.stat().st_mtime_ns for file in files if file.exists())


def list_runs(reports: Path) -> list[Path]:
    """Folders below `reports` that hold a run.json, by name."""
    return sorted(path.parent for path in reports.glob("*/run.json"))


def write_run_json(folder: Path, info: RunInfo) -> None:
    write_atomically(folder / "run.json", (info.model_dump_json(indent=2) + os.linesep).encode())


def _read(folder: Path) -> Run:
    path = folder / "run.json"
    try:
        return Run(folder, RunInfo.model_validate_json(path.read_bytes()))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RunError(
            f"{path}: {field or 'file'}: {first['msg']}: restore the file, or start a new run with RUN="
        ) from None


def _refuse_other(run: Run, info: RunInfo) -> None:
    ours, theirs = run.info.identity(), _as_recorded(run.info, info).identity()
    differing = [key for key in ours if ours[key] != theirs[key]]
    if differing:
        raise RunError(
            f"run {run.name} compares something else (other {', '.join(differing)}): "
            "choose a new name with RUN=, nothing was changed"
        )


def _as_recorded(then: RunInfo, now: RunInfo) -> RunInfo:
    """`now` without the hashes that an earlier version did not write down: its runs go on."""
    models = {}
    for side, model in now.models.items():
        missing = [name for name in _LATER_HASHES if getattr(then.models[side], name) is None]
        models[side] = model.model_copy(update=dict.fromkeys(missing))
    return now.model_copy(update={"models": models})
