"""Whatever categories, reviewers, models and prompts are called: in a report it stays a name, and is shown as one."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from blindside.markdown import as_code, as_text
from eval.answers import read_answers
from eval.records import Message, Prompt
from eval.release.gate.decision import Decision, Headline, RuleResult
from eval.release.gate.outputs import markdown as gate_markdown
from eval.report.compare import compare_runs
from eval.report.pages.live_snapshot import SnapshotSource
from eval.report.pages.page import show_page
from eval.report.write_report import write_comparison, write_report
from eval.run import Run
from tests.evidence.judged import record, verdict_on
from tests.judge.runs import make_run_of, response
from tests.judge.test_render import Audit
from train.pairs.write import write_card

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)> ![x](http://evil.example/p.png) ![][r]",
    "link": "[x](javascript:alert(1)) <http://evil.example> www.evil.example [r]: http://evil.example",
    "table": "a | b | c |\n| d |",
    "code": "`x` ``y`` ```",
    "heading": "# H",
    "list": "- item",
    "number": "1. item",
    "number's other form": "12) item",
    "rule": "---",
    "heading by a line below": "\n===",
    "emphasis": "**b** _i_ ~~s~~ *x*",
    "backslash": "\\| \\` \\<b>",
    "entity": "&lt;b&gt; &#60;",
    "mention and issue": "@everyone #12",
    "math": "$x$ $$y$$",
    "terminal": "\x1b]0;pwned\x07\x1b[2J\x9b31m",
    "bidi": "\u202egpj\u2066\u200f\u061c",
    "lines": "a\u2028b\rc\x85d",
    "comment": "<!-- hidden",
    "template": "{{ 7*7 }} {% raw %}",
}
#: What report.md has of its own, and names must not add to.
TAGS = (
    "<script",
    "<img",
    "<a ",
    "<h1",
    "<h2",
    "<td",
    "<th",
    "<tr",
    "<code",
    "<em",
    "<strong",
    "<s>",
    "<li",
    "<hr",
    "<!--",
)
UNSEEN = ("\x1b", "\x07", "\x9b", "\r", "\x85", "\u2028", "\u202e", "\u2066", "\u200f", "\u061c")


def judged_run(folder: Path, word: str, name: str = "trial") -> Run:
    """A run with two categories and three people, in which every name is the word."""
    prompts = [
        Prompt(id=f"{n}{word}", messages=(Message(role="user", content=f"{word} {n}?"),), category=f"{word}{n % 2}")
        for n in range(6)
    ]
    rows = [response(asked, side, f"{side} of {n}") for n, asked in enumerate(prompts) for side in ("base", "tuned")]
    run = make_run_of(folder, prompts, rows, name=name)
    models = {side: model.model_copy(update={"name": word, "source": word}) for side, model in run.info.models.items()}
    run = run.update(models=models, engine=word, prompt_set=run.info.prompt_set.model_copy(update={"source": word}))
    pairs = read_answers(run.responses_path).pairs(prompts)
    who = (f"ann {word}", f"{word} bob", word)
    verdicts = [
        verdict_on(run, pair, "base" if (n + at) % 3 else "tuned", reviewer=one.strip(), comment=word)
        for n, pair in enumerate(pairs)
        for at, one in enumerate(who)
    ]
    record(run, verdicts)
    return run


def page_of(text: str) -> str:
    page: str = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    return page


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE.keys())
def test_names_add_no_markup_to_the_report_and_are_shown(word: str, tmp_path: Path) -> None:
    run, calm = judged_run(tmp_path / "evil", word), judged_run(tmp_path / "calm", "name")
    write_report(run)
    write_report(calm)
    texts = [(one.report_folder / "report.md").read_text(encoding="utf-8") for one in (run, calm)]
    pages = [page_of(text) for text in texts]
    assert {tag: pages[0].count(tag) for tag in TAGS} == {tag: pages[1].count(tag) for tag in TAGS}
    seen = " ".join("".join(char if char.isprintable() else " " for char in word).split())
    assert seen in Audit(pages[0]).text
    assert not [char for char in UNSEEN if char in texts[0]]


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE.keys())
def test_tables_hold_nothing_that_a_terminal_obeys(word: str, tmp_path: Path) -> None:
    run = judged_run(tmp_path, word)
    write_report(run)
    for name in ("summary", "by_category", "by_reviewer", "disagreements", "verdicts"):
        text = (run.report_folder / f"{name}.csv").read_bytes().decode()
        assert not [char for char in UNSEEN if char in text], name
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert {len(row) for row in rows} == {len(rows[0])}, name


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE.keys())
def test_pages_hold_no_element_of_a_names_making(word: str, tmp_path: Path) -> None:
    run, calm = judged_run(tmp_path / "evil", word), judged_run(tmp_path / "calm", "name")
    for view in ("", "?view=browse", "?view=compare", f"?{urlencode({'without': word})}", "?view=browse&sort=ratio"):
        pages = [Audit(show_page(one, SnapshotSource(one), view)) for one in (run, calm)]
        assert pages[0].tags == pages[1].tags
        assert {name for name, _ in pages[0].attributes} == {name for name, _ in pages[1].attributes}
    write_report(run)
    page = Audit((run.report_folder / "report.html").read_text(encoding="utf-8"))
    assert not page.tags & {"script", "img", "iframe", "form", "object"}


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE.keys())
def test_gate_comparison_and_pair_card_hold_none_either(word: str, tmp_path: Path) -> None:
    old, new = judged_run(tmp_path, word, "one"), judged_run(tmp_path, word, "two")
    pages = [page_of(_decided(one)) for one in (word, "name")]
    assert {tag: pages[0].count(tag) for tag in TAGS} == {tag: pages[1].count(tag) for tag in TAGS}
    renamed = Run(old.folder, old.info.model_copy(update={"run": old.name}))
    assert "<script" not in page_of(write_comparison(compare_runs(renamed, new)))
    cards = [
        page_of(write_card(tmp_path / "p.jsonl", pairs=1, origin=one, how="", left_out={one: 1}).read_text())
        for one in (word, "name")
    ]
    assert {tag: cards[0].count(tag) for tag in TAGS} == {tag: cards[1].count(tag) for tag in TAGS}


def _decided(word: str) -> str:
    return gate_markdown(
        Decision(
            run=word,
            decision="hold",
            reasons=(word, f"b: {word}"),
            rules=(RuleResult(name=word, asked=word, found=word, status="fail"),),
            headline=Headline(),
            bound={word: "f" * 64},
            policy_sha256="a" * 64,
            decided_at="2026-01-31T12:00:00.000Z",
        )
    )


@given(st.text(max_size=80))
def test_any_name_is_text_alone_in_a_line_in_a_list_and_in_a_cell(text: str) -> None:
    shown = as_text(text) or "x"
    for source in (shown, f"- {shown}", f"|a|\n|-|\n| {shown} |", f"before {shown} after"):
        tags = Audit(page_of(source)).tags
        assert tags <= {"p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}, (source, tags)
    assert page_of(f"a {as_code(text)} b").count("<code>") == 1
