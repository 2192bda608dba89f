"""What people judge is what the model wrote: the page shows the source less Markdown's marks, indents and all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import zip_longest

import pytest

from eval.judge.rendering.render import plain_html
from eval.judge.rendering.tex import mathml
from eval.judge.rendering.unfenced import regions
from tests.judge.rendered import answer_html
from tests.judge.test_render import HOSTILE
from tests.support import ROOT


class Seen(HTMLParser):
    """The lines that a reader sees, formulas as they are written; `marks` counts the tags that stand for marks."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.marks, self.links = "", Counter[str](), ""
        self._formula = 0
        self.feed(str(source))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.marks[tag] += 1
        self.links += (given.get("href") or "") + (given.get("data-info") or "") + (given.get("value") or "")
        if given.get("data-tex"):
            self.text += given["data-tex"] or ""
        self._formula += tag == "math"
        if tag in ("br", "p", "li", "pre", "tr", "h1", "h2"):
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        self._formula -= tag == "math"

    def handle_data(self, data: str) -> None:
        self.text += "" if self._formula else data

    @property
    def lines(self) -> list[str]:
        return lines(self.text)

    @property
    def uncoded(self) -> list[str]:
        """The lines without the signs of code: within prose they are marks, and within code they are shown."""
        return lines(self.text.replace("`", ""))


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


