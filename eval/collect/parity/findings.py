"""The records of a parity check: one finding, its tolerance, the saved model and the served one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eval.collect.probing.protocol import Identity, ProbeResult
from eval.records import Side
from eval.run_info import ModelInfo
from train.reference.protocol import Job, Reference, Rendering, Scores


@dataclass(frozen=True)
class Check:
    """One finding. `passed` is None where it could not be checked; `detail` says why, or what was found.

    A `note` is no check, so it neither passes nor is left unchecked: what is true of the model or of the engine itself.
    """

    side: Side
    name: str
    passed: bool | None
    detail: str
    note: bool = False


@dataclass(frozen=True)
class Tolerance:
    """How far log-probabilities may lie apart: of any one token, and in the mean over all tokens of the prompts."""

    token: float
    mean: float


#: By the server's dtype. docs/parity.md has the measurements behind them.
TOLERANCES: Mapping[str, Tolerance] = {
    "float32": Tolerance(token=1e-3, mean=1e-3),
    "float16": Tolerance(token=0.1, mean=0.01),
    "bfloat16": Tolerance(token=0.5, mean=0.05),
}


@dataclass(frozen=True)
class ReferenceAnswers:
    """What transformers says of one saved model, found by what was asked."""

    reference: Reference
    renderings: Mapping[str, Rendering] = field(default_factory=dict)
    texts: Mapping[str, list[int]] = field(default_factory=dict)
    scores: Mapping[tuple[int, ...], Scores] = field(default_factory=dict)
    #: Kind of rope misreading -> log-probabilities by prompt.
    misread: Mapping[str, Mapping[tuple[int, ...], Sequence[float]]] = field(default_factory=dict)

    @classmethod
    def of(cls, reference: Reference, job: Job, names: Sequence[str]) -> ReferenceAnswers:
        """`names` are those of the job's conversations, in their order."""
        texts = dict(zip(job.texts, reference.texts, strict=False))
        scored = [texts[text] for text in job.scored_texts if text in texts]
        suspects = [tuple(ids) for ids in [*job.suspects, *scored]]
        return cls(
            reference,
            dict(zip(names, reference.renderings, strict=False)),
            texts,
            {tuple(ids): scores for ids, scores in zip([*job.sequences, *scored], reference.scores, strict=False)},
            {
                name: {ids: found for ids, found in zip(suspects, logs, strict=True) if found}
                for name, logs in reference.misread.items()
            },
        )

    def of_prompt(self, ids: Sequence[int]) -> Sequence[float] | None:
        """Log-probabilities of a prompt's tokens from the second on; None where it was not scored."""
        wanted, length = tuple(ids), len(ids)
        found = next((scores for scored, scores in self.scores.items() if scored[:length] == wanted), None)
        return found.logprobs[: length - 1] if found is not None and found.logprobs else None


@dataclass(frozen=True)
class SavedModel:
    """One side as it is on disk."""

    side: Side
    model: ModelInfo
    known: ReferenceAnswers


@dataclass(frozen=True)
class ServedModel:
    """One server of one side, what it said, and what the saved model should say."""

    side: Side
    url: str
    model: ModelInfo
    identity: Identity
    results: Sequence[ProbeResult]
    known: ReferenceAnswers
    dtype: str
    #: The name that the server should give; empty: the model's own.
    expected: str = ""

    @property
    def tolerance(self) -> Tolerance:
        return TOLERANCES[self.dtype]

    @property
    def answered(self) -> list[ProbeResult]:
        return [result for result in self.results if not result.refused]

    @property
    def texts(self) -> list[ProbeResult]:
        """Raw texts: both sides were asked the same ones."""
        return [result for result in self.answered if not result.probe.chat]

    def check(self, name: str, passed: bool | None, detail: str) -> Check:
        return Check(self.side, name, passed, detail)

    def noted(self, name: str, detail: str) -> Check:
        return Check(self.side, name, None, detail, note=True)
