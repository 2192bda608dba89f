"""Checks which weights a server runs: compares log-probabilities with transformers', and names whose they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from blindside.words import counted
from eval.collect.parity.findings import Check, SavedModel, ServedModel
from eval.collect.probing.protocol import ProbeResult
from train.reference.protocol import Scores

#: Another explanation must fit this much better than the saved weights as they are.
_BETTER = 0.5
#: Below this share of the tolerance a difference is rounding, and explains nothing.
_ROUNDING = 0.02

#: From a prompt to its log-probabilities under one model, if that was asked.
Lookup = Callable[[tuple[int, ...]], Sequence[float] | None]


@dataclass(frozen=True)
class _Point:
    """One token under two engines. `place` is its number in `what`, from 1."""

    what: str
    place: int
    id: int
    text: str
    server: float
    saved: float

    @property
    def difference(self) -> float:
        return abs(self.server - self.saved)

    def __str__(self) -> str:
        return (
            f"token {self.place} of {self.what}, {self.text!r} ({self.id}): "
            f"the server says {self.server:.4f}, transformers {self.saved:.4f}"
        )


def check_prompts(served: ServedModel) -> Check:
    """Whether the probabilities of the prompts' own tokens agree: a wrong rope shows here when no text shows it."""
    name = "prompt log-probabilities"
    if unable := _unable(served):
        return served.check(name, None, unable)
    if foreign := _foreign(served):
        return served.check(name, False, foreign)
    results = [result for result in served.answered if result.scored]
    points = [point for result in results for point in _prompt_points(result, _scores(served, result))]
    if not points:
        return served.check(name, None, f"{served.url} gives none for prompts: {served.identity.proof.remedy}")
    allowed = served.tolerance
    largest, mean = max(point.difference for point in points), _mean(points)
    size = f"largest difference {largest:.2g}, mean {mean:.2g}; {served.dtype} allows {allowed.token:g}"
    size += "" if allowed.mean == allowed.token else f" and {allowed.mean:g}"
    first = next((point for point in points if not point.difference <= allowed.token), None)
    if first is not None:
        return served.check(name, False, f"{first} ({size})")
    return served.check(
        name, mean <= allowed.mean, f"{counted(len(points), 'token')} of {counted(len(results), 'probe')}: {size}"
    )


def check_greedy(served: ServedModel) -> Check:
    """Whether each generated token is the likeliest one for transformers too, or tied with it, and as likely."""
    name = "greedy tokens"
    if unable := _unable(served):
        return served.check(name, None, unable)
    if foreign := _foreign(served):
        return served.check(name, False, foreign)
    allowed, ties, largest, count = served.tolerance.token, 0, 0.0, 0
    for result in [one for one in served.answered if one.answer]:
        for point, top, best in _answer_points(result, _scores(served, result)):
            count += 1
            if point.id != top and not best - point.saved <= allowed:
                likely = f"; more likely there: {served.known.reference.pieces.get(top)!r} ({top}) at {best:.4f}"
                return served.check(name, False, f"{point}{likely}")
            if not point.difference <= allowed:
                return served.check(name, False, f"{point} ({served.dtype} allows {allowed:g})")
            ties += point.id != top
            largest = max(largest, point.difference)
    if not count:
        return served.check(name, None, f"{served.url} reported the tokens of no answer")
    tied = f", {ties} of them ties" if ties else ""
    return served.check(name, True, f"{counted(count, 'token')}{tied}, largest difference {largest:.2g}")


def check_weights(served: ServedModel, prompts_agree: bool | None, other: SavedModel | None) -> Check:
    """Whose weights answer: those saved, the other side's, or the saved ones with rope misread."""
    name, own = "weights", _distance(served, served.known.of_prompt)
    if own is None:
        return served.check(name, None, _unable(served) or "the server gives no log-probabilities of prompts")
    suspects = {f"{served.model.source} {how}": prompts.get for how, prompts in served.known.misread.items()}
    found = {what: _distance(served, lookup) for what, lookup in suspects.items()}
    theirs = None if other is None else _distance(served, other.known.of_prompt)
    if other is not None:
        found[_of(other)] = theirs
    fits = {what: far for what, far in found.items() if far is not None}
    nearest = min(fits, key=lambda what: fits[what], default="")
    allowed = served.tolerance.mean
    if nearest and fits[nearest] <= allowed and fits[nearest] < _BETTER * own and own > _ROUNDING * allowed:
        return served.check(name, False, _explained(served, nearest, own, fits[nearest], other))
    if prompts_agree is False:
        return served.check(name, False, _unexplained(served, own, other))
    if other is None or theirs is None:
        return served.check(name, True, f"mean difference to the saved weights {own:.2g}")
    if theirs * _BETTER <= own:
        alike = f"{served.side} and {other.side} answer so similarly (mean differences {own:.2g} and {theirs:.2g})"
        return served.check(name, None, f"{alike} that they cannot be distinguished")
    return served.check(name, True, f"mean difference to the saved weights {own:.2g}, to {other.side}'s {theirs:.2g}")


