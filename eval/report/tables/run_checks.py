"""The checks in run.json as lines of a report: parity, determinism, sides, tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from blindside.words import confidence_words, counted
from eval.judge.setup.planning import blinding_rule
from eval.policy import policy_of
from eval.records import SIDES, Side
from eval.run import Run
from eval.run_info import CheckRecord, ModelInfo


def check_lines(run: Run) -> list[str]:
    """A line for each model, also where nothing was checked: silence would look like a pass; and one of the sides."""
    return [*_sweep(run), *servers(run), *tokens(run.info.models), *_training(run.info.models), *_sides(run)]


def _sweep(run: Run) -> Iterator[str]:
    """Of how many candidates this is one, and where the base's answers came from."""
    one = run.info.sweep
    if one is not None:
        level = confidence_words(policy_of(run).preference.confidence)
        yield (
            f"Sweep: {one.candidate}, one of {one.of} candidates of sweep {one.sweep}; its claim holds at "
            f"{level}, and every other interval is as if it were the only one."
        )
    for side, taken in run.info.reused.items():
        answers = f"{counted(taken.answers, 'answer')} reused from run {taken.run}"
        yield f"{side.capitalize()}: {answers}, collected with the same settings."


def servers(run: Run) -> list[str]:
    """What was proved of each side's servers."""
    if run.info.origin == "imported":
        return ["Parity and determinism: not checked, the answers were imported."]
    return [f"{side.capitalize()}: {_parity(run, side)}; {_determinism(run, side)}." for side in SIDES]


def doubts(run: Run) -> Iterator[str]:
    """Models of which it is not known that they were trained on the tokens that are served."""
    for side, model in run.info.models.items():
        if model.tokens is not None and model.tokens.unchecked:
            yield f"{side.capitalize()}: {model.tokens.in_short}."


def tokens(models: Mapping[Side, ModelInfo]) -> Iterator[str]:
    """A sentence for each model that was trained by DPO here: whether it was trained on the tokens that are served."""
    for side, model in models.items():
        if model.tokens is not None:
            yield f"{side.capitalize()}: {'; '.join([model.tokens.in_short, *model.tokens.notes()])}."


def _training(models: Mapping[Side, ModelInfo]) -> Iterator[str]:
    """How the DPO of a model went, where that was written down."""
    for side, model in models.items():
        if model.training:
            yield f"{side.capitalize()}: {' '.join(line.strip() for line in model.training)}"


def forced(run: Run) -> bool:
    """Whether answers were collected although a server was found to serve something else."""
    return any(one.forced for one in run.info.checks.parity.values())


def _sides(run: Run) -> Iterator[str]:
    """How it was computed which answer is on the left; nothing before anybody judged."""
    rule, keys = blinding_rule(run), run.info.blinding.keys if run.info.blinding else ()
    if rule == "unkeyed":
        yield (
            "Sides: computed by an unkeyed hash of run, reviewer and item, as an earlier version did: a reviewer who "
            "knew the run's name could compute them too."
        )
    if rule == "keyed":
        lost = f" The key was replaced {len(keys) - 1}×; verdicts keep the sides they were given." if keys[1:] else ""
        yield f"Sides: computed with a secret key of the run, which no reviewer has.{lost}"


@dataclass(frozen=True)
class Parity:
    """What run.json says of one side's servers: names of the checks by what became of them, and of the notes.

    Several servers of one side have their checks together, each name once.
    """

    count: int = 0
    passed: int = 0
    failed: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dtype: str = ""
    forced: bool = False
    #: How many probes a quick check had; 0 where it was none.
    quick: int = 0

    @property
    def holds(self) -> bool | None:
        """Whether every check passed; None where one was not made, or none at all."""
        return False if self.failed else None if self.unchecked or not self.count else True

    @property
    def in_short(self) -> str:
        """Like "passed", or "not checked: end of turn"."""
        if not self.count or (self.unchecked and not self.failed):
            return "not checked" + (f": {', '.join(self.unchecked)}" if self.unchecked else "")
        return f"failed: {', '.join(self.failed)}" if self.failed else "passed"


def parity(run: Run, side: Side) -> Parity:
    """Of a run that has no such check, an empty one."""
    record = run.info.checks.parity.get(side)
    if record is None:
        return Parity()
    checks = [check for check in record.checks if not check.note]
    states = [check.passed for check in checks]
    return Parity(
        count=len(checks),
        passed=states.count(True),
        failed=_names(check for check in checks if check.passed is False),
        unchecked=_names(check for check in checks if check.passed is None),
        notes=_names(check for check in record.checks if check.note and check.name != "server"),
        dtype=record.dtype,
        forced=record.forced,
        quick=record.probes if record.quick else 0,
    )


def _names(checks: Iterable[CheckRecord]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check.name for check in checks))


def _parity(run: Run, side: Side) -> str:
    found = parity(run, side)
    if not found.count:
        return "parity not checked"
    sentence = f"{found.passed} of {counted(found.count, 'parity check')} passed in {found.dtype}"
    sentence += f" ({counted(found.quick, 'probe')})" if found.quick else ""
    if found.failed:
        sentence += f", FAILED: {', '.join(found.failed)}" + (" (continued by --force)" if found.forced else "")
    sentence += f", not checked: {', '.join(found.unchecked)}" if found.unchecked else ""
    return sentence + (f", noted: {', '.join(found.notes)}" if found.notes else "")


def _determinism(run: Run, side: Side) -> str:
    record = run.info.checks.determinism.get(side)
    if record is None or not record.asked:
        return "determinism not checked"
    return f"{record.flipped} of {counted(record.asked, 'answer')} changed when asked again"
