"""Runs the parity check: puts probes to each server and to transformers itself, and compares the results.

Names, templates, tokens, log-probabilities and ends must agree; where they don't, the cause is named where it can be.
What an engine does not report is named as not checked (eval.collect.probing.proofs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from blindside import console
from blindside.words import counted
from eval.collect.parity.ends import check_end
from eval.collect.parity.findings import TOLERANCES, Check, ReferenceAnswers, SavedModel, ServedModel
from eval.collect.parity.probe_servers import ProbedServer, probe_servers
from eval.collect.parity.reference import ask_references, why_missing
from eval.collect.parity.template import check_info, check_template, check_tokens, check_trained_template
from eval.collect.parity.weights import check_greedy, check_prompts, check_weights, check_window
from eval.collect.probing.probes import CHAT_TOKENS, Probe, choose_probes
from eval.collect.probing.protocol import ProbeResult
from eval.errors import InputError, ParityFailed
from eval.records import Prompt, Side
from eval.run_info import CheckRecord, ModelInfo, ParityRecord
from train.reference.protocol import Job, Reference

__all__ = ["Check", "ParityReport", "check_parity"]

_MARKS = {True: "passed", False: "FAILED", None: "not checked"}


@dataclass(frozen=True)
class ParityReport:
    """All findings, a side after the other."""

    checks: tuple[Check, ...]
    dtype: str
    #: Addresses of servers of which nothing but the name was proved.
    unproved: tuple[str, ...] = ()
    #: How many probes each server got, and whether they were the few of a quick check.
    probes: int = 0
    quick: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing failed. What could not be checked does not count: `unchecked` says what."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.passed is False)

    @property
    def unchecked(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.passed is None and not check.note)

    def record(self, side: Side, *, force: bool = False) -> ParityRecord:
        """One side's findings, for run.json; with `force`, what failed is recorded as passed over."""
        own = [check for check in self.checks if check.side == side]
        failed = any(check.passed is False for check in own)
        allowed = TOLERANCES[self.dtype]
        return ParityRecord(
            checks=tuple(CheckRecord.model_validate(vars(check)) for check in own),
            passed=not failed,
            forced=force and failed,
            dtype=self.dtype,
            probes=self.probes,
            quick=self.quick,
            tolerance={"token": allowed.token, "mean": allowed.mean},
        )

    def lines(self) -> list[str]:
        """One line a finding."""
        return [f"{check.side}: {check.name}: {_mark(check)}: {check.detail}" for check in self.checks]

    def raise_if_failed(self) -> None:
        """Raises ParityFailed that names every failed check; `lines` has what was found."""
        if self.failures:
            names = dict.fromkeys(f"{check.side}: {check.name}" for check in self.failures)
            raise ParityFailed(
                f"the servers don't serve what was saved ({', '.join(names)}): fix that, or continue with --force, "
                "which every report then says"
            )

    def raise_unless_proved(self) -> None:
        """Raises ParityFailed where a check failed, or where nothing could be proved of a server."""
        self.raise_if_failed()
        if self.unproved:
            raise ParityFailed(
                f"nothing could be checked on {' and '.join(self.unproved)}: the lines above give the reasons"
            )


def _mark(check: Check) -> str:
    return "note" if check.note else _MARKS[check.passed]


def check_parity(
    urls: Mapping[Side, str | Sequence[str]],
    models: Mapping[Side, ModelInfo],
    prompts: Sequence[Prompt],
    *,
    python: Path,
    dtype: str = "float32",
    expected_ids: Mapping[Side, str] | None = None,
    memory: int | None = None,
    tokens: int = CHAT_TOKENS,
    quick: bool = False,
    say: Callable[[str], None] = console.say,
) -> ParityReport:
    """Compare each server with the saved model of its side.

    A side may have several servers, or none: its model is then known only to tell whether the other side serves it.

    `python` is the train environment's; `dtype` what the servers compute in (none of them tells it); `expected_ids`
    the names that they should give where those are not the models' sources, as for a folder mounted into a container.
    `memory` limits the bytes that the reference may take; None: what is free. `tokens` are generated for a
    conversation; `quick` puts three probes and not nine. Raises EngineError where a server does
    not answer, InputError for a dtype without a tolerance. A failed check is in the report, not raised.
    """
    if dtype not in TOLERANCES:
        raise InputError(f"no tolerance is known for dtype {dtype!r}: give one of {', '.join(TOLERANCES)}")
    # What can't be compared with anything is not asked for.
    probes = [] if why_missing(python) else choose_probes(prompts, tokens=tokens, quick=quick)
    servers = [(side, url) for side, given in urls.items() for url in ([given] if isinstance(given, str) else given)]
    say(f"parity: asking {counted(len(servers), 'server')} {counted(len(probes), 'probe')} each")
    probed = probe_servers(servers, probes, say)
    jobs = {side: _job(model, dtype, probes, probed, side) for side, model in models.items()}
    references = _references(python, jobs, memory, probed, say)
    names = [probe.name for probe in probes if probe.chat]
    saved = {
        side: SavedModel(side, models[side], ReferenceAnswers.of(references[side], jobs[side], names))
        for side in models
    }
    by_server = [tuple(_check(one, saved, dtype, expected_ids or {})) for one in probed]
    several = {side for side, url in servers if sum(side == other for other, _ in servers) > 1}
    checks = [
        replace(check, detail=f"{one.url}: {check.detail}") if one.side in several else check
        for one, found in zip(probed, by_server, strict=True)
        for check in found
    ]
    unproved = [one.url for one, found in zip(probed, by_server, strict=True) if not any(map(_proves, found))]
    return ParityReport(tuple(checks), dtype, tuple(dict.fromkeys(unproved)), len(probes), quick)


