"""The pages without a browser: trust strip, filters, comments and phrases, what if, comparison, and the file."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.evidence.signals.traits import LONGER, winning
from eval.records import SIDES, Mark
from eval.report.compare import compare_runs
from eval.report.pages.browse import find
from eval.report.pages.figures import findings
from eval.report.pages.live_snapshot import SnapshotSource
from eval.report.pages.page import show_page
from eval.report.pages.query import Query
from eval.report.pages.reasons import comment_groups, phrases
from eval.report.pages.report_html import MOST, report_html
from eval.report.pages.reviewer_table import people, what_if
from eval.report.pages.snapshot import Entry, Snapshot, read_snapshot
from eval.report.pages.trust_strip import MARKS, STOP, all_conditions
from eval.report.pages.words import words
from eval.report.write_report import write_comparison, write_report
from eval.run import Run
from tests.evidence.judged import make_judged, record, verdict_on
from tests.judge.runs import make_run, make_run_of, prompt, response
from tests.judge.test_passages import LEFT, RIGHT
from tests.report.rich import make_rich, write_rows


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("pages")
    return make_rich(folder, name="first", lean=3, seed=5), make_rich(folder)


@pytest.fixture(scope="module")
def snapshot(runs: tuple[Run, Run]) -> Snapshot:
    return read_snapshot(runs[1])


def test_the_strip_is_what_the_verdict_says_and_nothing_else(snapshot: Snapshot) -> None:
    verdict = snapshot.whole.verdict
    conditions = all_conditions(verdict)
    assert [one.name for one in conditions] == [STOP, *(one.name for one in verdict.conditions)]
    assert len(conditions) == 9
    marks = findings(snapshot, words("en")).marks
    for mark, one in zip(marks, conditions, strict=True):
        assert (mark.sign, mark.figure) == (MARKS[one.state], one.figure)
    page = show_page(snapshot.run, SnapshotSource(snapshot.run))
    assert verdict.headline in html.unescape(page)
    ids = set(re.findall(r'id="([\w-]+)"', page))
    assert all(mark.href.startswith("?") or mark.href[1:] in ids for mark in marks)


FILTERS: dict[str, tuple[Query, Callable[[Entry], bool]]] = {
    "tag": (Query(tag="base:too_long"), lambda one: any("too_long" in v.tags_base for v in one.verdicts)),
    "other side": (Query(tag="tuned:too_long"), lambda one: any("too_long" in v.tags_tuned for v in one.verdicts)),
    "criterion": (
        Query(criterion="tone_base=cold"),
        lambda one: any(v.criteria["tone_base"] == "cold" for v in one.verdicts),
    ),
    "time": (Query(time="long"), lambda one: any(v.seconds >= 60 for v in one.verdicts)),
    "quick": (Query(time="short"), lambda one: any(2 <= v.seconds < 10 for v in one.verdicts)),
    "alike": (
        Query(agreement="alike"),
        lambda one: len(one.verdicts) > 1 and len({v.outcome for v in one.verdicts}) == 1,
    ),
    "single": (Query(agreement="single"), lambda one: len(one.verdicts) == 1),
    "skipped": (Query(verdict="skipped"), lambda one: one.prompt.id == "item-089"),
    "broken": (Query(expect="broken"), lambda one: one.expected == "broken"),
    "repaired": (Query(expect="repaired"), lambda one: int(one.prompt.id[-3:]) % 8 == 3),
    "any": (Query(expect="any"), lambda one: one.prompt.expect is not None),
    "trait": (Query(trait="has a list:tuned"), lambda one: one.pair is not None and "- one" in one.pair.tuned.text),
    "phrase": (Query(q='"far too long"'), lambda one: any("far too long" in v.comment for v in one.verdicts)),
    "both at once": (
        Query(tag="base:too_long", reviewer="bob"),
        lambda one: any("too_long" in v.tags_base and v.reviewer == "bob" for v in one.verdicts),
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_finds_what_a_look_at_every_prompt_finds(snapshot: Snapshot, name: str) -> None:
    query, by_hand = FILTERS[name]
    found = [one.prompt.id for one in find(snapshot, query.model_copy(update={"view": "browse"}))]
    assert found == [one.prompt.id for one in snapshot.entries if by_hand(one)]


def test_the_bins_of_length_are_those_of_the_evidence(snapshot: Snapshot) -> None:
    for name, one in zip(("half", "shorter", "same", "longer", "twice"), snapshot.whole.bias.length.bins, strict=True):
        query = Query.model_validate({"view": "browse", "length": name})
        assert sum(entry.score is not None for entry in find(snapshot, query)) == one.win_rate.n


def test_sorting_orders_by_what_it_names(snapshot: Snapshot) -> None:
    def values(sort: str, of: Callable[[Entry], float]) -> list[float]:
        found = find(snapshot, Query.model_validate({"view": "browse", "sort": sort}))
        return [of(one) for one in found if one.score is not None]

    ratios = values("ratio", lambda one: one.ratio or 0)
    assert ratios == sorted(ratios, reverse=True)
    scores = values("base", lambda one: one.score or 0)
    assert scores == sorted(scores)
    slow = values("slow", lambda one: max(verdict.seconds for verdict in one.verdicts))
    assert slow == sorted(slow, reverse=True)


def test_comments_stand_with_the_side_and_the_tag_that_they_are_about(snapshot: Snapshot) -> None:
    found = {group.title: group for group in comment_groups(snapshot, words("en"))}
    assert "far too long" in {phrase for phrase, _, _ in found["Base was better"].phrases}
    for title, outcome in (("Tuned was better", "tuned"), ("Base was better", "base")):
        assert found[title].total == sum(v.outcome == outcome and bool(v.comment) for v in snapshot.counted)
    tagged = found["Base: Too long"]
    assert tagged.total == sum("too_long" in v.tags_base and bool(v.comment) for v in snapshot.counted)
    assert tagged.tagged


@pytest.mark.parametrize(
    ("comments", "found"),
    [
        (["too long", "far too long", "Too Long!"], [("too long", 3)]),
        (["short and clear", "short and clear, yes"], [("short and clear", 2)]),
        (["太长了", "真的太长了", "好"], [("太长了", 2)]),
        (["回答简洁明了，很好", "简洁明了"], [("简洁明了", 2)]),
        (["太长了，而且有错误", "而且有错误"], [("而且有错误", 2)]),
        (["one of a kind"], []),
        (["the the", "the the"], []),
        (["x" * 100, "x" * 100], []),
        ([], []),
    ],
)
def test_phrases_that_come_again_are_found_whole(comments: list[str], found: list[tuple[str, int]]) -> None:
    assert phrases(comments) == found


def test_where_words_have_little_in_common_an_item_has_its_sentences_marked(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[(LEFT, RIGHT)])
    page = show_page(run, SnapshotSource(run), "?item=hidden-item-0000&show=differences")
    assert "<mark>Nobody sees your cat.</mark>" in page
    assert "too little in common" not in page


def test_what_winners_do_counts_only_where_one_answer_does_it(snapshot: Snapshot) -> None:
    found = {one.trait: one for one in winning(snapshot.judged_traits)}
    scores = [
        entry.score if f"{LONGER}:tuned" in entry.traits else 1 - entry.score
        for entry in snapshot.entries
        if entry.score is not None and {f"{LONGER}:tuned", f"{LONGER}:base"} & entry.traits
    ]
    assert found[LONGER].rate.n == len(scores)
    assert found[LONGER].rate.value == pytest.approx(sum(scores) / len(scores))


def test_who_only_skipped_is_among_the_reviewers(snapshot: Snapshot) -> None:
    rows = people(snapshot)
    assert [(row.name, row.judgements, row.skips) for row in rows][-1] == ("Skipper", 0, 1)
    assert sum(row.judgements for row in rows) == len(snapshot.counted)
    table = show_page(snapshot.run, SnapshotSource(snapshot.run)).partition('rs-people">')[2].partition("</table>")[0]
    assert re.findall(r'<th scope="row" dir="auto">([^<]+)</th>', table) == ["Skipper"]
    assert table.count("Leave out") == 3


def test_leaving_somebody_out_gives_the_figures_of_a_run_without_them(snapshot: Snapshot) -> None:
    found = what_if(snapshot, ("bob", "nobody"))
    assert found is not None
    assert found.without == ("bob",)
    now, then = found.moved[0][1:]
    assert now.value == snapshot.whole.verdict.rate.value
    assert then.value == next(row.without.value for row in snapshot.whole.reviewers.rows if row.name == "bob")
    assert what_if(snapshot, ("nobody",)) is None
    everybody = what_if(snapshot, ("bob", "Ann Lee", "李雷"))
    assert everybody is not None
    assert everybody.nothing
    page = show_page(snapshot.run, SnapshotSource(snapshot.run), "?without=bob")
    assert "What if" in page
    assert show_page(snapshot.run, SnapshotSource(snapshot.run), "?without=nobody").count('id="what-if"') == 0


def test_a_comparison_lists_the_prompts_whose_winner_changed(runs: tuple[Run, Run]) -> None:
    old, new = runs
    found = compare_runs(old, new)
    sign = {"<": -1, "=": 0, ">": 1}
    for flip in found.flips:
        sides = ["<" if score < 0.5 else ">" if score > 0.5 else "=" for score in (flip.before, flip.after)]
        assert sign[sides[0]] != sign[sides[1]]
    page = show_page(new, SnapshotSource(new), "?view=compare")
    assert "Flipped prompts" in page
    assert f"{100 * (found.change.value or 0):+.1f} points" in page
    assert "Trend over runs" in page
    assert "first" in re.findall(r"<option[^>]*>(\w+)", page)
    assert "No other run here" not in page
    write_comparison(found)
    alone = (new.report_folder / "compare-first.html").read_text("utf-8")
    assert "Flipped prompts" in alone
    assert re.findall(r"<(?:script|form|img)\b", alone) == []


@pytest.mark.parametrize("seen_from", ["earlier", "later"])
def test_the_older_of_two_runs_is_the_old_one_and_links_lead_to_the_pages_own_prompts(
    seen_from: str, tmp_path: Path
) -> None:
    runs: dict[str, Run] = {}
    marks: dict[str, tuple[Mark, Mark]] = {"earlier": ("base", "tie"), "later": ("tuned", "tie")}
    for name, outcomes in marks.items():
        prompts = [prompt(n).model_copy(update={"id": f"{name}-{n}"}) for n in range(2)]
        rows = [response(asked, side, f"{asked.id} {side}") for asked in prompts for side in SIDES]
        runs[name] = run = make_run_of(tmp_path, prompts, rows, name=name)
        pairs = read_answers(run.responses_path).pairs(prompts)
        record(run, [verdict_on(run, pair, mark) for pair, mark in zip(pairs, outcomes, strict=True)])
        run.update(times={"started": "2026-01-01" if name == "earlier" else "2026-02-01"})
    page = show_page(runs[seen_from], SnapshotSource(runs[seen_from]), "?view=compare")
    assert "+50.0 points" in page
    assert re.findall(r'<bdi>(\w+)</bdi> <span class="rs-soft">(old|new)', page) == [
        ("earlier", "old"),
        ("later", "new"),
    ]
    flips = page[page.index("Flipped prompts") :]
    assert re.findall(r'href="\?view=browse&amp;item=([\w-]+)"', flips) == [f"{seen_from}-0"]


def test_a_run_alone_says_that_there_is_none_to_compare(tmp_path: Path) -> None:
    run = make_judged(tmp_path, pairs=5)
    assert "No other run here" in show_page(run, SnapshotSource(run), "?view=compare")


def test_a_pages_figures_follow_a_new_verdict(tmp_path: Path) -> None:
    run = make_rich(tmp_path, pairs=20)
    source = SnapshotSource(run)
    before = show_page(run, source)
    verdict = source.current()[0].counted[0]
    other = "base" if verdict.outcome == "tuned" else "tuned"
    write_rows(
        run, [verdict.model_copy(update={"verdict_id": "new", "replaces": verdict.verdict_id, "outcome": other})]
    )
    assert show_page(run, source) != before


def test_a_file_holds_the_pairs_that_there_is_room_for_and_stays_small(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = report_html(snapshot)
    assert whole.count('class="rs-card rs-held"') == len(snapshot.entries)
    assert len(whole.encode()) < 2_000_000
    monkeypatch.setattr("eval.report.pages.report_html.MOST", MOST // 10)
    less = report_html(snapshot)
    assert 0 < less.count('class="rs-card rs-held"') < len(snapshot.entries)
    assert 'class="rs-card rs-held"' not in report_html(snapshot, pairs=False)


def test_how_both_rounds_were_trained_is_on_the_page_and_in_the_file(snapshot: Snapshot) -> None:
    run = snapshot.run
    drawings = [b64encode(path.read_bytes()).decode() for path in (run.base_picture_path, run.picture_path)]
    assert drawings[0] != drawings[1]
    for page in (show_page(run, SnapshotSource(run)), report_html(snapshot), report_html(snapshot, "zh")):
        shown = re.findall(r'id="training-(base|tuned)".*?src="data:image/svg\+xml;base64,([^"]+)"', page, re.DOTALL)
        assert shown == list(zip(SIDES, drawings, strict=True))


def test_a_large_run_still_gives_a_small_file(tmp_path: Path) -> None:
    run = make_judged(tmp_path, pairs=3000, reviewers=("ann", "bob"))
    write_report(run)
    assert (run.report_folder / "report.html").stat().st_size < 2_000_000


def test_both_languages_are_written(runs: tuple[Run, Run]) -> None:
    write_report(runs[0])
    assert "微调模型的胜率" in (runs[0].report_folder / "report.zh.html").read_text("utf-8")
    assert "Win rate of the tuned model" in (runs[0].report_folder / "report.html").read_text("utf-8")


def test_every_mark_leads_somewhere_however_little_there_is(tmp_path: Path) -> None:
    run = make_judged(tmp_path, pairs=3)
    page = show_page(run, SnapshotSource(run))
    hrefs = re.findall(r'class="rs-mark [^"]*" href="([^"]*)"', page)
    assert len(hrefs) == 9
    assert {href[1:] for href in hrefs if href.startswith("#")} <= set(re.findall(r'id="([\w-]+)"', page))
    assert "No prompt has two verdicts" in page
