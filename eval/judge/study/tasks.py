"""A task for a reviewer: two answers to compare, or one answer for thumbs; and the row that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval.answers import Answers
from eval.judge.study import forms
from eval.judge.study.forms import FilledForm
from eval.judge.study.study import Study
from eval.records import Judgement, Kind, Message, Pair, Response, Side, Thumb, Verdict
from eval.run import Run


@dataclass(frozen=True)
class Task:
    """One question with its answers: `pair`, or in thumbs `answer`."""

    category: str
    messages: tuple[Message, ...]
    pair: Pair | None = None
    answer: Response | None = None

    @classmethod
    def of_pair(cls, pair: Pair) -> Task:
        return cls(pair.category, pair.messages, pair=pair)

    @classmethod
    def of_answer(cls, answer: Response) -> Task:
        return cls(answer.category, answer.messages, answer=answer)

    @property
    def snippet(self) -> str:
        """How the prompt begins, on one line."""
        return " ".join(self.messages[-1].content.split())[:90]

    def is_of(self, row: Judgement) -> bool:
        """Whether a row judges these very texts."""
        if isinstance(row, Thumb):
            return self.answer is not None and (self.answer.side, self.answer.sha256) == (row.side, row.sha256)
        if isinstance(row, Verdict) and self.pair is not None:
            return (self.pair.base.sha256, self.pair.tuned.sha256) == (row.base_sha256, row.tuned_sha256)
        return False

    def row(self, kind: Kind, left: Side, filled: FilledForm, common: Mapping[str, Any]) -> Judgement:
        """A row of the study's file; `common` are the fields that both kinds of rows have."""
        tags = {forms.side_at(place, left): tags for place, tags in filled.tags.items()}
        if self.answer is not None:
            given = filled.tags.get("left", ())
            return Thumb(side=self.answer.side, sha256=self.answer.sha256, tags=given, **common)
        assert self.pair is not None
        return Verdict(
            kind=kind,
            left=left,
            base_sha256=self.pair.base.sha256,
            tuned_sha256=self.pair.tuned.sha256,
            tags_base=tags.get("base", ()),
            tags_tuned=tags.get("tuned", ()),
            **common,
        )


def tasks_of(run: Run, study: Study, answers: Answers) -> dict[str, Task]:
    """item -> what can be asked of it, in the order of the prompts. Of two identical answers nothing is asked."""
    prompts = run.prompts()
    if study.mode != "thumbs":
        asked = (pair for pair in answers.pairs(prompts) if not pair.identical)
        return {pair.prompt_id: Task.of_pair(pair) for pair in asked}
    found = ((prompt.id, answers.responses.get((prompt.id, study.side))) for prompt in prompts)
    return {item: Task.of_answer(response) for item, response in found if response is not None}
