"""run.json: what was compared, how it was asked, and what was found of servers and answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from eval.records import Row, Side
from train.token_check import TrainedTokens

#: Of a model: where it ran, and what is known of its training.
_BESIDE = {"url", "served", "tokens", "training"}

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


class ImportRecord(Row):
    """A file of verdicts that were given elsewhere. `exported`: all of them on tasks that this run had exported."""

    file: str
    sha256: str
    layout: str
    at: str
    rows: int
    verdicts: int
    exported: bool


class Recorded(Row):
    """A finding in run.json: one of an earlier version may lack fields, and what a later one adds is kept."""

    model_config = ConfigDict(extra="allow")


class CheckRecord(Recorded):
    """One finding about one server. `passed` is None where it could not be checked; a `note` is no check."""

    name: str
    passed: bool | None
    side: Side | None = None
    detail: str = ""
    note: bool = False


class ParityRecord(Recorded):
    """What was proved of one side's servers; `forced` where a failed parity was passed over."""

    checks: tuple[CheckRecord, ...] = ()
    passed: bool = True
    forced: bool = False
    dtype: str = ""
    probes: int = 0
    quick: bool = False
    #: How far log-probabilities might lie apart: `token` and `mean`.
    tolerance: dict[str, float] = Field(default_factory=dict)


class DeterminismRecord(Recorded):
    """How many of one side's prompts were asked again, and how many answered otherwise (collect.parity.determinism)."""

    asked: int
    flipped: int
    load: int = 0
    under_load: int = 0
    alone: int = 0
    failed: int = 0
    examples: tuple[str, ...] = ()
    rate: float | None = None


class RunChecks(Recorded):
    """What was proved about the servers, by side; a side that was not checked is missing."""

    parity: dict[Side, ParityRecord] = Field(default_factory=dict)
    determinism: dict[Side, DeterminismRecord] = Field(default_factory=dict)


class GiveawayRecord(Recorded):
    """Answers that name their model, as judge.setup.mark_giveaways found them, and what became of the pairs."""

    policy: Literal["mark", "mask", "hold"]
    looked_at: int
    pairs: int
    held: int
    by_side: dict[Side, int]
    #: item -> side -> the words that give it away.
    items: dict[str, dict[Side, list[str]]] = Field(default_factory=dict)


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
    """run.json. `times` and `counts` grow while a run continues; everything else is fixed when it begins."""

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
    checks: RunChecks = RunChecks()
    #: None before judging begins.
    giveaways: GiveawayRecord | None = None
    blinding: BlindingRecord | None = None
    #: The hash of plan.json, which is frozen at the first verdict; "" in runs judged by earlier versions. And what is
    #: asked differently since.
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

    @model_serializer(mode="wrap")
    def _without_sweep(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A run that is no candidate is written as it was before there were any."""
        data: dict[str, Any] = dump(self)
        return {key: value for key, value in data.items() if value or key not in ("sweep", "reused")}

    @field_validator("giveaways", mode="before")
    @classmethod
    def _none_yet(cls, value: object) -> object:
        """Earlier versions wrote an empty object before judging began."""
        return value or None

    def identity(self) -> dict[str, Any]:
        """What must be equal for answers to lie in one file: models, decoding, prompts. Not where servers ran."""
        models = {side: model.model_dump(exclude=_BESIDE) for side, model in self.models.items()}
        return {
            "models": models,
            "decoding": self.decoding.model_dump() if self.decoding else None,
            "prompt set": self.prompt_set.sha256,
        }
