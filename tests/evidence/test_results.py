"""What the results pages show, without a browser: addresses, search, filters, pages, and figures as in the report."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from markupsafe import escape

from eval.answers import encode, read_answers
from eval.evidence.analysis import all_figures
from eval.judge.csv_codec import PLAIN
from eval.judge.setup.frozen_study import thumbs_path
from eval.judge.store.ledger import Ledger
from eval.judge.study.gold import GoldPair
from eval.judge.study.study import NAME, Gold, Study
from eval.records import Failure, Message, Pair, Thumb, Verdict, utc_now
from eval.report.pages.browse import LONGEST_SNIPPET, ROWS_A_PAGE, find, listing, open_item, snippet
from eval.report.pages.figures import findings
from eval.report.pages.live_snapshot import SnapshotSource
from eval.report.pages.page import show_page
from eval.report.pages.query import Query, parse_query
from eval.report.pages.snapshot import Snapshot, read_snapshot
from eval.report.pages.words import words
from eval.report.write_report import write_report
from eval.run import Run
from tests.evidence.judged import CATEGORIES, make_judged, record, verdict_on
from tests.judge.runs import make_run, make_run_of, prompt, response
from tests.judge.test_render import ALLOWED, HOSTILE, MATHEMATICS, Audit


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_judged(tmp_path_factory.mktemp("judged"), pairs=250, reviewers=("ann", "bob"), share=0.6)


@pytest.fixture(scope="module")
def snapshot(run: Run) -> Snapshot:
    return read_snapshot(run)


def pairs_of(run: Run) -> list[Pair]:
    return read_answers(run.responses_path).pairs(run.prompts())


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(view="browse", q="ünï & =?# 算术", category="a b", verdict="both_bad", reviewer="李雷", page=7),
        Query(view="browse", tag="base:too long", criterion="tone_base=warm", trait="has a list:tuned", time="hasty"),
        Query(view="browse", agreement="single", length="twice", expect="broken", sort="ratio"),
        Query(view="compare", other="first"),
        Query(without=("ann & bob", "李雷")),
        Query(view="browse", item="a/b c?&=%", show="raw"),
        Query(view="browse", item=" leading and trailing ", q="two words"),
    ],
)
def test_an_address_says_all_and_is_read_back(query: Query) -> None:
    assert parse_query(query.href()) == query


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("", Query()),
        ("?page=-1&view=browse", Query(view="browse")),
        ("?page=²&view=browse", Query(view="browse")),
        ("?page=99999999999&view=elsewhere", Query()),
        ("?verdict=drop&show=script&sort=evil&length=9&view=browse", Query(view="browse")),
        ("?" + "&".join(f"x{i}=1" for i in range(1000)), Query()),
        ("?q=" + "a" * 5000 + "&view=browse", Query(view="browse", q="a" * 200)),
        ("?item=x", Query(view="browse", item="x")),
    ],
)
def test_an_address_made_by_hand_is_read_as_far_as_it_makes_sense(address: str, query: Query) -> None:
    assert parse_query(address) == query


def test_the_pages_are_of_a_hundred_and_hold_every_prompt_once(snapshot: Snapshot) -> None:
    shown: list[str] = []
    for page in (1, 2, 3):
        one = listing(snapshot, Query(view="browse", page=page))
        assert (one.found, one.total, one.pages) == (250, 250, 3)
        assert (one.first, one.last) == (len(shown) + 1, len(shown) + len(one.lines))
        shown += [line.entry.prompt.id for line in one.lines]
    assert len(one.lines) == 250 - 2 * ROWS_A_PAGE
    assert shown == [asked.id for asked in snapshot.run.prompts()]
    assert listing(snapshot, Query(view="browse", page=9)).page == 3


FILTERS: dict[str, Callable[[Snapshot, str], bool]] = {
    "tuned": lambda s, item: any(v.outcome == "tuned" for v in verdicts(s, item)),
    "both_bad": lambda s, item: any(v.outcome == "both_bad" for v in verdicts(s, item)),
    "disagreement": lambda s, item: len({v.outcome for v in verdicts(s, item)}) == 2,
    "comment": lambda s, item: any(v.comment for v in verdicts(s, item)),
    "unjudged": lambda s, item: not verdicts(s, item) and int(item[-4:]) % 9 != 8,
    "identical": lambda _, item: int(item[-4:]) % 9 == 8,
}


def verdicts(snapshot: Snapshot, item: str) -> list[Verdict]:
    return [row for row in snapshot.counted if row.item == item]


@pytest.mark.parametrize("which", FILTERS)
def test_a_filter_finds_what_a_count_over_the_rows_finds(snapshot: Snapshot, which: str) -> None:
    name = "agreement" if which == "disagreement" else "verdict"
    found = [entry.prompt.id for entry in find(snapshot, parse_query(f"?view=browse&{name}={which}"))]
    assert found == [asked.id for asked in snapshot.run.prompts() if FILTERS[which](snapshot, asked.id)]
    assert 0 < len(found) < 250


def test_filters_and_words_all_hold_at_once(snapshot: Snapshot) -> None:
    query = Query(view="browse", q="BOAT 算术", category=CATEGORIES[2], verdict="base", reviewer="bob")
    assert find(snapshot, query) == []
    found = find(snapshot, query.model_copy(update={"q": "BOAT question"}))
    for entry in found:
        assert entry.prompt.category == CATEGORIES[2]
        assert "boat" in entry.asked
        assert any((v.reviewer, v.outcome) == ("bob", "base") for v in entry.verdicts)
    by_hand = [
        row.item
        for row in snapshot.counted
        if (row.reviewer, row.outcome, row.category) == ("bob", "base", CATEGORIES[2])
        and "boat" in snapshot.by_id[row.item].asked
    ]
    assert sorted(entry.prompt.id for entry in found) == sorted(by_hand) != []


def test_a_search_looks_into_answers_comments_and_ids(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[("Straße in Zürich", "two"), ("one", "hidden NEEDLE"), ("three", "four")])
    record(run, [verdict_on(run, pairs_of(run)[2], "tie", comment="Too Terse")])
    snapshot = read_snapshot(run)
    for said, number in (("STRASSE zürich", 0), ("needle", 1), ("terse", 2), ("hidden-item-0002", 2)):
        assert [e.number for e in find(snapshot, Query(view="browse", q=said))] == [number + 1], said


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("short", (), "short"),
        ("two\n\n  lines", (), "two lines"),
        ("x" * 91, (), "x" * 89 + "…"),
        ("x" * 90, (), "x" * 90),
        ("a " * 200 + "needle" + " b" * 200, ("needle",), "needle"),
        ("needle " + "b " * 200, ("needle",), "needle"),
    ],
)
def test_a_snippet_is_short_and_holds_what_was_searched(text: str, words: tuple[str, ...], said: str) -> None:
    made = snippet(text, words)
    assert said in made
    assert len(made) <= LONGEST_SNIPPET


def test_an_item_has_its_neighbours_in_the_list_that_it_came_from(snapshot: Snapshot) -> None:
    query = Query(view="browse", agreement="disagreement")
    ids = [entry.prompt.id for entry in find(snapshot, query)]
    for at in (0, 1, len(ids) - 1):
        item = open_item(snapshot, query.model_copy(update={"item": ids[at]}))
        assert item is not None
        assert item.before == (ids[at - 1] if at else "")
        assert item.after == (ids[at + 1] if at + 1 < len(ids) else "")
    assert open_item(snapshot, Query(view="browse", item="nowhere")) is None


def test_every_row_of_an_item_is_told_with_what_became_of_it(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=2)
    pair = pairs_of(run)[0]
    rows = [
        verdict_on(run, pair, "base", verdict_id="first", comment="hasty"),
        verdict_on(run, pair, "tuned", verdict_id="second", replaces="first"),
        verdict_on(run, pair, "tie", reviewer="bob", verdict_id="gone"),
        verdict_on(run, pair, "withdrawn", reviewer="bob", verdict_id="back", replaces="gone"),
        verdict_on(run, pair, "base", reviewer="cy", verdict_id="old", base_sha256="0" * 64),
        verdict_on(run, pair, "tuned", verdict_id="again", kind="repeat", left="tuned"),
    ]
    record(run, rows)
    item = open_item(read_snapshot(run), Query(view="browse", item=pair.prompt_id))
    assert item is not None
    told = {one.verdict.verdict_id: one.standing for one in item.judged}
    assert told == {
        "first": "replaced",
        "second": "counts",
        "gone": "replaced",
        "back": "taken back",
        "old": "not counted",
        "again": "repeat",
    }


def test_a_pair_with_a_known_answer_can_be_opened_and_is_in_no_list(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=2)
    asked = (Message(role="user", content="2 + 2?"),)
    gold = GoldPair(id="sum", messages=asked, better="Four it is.", worse="Five it is.")
    study = Study(gold=Gold(pairs=(gold,), rate=0.5))
    (run.folder / NAME).write_text(study.model_dump_json())
    record(run, [verdict_on(run, gold.pair(), "tuned", kind="gold")])
    html = show_page(run, SnapshotSource(run), "?item=gold%3Asum")
    assert re.search(r"Better\s*<span", html)
    assert "Four it is." in html
    assert listing(read_snapshot(run), Query(view="browse")).total == 2


def test_the_page_has_the_figures_of_the_report(run: Run, snapshot: Snapshot) -> None:
    whole = write_report(run)
    found = findings(snapshot, words("en"))
    html = show_page(run, SnapshotSource(run))
    for figure in all_figures(whole):
        assert re.search(f">{re.escape(escape(figure.name))}</th><td[^>]*>{re.escape(figure.said)}</td>", html), figure
    assert str(escape(whole.verdict.headline)) in html
    assert [part.count for part in found.outcomes] == [
        sum(row.outcome == kind for row in snapshot.counted) for kind in ("tuned", "tie", "both_bad", "base")
    ]


def test_no_verdict_shows_no_number(tmp_path: Path) -> None:
    run = make_judged(tmp_path, pairs=20, reviewers=())
    html = show_page(run, SnapshotSource(run))
    assert "No verdicts yet" in html
    assert "blindside judge trial" in html
    assert 'class="rs-big"' not in html
    rates = re.findall(r">(win rate[^<]*|share of both bad)</th><td[^>]*>([^<]*)<", html)
    assert len(rates) > 4
    assert {said for _, said in rates} == {"insufficient"}


def test_thumbs_are_counted_and_no_rate_is_made_of_them(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=3)
    (run.folder / NAME).write_text(Study(mode="thumbs").model_dump_json())
    store = Ledger(thumbs_path(run), Thumb, run.name, PLAIN)
    for number, outcome in enumerate(("up", "up", "down")):
        fields = {"verdict_id": str(number), "run": run.name, "item": f"hidden-item-000{number}", "reviewer": "ann"}
        judged = {"side": "tuned", "outcome": outcome, "sha256": pairs_of(run)[number].tuned.sha256, "category": ""}
        rest = {"comment": f"note {number}", "seconds": 1.0, "judged_at": utc_now()}
        store.append(Thumb.model_validate({**fields, **judged, **rest}))
    html = show_page(run, SnapshotSource(run))
    assert re.search(r"<b>2</b> up and <b>1</b> down", html)
    assert 'class="rs-big"' not in html
    item_html = show_page(run, SnapshotSource(run), "?item=hidden-item-0002")
    assert re.search(r"ann</th>\s*<td>Down</td>\s*<td>Tuned</td>\s*<td[^>]*><span[^>]*>note 2", item_html)


def test_what_was_written_is_read_and_the_stamp_tells_of_it(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=3)
    source = SnapshotSource(run)
    before, looked_at = source.current()
    stamp = source.stamp()
    assert source.stamp() == stamp
    record(run, [verdict_on(run, pairs_of(run)[0], "tie")])
    assert source.stamp() != stamp
    after, later = source.current()
    assert (len(before.counted), len(after.counted)) == (0, 1)
    assert after.known is before.known
    assert [one is other for one, other in zip(after.entries, before.entries, strict=True)] == [False, True, True]
    assert source.current()[0] is after
    assert later >= looked_at


def test_a_file_that_cannot_be_read_is_told_on_the_page_until_it_is_mended(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=3)
    source = SnapshotSource(run)
    source.current()
    record(run, [verdict_on(run, pairs_of(run)[0], "tie")])
    good = run.verdicts_path.read_text()
    run.verdicts_path.write_text(good.replace(",tie,", ",draw,"))
    assert "verdicts.csv:2: outcome" in show_page(run, source)
    run.verdicts_path.write_text(good)
    assert "1 judgement of 1 prompt" in show_page(run, source)


def test_a_row_changed_by_hand_is_told(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=3)
    record(run, [verdict_on(run, pair, "tie") for pair in pairs_of(run)])
    assert "is not as it was saved" not in show_page(run, SnapshotSource(run))
    run.verdicts_path.write_text(run.verdicts_path.read_text().replace(",tie,", ",tuned,", 1))
    page = show_page(run, SnapshotSource(run))
    assert "verdicts.csv is not as it was saved, and the gate will refuse it" in page
    assert "the seal of verdict hidden-item-0000-ann by ann does not match" in page


def test_a_prompt_that_one_side_did_not_answer_is_told(tmp_path: Path) -> None:
    asked = prompt(0)
    run = make_run_of(tmp_path, [asked], [response(asked, "base", "only I")])
    failure = Failure(prompt_id=asked.id, side="tuned", error="<b>busy</b>", attempts=5, failed_at=utc_now())
    with run.responses_path.open("ab") as file:
        file.write(encode([failure]))
    html = show_page(run, SnapshotSource(run), f"?item={asked.id}")
    assert "failed after 5 attempts: &lt;b&gt;busy&lt;/b&gt;" in html
    assert len(find(read_snapshot(run), Query(view="browse", verdict="unanswered"))) == 1


@pytest.mark.parametrize("show_as", ["formatted", "differences", "raw"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_bring_no_element_of_their_own(name: str, show_as: str, tmp_path: Path) -> None:
    text = HOSTILE[name]
    asked = prompt(0, question=text, category=text[:200])
    rows = [response(asked, "base", text), response(asked, "tuned", f"{text} ")]
    run = make_run_of(tmp_path, [asked], rows)
    record(run, [verdict_on(run, pairs_of(run)[0], "tie", reviewer=f"<i>{name}", comment=text[:4000])])
    for address in (f"?item={asked.id}&show={show_as}", "?view=browse", ""):
        audit = Audit(show_page(run, SnapshotSource(run), address))
        ours = {"header", "nav", "main", "section", "article", "button", "time", "dl", "dt", "dd", "q", "b", "mark"}
        ours |= {"html", "head", "meta", "link", "title", "style", "body", "script", "figure", "bdi", "kbd", "details"}
        ours |= {"summary", "svg", "text", "line", "rect", "circle", "g", "polyline", "polygon", "input", "select"}
        assert audit.tags <= ALLOWED | MATHEMATICS | ours | {"form", "label", "option"}
        page = show_page(run, SnapshotSource(run), address)
        assert (page.count("<script"), page.count("<style"), page.count("<link")) == (1, 1, 1)
        assert not [name for name, _ in audit.attributes if name.startswith("on")]
        links = [value or "" for key, value in audit.attributes if key == "href"]
        assert all(
            re.match(r"\?|#[a-z-]+$|data:,$|language/|download/|https?:|mailto:", link, re.IGNORECASE) for link in links
        ), links
