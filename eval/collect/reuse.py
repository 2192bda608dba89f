"""Reuses the base's answers from a run that asked the same base the same prompts in the same way.

Same means: the base's whole identity (weights or revision, template, settings), decoding, every prompt by hash, the
engine, and the version that its server told. A base that nothing pins is never the same. Each answer's own hash and
messages are held against what is taken, so a file that was edited gives nothing away.
"""

from __future__ import annotations

import hashlib

from eval.answers import Answers, encode, read_answers
from eval.collect.new_run import SOFTWARE
from eval.errors import BlindsideError
from eval.journal import Journal
from eval.records import Response, Side, sha256_text, utc_now
from eval.run import Run, list_runs, open_run
from eval.run_info import ModelInfo, Reused, RunChecks, RunInfo

BASE: Side = "base"


def find_reusable_run(run: Run) -> Run | None:
    """A run beside this one whose base answers are all there and are to the same questions; None where there is none.

    The engine is not compared: before this run's servers are up nobody knows theirs.
    """
    if not _pinned(run.info.models[BASE]):
        return None
    for folder in list_runs(run.folder.parent):
        try:
            other = open_run(folder.parent, folder.name)
            if other.name != run.name and _asks_the_same(run, other) and _whole(other) is not None:
                return other
        except BlindsideError:
            continue
    return None


def same_engine(run: Run, other: Run) -> bool:
    """Whether this run's tuned model was served by what served the other run's base: name, and the version it told."""
    ours, theirs = run.info.models["tuned"].served, other.info.models[BASE].served
    alike = all(ours.get(key) == theirs.get(key) for key in (*SOFTWARE, "model_dtype", "quantization"))
    return run.info.engine == other.info.engine and alike


def take_base_answers(run: Run, other: Run) -> Run | None:
    """Copy the base's answers and what was proved of its server; the run that says so, or None if they are not whole.

    Raises RunError where somebody else collects into this run.
    """
    rows = _whole(other)
    if rows is None or not same_engine(run, other):
        return None
    with run.writing():
        answers = read_answers(run.responses_path)
        new = [row for row in rows if (row.prompt_id, BASE) not in answers.responses]
        Journal(run.responses_path).append(encode(new))
        seal = hashlib.sha256("".join(row.sha256 for row in rows).encode()).hexdigest()
        taken = Reused(run=_origin(other), answers=len(rows), sha256=seal, at=utc_now())
        counts = {"asked": 2 * len(rows), "answered": len(answers.responses) + len(new)}

        def told(now: RunInfo) -> dict[str, object]:
            base = now.models[BASE].model_copy(update=_served(other))
            return {
                "checks": _proved(now, other),
                "models": {**now.models, BASE: base},
                "counts": {**now.counts, **counts},
            }

        return run.update(told, reused={BASE: taken})


def pin(model: ModelInfo) -> dict[str, object]:
    """What a model is by hash: where its folder lies makes no other one of it."""
    beside = {"url", "served", "tokens", "training"}
    return model.model_dump(exclude=beside | ({"source", "name"} if model.weights_sha256 else set()))


def _pinned(model: ModelInfo) -> bool:
    return bool(model.weights_sha256 or model.revision)


def _asks_the_same(run: Run, other: Run) -> bool:
    mine, theirs = run.info.identity(), other.info.identity()
    same = all(mine[key] == theirs[key] for key in ("decoding", "prompt set"))
    proved = other.info.checks.parity.get(BASE)
    alike = pin(run.info.models[BASE]) == pin(other.info.models[BASE])
    return same and alike and other.info.origin == "collected" and not (proved and proved.forced)


def _whole(other: Run) -> list[Response] | None:
    """Every answer of the base in the order of the prompts; None where one is missing or not what its hash says."""
    answers: Answers = read_answers(other.responses_path)
    found = []
    for prompt in other.prompts():
        row = answers.responses.get((prompt.id, BASE))
        if row is None or row.messages != prompt.messages or row.sha256 != sha256_text(row.text):
            return None
        found.append(row)
    return found


def _served(other: Run) -> dict[str, object]:
    base = other.info.models[BASE]
    return {"url": base.url, "served": base.served}


def _origin(other: Run) -> str:
    """Where the answers were asked for, however often they were taken."""
    return other.info.reused[BASE].run if BASE in other.info.reused else other.name


def _proved(info: RunInfo, other: Run) -> RunChecks:
    """This run's checks with those of the other one's base."""
    kept, theirs = info.checks, other.info.checks
    parity = {**kept.parity, **{side: one for side, one in theirs.parity.items() if side == BASE}}
    determinism = {**kept.determinism, **{side: one for side, one in theirs.determinism.items() if side == BASE}}
    return kept.model_copy(update={"parity": parity, "determinism": determinism})
