"""What was given beside a verdict is said in the study's words, and Browse goes by how much better an answer was."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.journal import Journal
from eval.judge.csv_codec import encode_row
from eval.judge.setup.frozen_study import freeze_study
from eval.judge.study.study import Language, Study
from eval.records import Mark, Thumb
from eval.report.pages.browse import find
from eval.report.pages.filters import choices, described
from eval.report.pages.live_snapshot import SnapshotSource
from eval.report.pages.page import show_page
from eval.report.pages.query import Query
from eval.report.pages.snapshot import read_snapshot
from eval.report.pages.study_words import chips
from eval.report.pages.words import words
from eval.run import Run
from tests.evidence.judged import verdict_on
from tests.judge.runs import make_run
from tests.report.rich import make_rich

GRADED = Study.model_validate({"mode": "graded", "practice": 0})
#: Of each prompt its verdict with its grade.
GIVEN: tuple[tuple[Mark, str], ...] = (("tie", ""), ("base", "2"), ("tuned", "1"), ("base", "1"), ("tuned", "2"))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("More helpful? Tuned", "Base: Which tone? cold", "Base: Too long", "Tuned: off the brief")),
        ("zh", ("哪个更有帮助？微调模型", "基础模型：哪种语气？冷淡", "基础模型：太长", "微调模型：答非所问")),
    ],
)
def test_criteria_and_tags_are_said_as_the_study_says_them(
    language: Language, said: tuple[str, ...], tmp_path: Path
) -> None:
    run = make_rich(tmp_path, pairs=20)
    snapshot, say = read_snapshot(run), words(language)
    row = snapshot.counted[0].model_copy(
        update={
            "criteria": {"helpful": "tuned", "quality_base": "", "tone_base": "cold"},
            "tags_base": ("too_long",),
            "tags_tuned": ("ignores_instruction",),
        }
    )
    assert tuple(chips(snapshot.study, row, say)) == said
    query = Query(view="browse", criterion="tone_base=cold", tag="base:too_long")
    filters = " ".join(described(snapshot.study, query, say))
    assert said[1] in filters
    assert said[2] in filters
    offered = dict(next(one.options for one in choices(snapshot, query, say) if one.name == "criterion"))
    assert (offered["tone_base=cold"], offered["helpful=tuned"]) == (said[1], said[0])
    page = html.unescape(show_page(run, SnapshotSource(run), f"?item={row.item}", language))
    assert said[1].replace(" cold", "").replace("冷淡", "") in page
    assert not any(column in page for column in ("tone_base", "quality_tuned", "too_long"))


def test_a_grade_is_said_in_words_and_browse_goes_by_it(tmp_path: Path) -> None:
    run = graded(tmp_path)
    snapshot = read_snapshot(run)
    for sort, order in (("base", (1, 3, 0, 2, 4)), ("tuned", (4, 2, 0, 3, 1))):
        found = find(snapshot, Query.model_validate({"view": "browse", "sort": sort}))
        assert [one.prompt.id for one in found] == [f"hidden-item-{at:04}" for at in order]
    page = html.unescape(show_page(run, SnapshotSource(run), "?item=hidden-item-0004"))
    assert "Grade: much better" in page


def graded(folder: Path) -> Run:
    """Prompts with GIVEN."""
    run = make_run(folder, n=len(GIVEN))
    freeze_study(run, GRADED)
    pairs = read_answers(run.responses_path).pairs(run.prompts())
    rows = [
        verdict_on(run, pair, outcome, criteria={"strength": strength})
        for pair, (outcome, strength) in zip(pairs, GIVEN, strict=True)
    ]
    columns = GRADED.columns
    Journal(run.verdicts_path).append(b"".join(encode_row(row, columns) for row in rows), header=columns.header())
    return run


def test_a_thumb_has_its_marks_too() -> None:
    study = Study.model_validate(
        {
            "mode": "thumbs",
            "criteria": [
                {"name": "tone", "question": "Which tone?", "scale": {"cold": {"en": "icy"}, "warm": {"en": "warm"}}}
            ],
            "tags": ["unsafe"],
        }
    )
    thumb = Thumb(
        verdict_id="1", run="trial", item="a", category="", reviewer="ann", side="tuned", outcome="up", sha256="a" * 64,
        criteria={"tone": "cold"}, tags=("unsafe",), comment="", seconds=1, judged_at="2026-01-31T12:00:00.000Z",
    )  # fmt: skip
    assert tuple(chips(study, thumb, words("en"))) == ("Which tone? icy", "Unsafe")