#: Each is text: nothing of it is a mark.
TEXTS = {
    "a pattern": r"(\.[a-z0-9]+)*@ and ^\s*(\w+)\s*=\s*(.*)$ and (a|b)*(c|d)* and [^*]*\*",
    "a path": r"C:\new\*.txt, ~/a/*.py ~/b/*.py, \\server\share_name_x, /usr/*/bin/*/x",
    "powers": "2**3**4 = 2^81, 3*4*5 = 60, 6 * 7 * 8, 5*x*y",
    "names": "__init__ and __name__, _private_, snake_case_name, a_b*c_d, _x and _y",
    "arguments": "f(*args, **kwargs) calls g(**kwargs, *args); int **p, *q;",
    "globs": "*.py and *.md, **/*.js and **/*.ts, ls *.py*",
    "money": "$5 and $6, or $5,000 and US$7_000",
    "tildes": "~5 minutes, ~~~x~~~, a~~b~~c, ~/x ~/y",
    "an escape of code": r"\n \t \\ \. \d+\.\d+ \x41 \[a-z\]\{2\} s/\//\_/g",
    "a line that continues": "cp a \\\n   b \\\n   c",
    "columns": "Name    Age   City\nAda     36    London\nBob      7    Rome",
    "leading spaces": "   a\n     b\n  c",
    "a drawing": "  /\\_/\\\n ( o.o )\n  > ^ <",
    "a poem": "The rain\n    falls\n        slowly",
    "doctest": ">>> 1 + 1\n2\n>>> a = [x**2 for x in y]\n>>> a\n[1, 4]",
    "a formula without marks": r"x_1*x_2*x_3 = a_{n}*b_{m}, O(n*log(n)*m)",
    "tex that is no formula": r"\(a_1 * b_2 \unknown{c}\) and \(a % b\)",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_what_is_no_mark_is_shown_with_its_spaces(text: str) -> None:
    assert Seen(answer_html(text)).lines == lines(text)


MARKS = {
    "**bold**, *slanted*, ***both***, ~~gone~~, `x*y*z`": "bold, slanted, both, gone, x*y*z",
    '(*a*) "**b**" **c:** d, **e**. **f**-g —**h**— *i*\'s _two words_': '(a) "b" c: d, e. f-g —h— i\'s two words',
    "这是**重点**内容，*强调*。": "这是重点内容，强调。",
    "これは**重要**です。": "これは重要です。",
    r"5 \* 3, snake\_case, \# one, 1\. two, \$5": "5 * 3, snake_case, # one, 1. two, $5",
    "**__init__** and *`a_b`*": "__init__ and a_b",
}


@pytest.mark.parametrize(("text", "shown"), MARKS.items(), ids=range(len(MARKS)))
def test_what_is_a_mark_is_one(text: str, shown: str) -> None:
    assert Seen(answer_html(text)).lines == [shown]


def test_numbers_of_a_list_are_those_that_were_written() -> None:
    assert re.findall(r'value="(\d+)"', answer_html("2. b\n4. d\n\n9. i")) == ["2", "4", "9"]


def pieces(kind: str, size: int, most: int) -> Iterator[tuple[str, str]]:
    """Stretches of this project's own files of a kind, as an answer would quote them without a fence."""
    found = 0
    for path in sorted(ROOT.glob(kind)):
        if ".md" in path.suffixes:  # Markdown is no code
            continue
        written = path.read_text().splitlines()
        for at in range(0, len(written) - size, 4 * size):
            if found == most:
                return
            if any(line.strip() for line in written[at : at + size]):
                found += 1
                yield f"{path.name}:{at + 1}", "\n".join(written[at : at + size])


CODE = dict(
    [
        *pieces("eval/**/*.py", 12, 90), *pieces("eval/**/*.js", 10, 25), *pieces("eval/**/*.css", 6, 15),
        *pieces("eval/**/*.jinja", 8, 20), *pieces("compose/*.yml", 10, 8), *pieces("bin/*", 10, 6),
        *pieces("Makefile", 8, 8),
    ]
)  # fmt: skip


def test_code_without_a_fence_is_shown_line_by_line_whatever_stands_in_it() -> None:
    """Python, JavaScript, CSS, templates, YAML, shell and make, 160 pieces and more cut out of the middle."""
    assert len(CODE) > 150
    altered = {}
    for name, code in CODE.items():
        text = f"Here it is:\n\n{code}\n\nThat is all."
        if different := [
            pair
            for pair in zip_longest(lines(text.replace("`", "")), Seen(answer_html(text)).uncoded)
            if len(set(pair)) > 1
        ]:
            altered[name] = different[0]
    assert not altered, "\n".join(map(repr, altered.items()))


def test_whole_functions_without_a_fence_look_like_code() -> None:
    function = "def area(r):\n    # of a circle\n    return 3.14 * r ** 2\n\n\nprint(area(2))"
    page = answer_html(f"Use this:\n{function}\n\nIt prints 12.56.")
    assert page.count("<pre") == 1
    assert page.endswith("<p>It prints 12.56.</p>\n".replace("<p>", '<p dir="auto">'))


PROSE = (
    "If you want to know: ask.\nFor example:\n  - one\n  - two",
    "x = 5\ny = 7\nso x + y = 12",
    "Return home; then rest.\nPass the salt.",
    "Import taxes are high.\nFrom there, import more.",
    "Class: mammal\nOrder: carnivore",
    "Dear Ann,\n\nthank you for the book;\nI liked it.\n\nYours,\nBob",
    "# Title\n\nText continues (as here).\n\n## More\n\nAnd more; and more.",
    "while it rains:\nstay inside",
)


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_no_code(text: str) -> None:
    assert not regions(text.split("\n"))


FORMULAS = (
    r"\(\frac{a_1}{b^2}\)", r"$x^2 + y^2 = z^2$", r"$n$",
    r"$$\sum_{i=1}^n i = \frac{n(n+1)}{2}$$", r"\(\alpha \leq \beta\)",
    "\\[\n\\int_0^\\infty e^{-x}\\,dx\n= 1\n\\]", r"\begin{align} a &= b \\ c &= d \end{align}", r"$\sqrt[3]{8} = 2$",
    r"\[\begin{pmatrix}1&2\\3&4\end{pmatrix}\]",
    r"$f(x)$", r"\(\boxed{42}\)", r"$90^\circ$", r"$2x + 3$", r"$\mathbb{R}$",
)  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_drawn_and_its_source_kept(text: str) -> None:
    page = answer_html(text)
    assert page.count("<math") == 1
    assert Seen(page).lines == lines(text)


@pytest.mark.parametrize(
    "text",
    [
        r"\(\frac{a\)", r"\(\href{https://x}{y}\)", r"\(a % b\)", r"\[a \tag{7}\]",
        r"\(\unknown{c}\)", r"\(\phantom{c}\)", r"\(\text{<b>x</b>}\)", r"\(\left( x\)",
    ],
)  # fmt: skip
def test_a_formula_that_might_lose_something_stays_as_it_is_written(text: str) -> None:
    assert mathml(text) == ""
    assert Seen(answer_html(text)).lines == [text]


def test_no_number_is_added_to_an_equation() -> None:
    assert "(1)" not in answer_html(r"\begin{align} a &= b \\ c &= d \end{align}")


DOCUMENTS = {path.name: path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}


@pytest.mark.parametrize("text", [*DOCUMENTS.values(), *HOSTILE.values()], ids=[*DOCUMENTS, *HOSTILE])
def test_what_is_not_shown_is_marks_and_no_others(text: str) -> None:
    """Stars and underscores that went are those of emphasis, items and rules; no dollar went, and no letter."""
    seen = Seen(answer_html(text))
    if answer_html(text) == plain_html(text):
        return
    gone = Counter(text.replace("\0", "\ufffd")) - Counter(seen.text + seen.links)
    emphasis = 2 * seen.marks["em"] + 4 * seen.marks["strong"]
    rules = "".join(re.findall(r"^\s*(?:[-*_]\s*){3,}$", text, re.MULTILINE))
    assert emphasis <= gone["*"] + gone["_"] <= emphasis + seen.marks["li"] + rules.count("*") + rules.count("_")
    assert gone["~"] in (4 * seen.marks["s"], 4 * seen.marks["s"] + 3 * text.count("\n~~~"))
    assert gone["\\"] <= len(re.findall(r"\\[*_`~#$|.)]", text))
    assert not [one for one in gone if one.isalpha() or one in "$%&{}^;,"]