def _of(other: SavedModel) -> str:
    return f"{other.side}'s weights ({other.model.source})"


def _explained(served: ServedModel, what: str, own: float, far: float, other: SavedModel | None) -> str:
    sizes = f"mean difference {far:.2g}, to {served.model.source} as saved {own:.2g}"
    if other is not None and what == _of(other):
        return f"other weights: the server of {served.side} at {served.url} answers with {what}: {sizes}"
    return (
        f"rope differs: {served.url} runs {what} ({sizes}): the config.json there is another, or lacks the keys that "
        "this server reads; export the model again"
    )


def _unexplained(served: ServedModel, own: float, other: SavedModel | None) -> str:
    others = f", {other.side}'s weights" if other is not None else ""
    text = (
        f"other weights than those saved in {served.model.source} (mean difference {own:.2g}): the saved ones{others} "
        "and a misread rope don't explain it; an earlier checkpoint's would look like this"
    )
    small = served.dtype == "float32" and own <= _HALF
    return text + (", or a server that doesn't run in float32" if small else "")


#: A mean difference that half precision could make.
_HALF = 0.05


def _unable(served: ServedModel) -> str:
    reference = served.known.reference
    return reference.missing or reference.unscored


def _foreign(served: ServedModel) -> str:
    """Told where a server uses tokens that the saved model doesn't have: nothing more can be compared then."""
    unknown = any(len(result.ids) > 1 and not _scores(served, result).logprobs for result in served.answered)
    return f"{served.url} uses tokens that {served.model.source} does not have: it is another model" if unknown else ""


def _scores(served: ServedModel, result: ProbeResult) -> Scores:
    return served.known.scores[tuple(result.ids)]


def _prompt_points(result: ProbeResult, scores: Scores) -> Iterator[_Point]:
    for place, (token, saved) in enumerate(zip(result.prompt[1:], scores.logprobs, strict=False), start=2):
        yield _Point(repr(result.probe.name), place, token.id, token.text, _number(token.logprob), saved)


def _answer_points(result: ProbeResult, scores: Scores) -> Iterator[tuple[_Point, int, float]]:
    """Each token of the answer, with the likeliest one there and its log-probability."""
    skip, what = len(result.prompt) - 1, f"the answer to {result.probe.name!r}"
    rows = zip(result.answer, scores.logprobs[skip:], scores.top[skip:], scores.top_logprobs[skip:], strict=True)
    for place, (token, saved, top, best) in enumerate(rows, start=1):
        yield _Point(what, place, token.id, token.text, _number(token.logprob), saved), top, best


def _number(logprob: float | None) -> float:
    return math.nan if logprob is None else logprob


def _mean(points: Sequence[_Point]) -> float:
    return sum(point.difference for point in points) / len(points)


def _distance(served: ServedModel, lookup: Lookup) -> float | None:
    """Mean difference between what a server says of raw texts and what a model does; None where nothing is common."""
    scored = [(result, lookup(tuple(result.prompt_ids))) for result in served.texts if result.scored]
    differences = [
        abs(_number(token.logprob) - saved)
        for result, logprobs in scored
        if logprobs is not None
        for token, saved in zip(result.prompt[1:], logprobs, strict=True)
    ]
    return sum(differences) / len(differences) if differences else None


def check_window(served: ServedModel) -> Check | None:
    """A note where TGI served texts that reach beyond the window; None where training and serving are the same.

    It is true of TGI itself, and all other checks compare with what TGI computes: nothing is left unchecked.
    """
    window = served.known.reference.window
    if window is None or not served.identity.is_tgi:
        return None
    long = [result for result in served.answered if len(result.ids) > window]
    if not long:
        return None
    return served.noted(
        "sliding window",
        f"{len(long)} of {len(served.answered)} probes are longer than the sliding window of {window} tokens, where "
        "training and serving differ: TGI's window is one token wider, and Phi 3 has none there; the other checks "
        "compare with what TGI computes",
    )