def _proves(check: Check) -> bool:
    """Whether it says of the server more than its name, and not of the folder alone."""
    return check.passed is not None and check.name not in ("info", "trained template")


def _references(
    python: Path,
    jobs: Mapping[Side, Job],
    memory: int | None,
    probed: Sequence[ProbedServer],
    say: Callable[[str], None],
) -> dict[Side, Reference]:
    """transformers' word on each side, which is not asked for where no server told anything to compare with it."""
    if not any(one.identity.proof.tokens for one in probed):
        return {side: Reference(missing="no server reports anything to compare with") for side in jobs}
    if not why_missing(python):
        dtype = next(iter(jobs.values())).dtype
        say(f"parity: computing the same with transformers, in {dtype}, from the saved weights")
    return ask_references(python, jobs, memory, say)


def _check(
    one: ProbedServer, saved: Mapping[Side, SavedModel], dtype: str, expected_ids: Mapping[Side, str]
) -> Iterator[Check]:
    """All findings about one server."""
    expected = expected_ids.get(one.side, "")
    if untold := one.identity.proof.untold:
        # Where it tells something, each check says for itself what it lacks.
        tells = bool(one.identity.proof.tokens)
        name = "server" if tells else "weights, template and tokens"
        yield Check(one.side, name, None, _untold(one, untold), note=tells)
    own, other = saved[one.side], next((other for side, other in saved.items() if side != one.side), None)
    if not one.identity.proof.tokens:
        yield check_info(ServedModel(one.side, one.url, own.model, one.identity, (), own.known, dtype, expected))
        return
    results = [result.with_ids(own.known.texts.get(result.text, [])) for result in one.results]
    served = ServedModel(one.side, one.url, own.model, one.identity, results, own.known, dtype, expected)
    yield check_info(served)
    yield check_template(served)
    if trained := check_trained_template(served):
        yield trained
    yield check_tokens(served)
    prompts = check_prompts(served)
    yield prompts
    yield check_greedy(served)
    yield check_weights(served, prompts.passed, other)
    yield check_end(served)
    if window := check_window(served):
        yield window


def _job(model: ModelInfo, dtype: str, probes: Sequence[Probe], probed: Sequence[ProbedServer], side: Side) -> Job:
    """What transformers must be asked about one saved model: what its own servers said, and whether it explains what
    the other side's said of raw texts."""
    results = [result for one in probed for result in one.results if one.side == side and not result.refused]
    suspects = _raw_prompts(results)
    others = _raw_prompts([result for one in probed for result in one.results if one.side != side])
    by_text = [result for one in probed for result in one.results if result.by_text]
    return Job.model_validate(
        {
            "model": model.source,
            "revision": model.revision,
            "dtype": dtype,
            "chats": [probe.chat for probe in probes if probe.chat],
            "texts": list(dict.fromkeys(result.text for result in [*results, *by_text] if result.text)),
            "sequences": _unique([result.ids for result in results] + [ids for ids in others if ids not in suspects]),
            "suspects": suspects,
            "scored_texts": list(dict.fromkeys(result.text for result in by_text)),
            "tgi": any(one.identity.is_tgi for one in probed if one.side == side),
        }
    )


def _raw_prompts(results: Sequence[ProbeResult]) -> list[list[int]]:
    raw = [result for result in results if result.scored and not result.probe.chat]
    return _unique([result.prompt_ids for result in raw if result.prompt_ids])


def _unique(many: Sequence[list[int]]) -> list[list[int]]:
    return [list(ids) for ids in dict.fromkeys(tuple(ids) for ids in many if ids)]


def _untold(one: ProbedServer, untold: Sequence[str]) -> str:
    name = one.identity.name
    if not one.identity.proof.tokens:
        return f"{one.url} ({name}) reports nothing to compare with, so nothing could be checked on this server"
    return f"{one.url} ({name}) does not report {', '.join(untold)}, so that is not checked (docs/serving.md)"
