"""Hostile and difficult answers: shown whole, and nothing of them runs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from eval.judge.rendering.render import plain_html
from tests.judge.rendered import answer_html

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "style": "<style>body{display:none}</style>",
    "overlay form": '<form action="https://evil.example"><div style="position:fixed;inset:0"><input name=q></form>',
    "fake buttons": '<button id="bs-send" data-vote="left">A</button>',
    "image with handler": "<img src=x onerror=alert(1)>",
    "svg": '<svg onload="alert(1)"><a xlink:href="javascript:alert(1)">x</a></svg>',
    "iframe": '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "javascript link": "[click](javascript:alert(1)) <javascript:alert(1)>",
    "disguised link": "[click](JaVaScRiPt:alert(1)) [tab](java\tscript:alert(1)) [e](javascript&#58;alert(1))",
    "data link": "[x](data:text/html;base64,PHNjcmlwdD4=) [y](data:image/png;base64,AAAA) [z](/gradio_api/x)",
    "remote image": '![pixel](https://evil.example/p.png "title") ![][ref]\n\n[ref]: https://evil.example/q.png',
    "attributes": '[a](https://e.example/"onmouseover="alert(1)) ![b](x"onerror="alert(1))',
    "handlebars": "{{constructor.constructor('alert(1)')()}} {{{raw}}} {{#each x}}{{/each}}",
    "template string": "${alert(1)} `${alert(1)}` \\${x} \\u0041",
    "format fields": "{detail} {0} %s %(x)s {t('saved')} {% raw %}{{ view.pair.base }}{% endraw %}",
    "entities": "&lt;script&gt; &#60;b&#62; &nbsp;",
    "generics": "List<int> x = new ArrayList<>(); if (a<b && c>d) {}",
    "comment": "<!-- hidden --> seen <!-- unclosed",
    "fence that breaks out": '```"><script>alert(1)</script>\ncode\n```',
    "unclosed fence": "```python\nprint('never closed')",
    "tex that links": r"\(\href{javascript:alert(1)}{x}\) $$\style{position:fixed}{x}$$ \[\class{bs-win}{x}\]",
    "tex with tags": r"\(\text{<script>alert(1)</script>}\) $\text{</mtext><img src=x onerror=alert(1)>} = 1$",
    "tex that hides": r"\(a \phantom{hidden} % comment\) \(\hspace{900em} x\) \(\color{white}{unseen}\)",
    "tex without end": "\\(a_1 * b_2 and $$x^2 and \\begin{align} a",
    "tex": "\\(a_1 * b_2 * c\\) and \\[x^2\\] and $$\\frac{a}{b}$$ and $5 and $6",
    "broken table": "|a|b|\n|-|-|\n|1|2|dropped|\n|",
    "broken markdown": "**bold *it** _x [a](b [c]: d\n> > - 1) ~~",
    "deep nesting": "> " * 60 + "deepest",
    "deep lists": "".join("  " * i + f"- level{i}\n" for i in range(40)),
    "right to left": "\u202eevil\u202c مرحبا بالعالم שלום",
    "wide": "汉字かな交じり文、한국어 👩‍👩‍👧‍👦 e\u0301",
    "zero width": "a\u200bb\u200cc\u200dd\ufeff",
    "nul": "before\0after",
    "line separators": "one\u2028two\u2029three\x85four\x0bfive",
    "one long word": "x" * 10_000,
    "fifty kilobytes": "word " * 10_000,
    "many stars": "*" * 5_000 + "a" + "_" * 5_000,
    "many brackets": "[" * 2_000 + "x" + "](" * 2_000,
    "headings": "Title\n===\n\n# One\n## Two ##\n\n1. a\n2. b\n\n10) ten",
}

ALLOWED = {
    "p", "br", "a", "em", "strong", "s", "code", "pre", "span", "div", "blockquote", "ul", "ol", "li", "hr",
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
#: MathML, which draws formulas and can neither link nor run.
MATHEMATICS = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder",
    "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "menclose", "mpadded",
}  # fmt: skip
DRAWN = {
    "display", "displaystyle", "scriptlevel", "stretchy", "fence", "form", "accent", "columnalign", "rowspacing",
    "columnspacing", "width", "linethickness",
}  # fmt: skip
ATTRIBUTES = {
    "value",
    "data-tex",
    "dir",
    "class",
    "href",
    "title",
    "target",
    "rel",
    "start",
    "tabindex",
    "data-info",
    "style",
    "lang",
}


class Audit(HTMLParser):
    """What a browser would make of the HTML: its tags, its attributes, its text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_runs(text: str) -> None:
    page = Audit(answer_html(text))
    assert page.tags <= ALLOWED | MATHEMATICS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES | DRAWN
    for name, value in page.attributes:
        if name == "href":
            assert re.match(r"(https?|mailto):", value or ""), value
        if name == "style":
            assert re.fullmatch(r"text-align:(left|right|center)", value or "")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_word_is_shown(text: str) -> None:
    page = Audit(answer_html(text))
    shown = page.text + " ".join(
        value or "" for name, value in page.attributes if name in ("href", "title", "data-info", "data-tex")
    )
    numbers = {value for name, value in page.attributes if name == "start"} | {"1", "2"}
    for word in re.findall(r"\w+", text):
        assert word in shown or word in numbers, word


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_raw_text_is_every_character(text: str) -> None:
    page = Audit(plain_html(text))
    assert page.text == text.replace("\0", "\ufffd")
    assert page.tags == {"div"}


def test_markdown_is_rendered() -> None:
    page = answer_html(
        "# Head\n\n**b** *i* ~~s~~ `c`\n\n- x\n\n|a|\n|-|\n|1|\n\n```python\ndef f(): pass\n```\nline\nline"
    )
    for piece in ("<h1", "<strong>", "<em>", "<s>", "<code>c</code>", "<li>", "<table", "hl-nf", "line<br />"):
        assert piece in page


def test_images_and_references_stay_text() -> None:
    assert "![pixel](https://e.example/p.png &quot;t&quot;)" in answer_html('![pixel](https://e.example/p.png "t")')
    assert "[1]: https://e.example/x" in answer_html("[1]: https://e.example/x")


def test_links_open_elsewhere_and_say_where() -> None:
    link = answer_html("[here](https://e.example/?a=1&b=2)")
    assert 'title="https://e.example/?a=1&amp;b=2"' in link
    assert 'target="_blank" rel="noopener noreferrer nofollow"' in link


def test_where_markdown_drops_words_the_text_is_plain() -> None:
    assert answer_html("|a|b|\n|-|-|\n|1|2|three|") == plain_html("|a|b|\n|-|-|\n|1|2|three|")


def test_each_block_finds_its_own_direction() -> None:
    assert answer_html("مرحبا\n\nhello").count('dir="auto"') == 2
