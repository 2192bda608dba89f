"""Matches an imported verdict with a pair of the run: which prompt, which model was where, what was chosen."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from blindside.tables.codes import BOTH_BAD, NONE, TIE, A, Codes, code_of
from blindside.tables.rows import MALFORMED, Unusable
from eval.judge.csv_codec import LONGEST
from eval.judge.other_tools.exported import ExportedTask
from eval.judge.other_tools.exports import shown_sha256
from eval.judge.other_tools.given_verdict import SKIPPED, GivenVerdict
from eval.judge.study.names import clean_name
from eval.records import IMPORTED, SIDES, Outcome, Pair, Prompt, Side, Verdict
from eval.run import Run
from train.pairs.keys import normalise_prompt, prompt_key

NO_PROMPT, OTHER_ANSWERS = "no such prompt in this run", "on answers that are not in this run"
NO_SIDE = "does not say which model was on the left"
BASE, TUNED = "base", "tuned"
Left = Side | Literal[""]


def model_words(run: Run) -> dict[str, str]:
    """What names a model: base, tuned, and the models' own names."""
    names = {code_of(run.info.models[side].name): str(side) for side in SIDES}
    return names | {BASE: BASE, TUNED: TUNED}


@dataclass(frozen=True)
class ResolvedVerdict:
    """A pair of the run, and which model stood left in the task, where that is known."""

    pair: Pair
    left: Left
    base_sha256: str
    tuned_sha256: str


class Resolver:
    """`left`: of which model the first answer is wherever a file does not say; "" where that is not known."""

    def __init__(
        self,
        run: Run,
        pairs: Mapping[str, Pair],
        tasks: Mapping[str, ExportedTask],
        codes: Codes,
        *,
        left: Left = "",
        reviewer: str = "",
    ) -> None:
        self._run, self._pairs, self._tasks, self._codes = run, pairs, tasks, codes
        self._left, self._reviewer = left, reviewer
        self._words = model_words(run)
        prompts = run.prompts()
        self._known = {prompt.id for prompt in prompts}
        self._by_prompt = _unique((prompt_key(_turns(prompt)), prompt.id) for prompt in prompts)
        self._by_last = _unique((normalise_prompt(prompt.messages[-1].content), prompt.id) for prompt in prompts)

    def verdict(self, given: GivenVerdict) -> Verdict:
        """The row that it makes, as yet replacing none. Raises Unusable."""
        found, reviewer, meaning = self.found(given), self.reviewer(given), self._codes.of(given.said)
        if meaning == NONE:
            raise Unusable("no verdict", "nothing was chosen")
        if len(given.comment) > LONGEST // 2:
            raise Unusable(MALFORMED, f"has a comment of {len(given.comment):,} characters")
        fields: dict[str, Any] = {
            "run": self._run.name,
            "item": found.pair.prompt_id,
            "category": found.pair.category,
            "reviewer": reviewer,
            "outcome": _outcome(meaning, found.left),
            "left": found.left,
            "base_sha256": found.base_sha256,
            "tuned_sha256": found.tuned_sha256,
            "comment": given.comment,
            "seconds": round(given.seconds, 2) if given.seconds is not None and given.seconds >= 0 else 0.0,
            "judged_at": given.at,
        }
        # The same verdict has the same id wherever it comes from, so that it comes in once. A letter first, so that no
        # spreadsheet takes digits around one e for a number.
        digest = hashlib.sha256(json.dumps(list(fields.values())).encode()).hexdigest()
        return Verdict(verdict_id=f"i{digest[:31]}", seal=IMPORTED, **fields)

    def reviewer(self, given: GivenVerdict) -> str:
        """Who judged. Raises Unusable."""
        name, wrong = clean_name(given.reviewer or self._reviewer)
        if wrong is not None:
            raise Unusable("no reviewer", f"has no name of a reviewer, or none that can be one: {given.reviewer!r:.60}")
        return name

    def found(self, given: GivenVerdict) -> ResolvedVerdict:
        """The pair that was judged. Raises Unusable."""
        task = self._tasks.get(given.task)
        item = task.item if task else self._item(given)
        pair = self._pairs.get(item)
        if pair is None:
            raise Unusable(NO_PROMPT, f"prompt {item} has no pair of answers in this run")
        if pair.identical:
            raise Unusable(
                "both answers are the same text", f"prompt {item}: both answers are the same, which is a tie"
            )
        if task is None:
            return ResolvedVerdict(pair, self._side(given, pair), pair.base.sha256, pair.tuned.sha256)
        if given.answers is not None and tuple(map(shown_sha256, given.answers)) != task.shown:
            raise Unusable(OTHER_ANSWERS, f"task {given.task} shows other answers than those exported")
        return ResolvedVerdict(pair, task.left, task.base_sha256, task.tuned_sha256)

    def _item(self, given: GivenVerdict) -> str:
        if given.item in self._known:
            return given.item
        prompt = given.prompt
        found = None
        if isinstance(prompt, str):
            key = prompt_key([{"role": "user", "content": prompt}])
            found = self._by_prompt.get(key) or self._by_last.get(normalise_prompt(prompt))
        elif isinstance(prompt, list) and all(
            isinstance(one, dict) and {"role", "content"} <= one.keys() for one in prompt
        ):
            found = self._by_prompt.get(prompt_key(prompt))
        if not found:
            named = given.item or given.task or repr(prompt)[:60]
            raise Unusable(NO_PROMPT, f"this run has no prompt {named}, or several that read so")
        return found

    def _side(self, given: GivenVerdict, pair: Pair) -> Left:
        """Which model stood left: as the answers say, or else a column, or else the option."""
        named = self._words.get(code_of(given.left), "") if given.left else ""
        shown = _by_answers(given.answers, pair) if given.answers else ""
        if given.answers and not shown:
            raise Unusable(OTHER_ANSWERS, f"prompt {pair.prompt_id}: its answers are not those of this run")
        if shown and named and shown != named:
            raise Unusable("says two things", f"the first answer is that of {shown}, and the row says {named}")
        found = shown or named or self._left
        return "base" if found == BASE else "tuned" if found == TUNED else ""


def _by_answers(answers: tuple[str, str], pair: Pair) -> str:
    shown = [" ".join(text.split()) for text in answers]
    base, tuned = (" ".join(pair.answer(side).text.split()) for side in SIDES)
    return BASE if shown == [base, tuned] else TUNED if shown == [tuned, base] else ""


def _outcome(meaning: str, left: Left) -> Outcome:
    if meaning == TIE:
        return "tie"
    if meaning == BOTH_BAD:
        return "both_bad"
    if meaning in (BASE, TUNED):
        return "base" if meaning == BASE else "tuned"
    if not left:
        raise Unusable(NO_SIDE, "says left or right, but nothing says which model was where: give --left base or tuned")
    other: Side = "tuned" if left == "base" else "base"
    return left if meaning == A else other


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """key -> id, of the keys that one id has."""
    pairs = list(pairs)
    counts = Counter(key for key, _ in pairs)
    return {key: item for key, item in pairs if counts[key] == 1}


def _turns(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in prompt.messages]


def is_skip(given: GivenVerdict) -> bool:
    return bool(given.said == SKIPPED)
