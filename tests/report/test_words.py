"""The pages in Chinese: every text of ours has its Chinese, and so has every sentence that the evidence makes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from blindside.yaml_files import read_yaml
from eval.evidence.analysis import all_figures
from eval.judge.study.study import Language
from eval.report.pages.live_snapshot import SnapshotSource
from eval.report.pages.page import show_page
from eval.report.pages.snapshot import read_snapshot
from eval.report.pages.trust_strip import trust_strip
from eval.report.pages.words import CHINESE, words
from eval.run import Run
from tests.report.rich import make_rich
from tests.support import ROOT

FOLDERS = (ROOT / "eval/report/pages", ROOT / "eval/report/pairs", ROOT / "eval/report/sweep")
#: Said in every language.
SAME = {"blindside", "English", "Cohen", "s", "kappa", "Krippendorff", "alpha", "Fleiss", "Gwet", "AC", "Wilson"}
SAME |= {
    "verdicts",
    "csv",
    "CSV",
    "Bonferroni",
    "Holm",
    "PPI",
    "UTC",
    "token",
    "max",
    "tokens",
    "ms",
    "p",
    "n",
    "b",
    "c",
}
ENGLISH = re.compile(r"[A-Za-z]{3,}")


def texts_of_ours() -> Iterator[str]:
    for folder in FOLDERS:
        for path in folder.rglob("*.jinja"):
            said = path.read_text("utf-8")
            yield from (one or two for one, two in re.findall(r"\b_\((?:\"([^\"]*)\"|'([^']*)')", said))
            yield from (f"{{n}} {noun}s" for noun in re.findall(r"say\.count\((?:[^()]|\([^)]*\))*, \"(\w+)\"\)", said))
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) == "say":
                    yield from _constant(node.args[0])


def _constant(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("words")
    make_rich(folder, name="first", lean=3, seed=5, pairs=30)
    return make_rich(folder, pairs=40)


def test_every_text_of_ours_has_its_chinese() -> None:
    known = read_yaml(CHINESE)
    missing = sorted(set(texts_of_ours()) - known.keys())
    assert missing == []
    assert len(known) > 300
    for english, chinese in known.items():
        assert set(re.findall(r"{(\w+)}", chinese)) <= set(re.findall(r"{(\w+)}", english)), english


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("57.6% to 72.1%", "57.6% 至 72.1%"),
        ("+9.7 points to +26.3 points", "+9.7 至 +26.3 个百分点"),
        ("without Ann and Bob to 62.2%, 54.9% to 69.0%", "去掉 Ann and Bob to 后 62.2%，54.9% 至 69.0%"),
        ("median 18.6 s", "中位数 18.6 秒"),
        ("Base: parity not checked; determinism not checked.", "基础模型：未检查一致性；未检查确定性。"),
        ("excluded: replaced or withdrawn", "排除：已替换或撤销"),
        ("what no key fits: {braces} to {braces}", "what no key fits: {braces} to {braces}"),
    ],
)
def test_a_sentence_made_elsewhere_is_translated_with_its_parts(english: str, chinese: str) -> None:
    assert words("zh").sentence(english) == chinese
    assert words("en").sentence(english) == english


def test_every_sentence_and_figure_of_a_run_is_translated(run: Run) -> None:
    found, say = read_snapshot(run).whole, words("zh")
    said = [say.sentence(found.verdict.headline), say.sentence(found.verdict.two_claims)]
    said += [f"{mark.name} {mark.figure}" for mark in trust_strip(found.verdict, say, ())]
    said += [say.sentence(figure.name) for figure in all_figures(found)]
    names = {"bob", "Ann", "Lee", "helpful", "quality", "tone", "cold", "warm", "too_long", "incorrect", "nats"}
    for one in said:
        left = set(ENGLISH.findall(one.replace("ignores_instruction", "").replace("too_long", "")))
        assert left <= names | SAME, one


@pytest.mark.parametrize("address", ["", "?view=browse&length=half", "?item=item-004", "?view=compare", "?without=bob"])
def test_a_chinese_page_says_no_english_but_names(run: Run, address: str) -> None:
    page = show_page(run, SnapshotSource(run), address, "zh")
    running = re.sub(r"</?(a|b|bdi|span|q|code)\b[^>]*>", "", page)
    assert (
        re.findall(
            r"[^>]{0,12}[。；：，][ \n]+\w[^<]{0,12}",
            re.sub(r"<script.*?</script>|<style.*?</style>", "", running, flags=re.DOTALL),
        )
        == []
    )
    body = re.sub(r"<(style|script|bdi|code|q|title)\b.*?</\1>", " ", page, flags=re.DOTALL)
    body = re.sub(
        r"<div class=\"bs-(text|said)\".*?</article>|<td class=\"rs-answer.*?</td>", " ", body, flags=re.DOTALL
    )
    body = re.sub(r"<[^>]*>|&[#\w]+;", " ", body)
    names = """second first bob Ann Lee Skipper zebrabase quaggatuned Question what would you call boat of two colours
        About item longer answer with more words than needs short and clear one geography writing code helpful quality
        tone cold warm base tuned tie incorrect too long ignores instruction eos stop length embedded for the
        test written"""
    left = {word for word in ENGLISH.findall(body) if word not in set(names.split()) | SAME}
    assert left == set()


@pytest.mark.parametrize("address", ["", "?view=browse&tag=base%3Aignores_instruction"])
@pytest.mark.parametrize(("language", "tag", "value"), [("en", "off the brief", "warm"), ("zh", "答非所问", "亲切")])
def test_a_studys_own_words_for_tags_and_scales_are_said(
    run: Run, address: str, language: Language, tag: str, value: str
) -> None:
    page = re.sub(
        r"<(style|script)\b.*?</\1>|<[^>]*>",
        " ",
        show_page(run, SnapshotSource(run), address, language),
        flags=re.DOTALL,
    )
    assert tag in page
    assert re.search(rf"(: |：|\? |？){value}", page)
    assert "ignores the instruction" not in page


def test_numbers_and_plurals_go_by_language() -> None:
    assert [words("en").count(n, "prompt") for n in (1, 2, 1234)] == ["1 prompt", "2 prompts", "1,234 prompts"]
    assert words("zh").count(1234, "prompt") == "1,234 个提问"
    assert Path(CHINESE).is_file()
