"""Texts that make a parser read the same again and again: each as long as asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt

#: Repeated as they are.
PIECES = (
    *("\n", "\n1 ", "1\n", " \n", "\f\n", "\xa0\n", "-\n", "*\n", "+\n", "-  \n", ">\n", "---\n", "a\n", "a\n\n", "\r"),
    *("\\(", "\\[", "$$", "$$ a ", "\\(\\[$$", "\\)\\(", "$$$"),
    *(
        "[",
        "[x](",
        "![",
        "[![",
        "[a][",
        "[a]: b\n",
        "[a](http://b) ",
        '[a](b "',
        "[a](<",
        "![a](b)",
        "*[a](http://b)* ",
    ),
    *("*", "_", "~", "*a", "_a", "~~a", "~~a ", "a~~ ", "*a_", "a**b", "**_", "**x* ", "*a **a ", "a* _b ", "***a "),
    *("`", "`a ", "`a`", "```\n", "~~~\n", "- ```\n", "```python\nx = 1\n```\n", "```c\n\n\n", "```make\na(\n"),
    *(
        "<",
        "<a",
        "<http:",
        "<a@b",
        "<http://a.b> ",
        "<div>\n",
        "<!--",
        "<?",
        "&",
        "&amp;",
        "&lt;",
        '"',
        "\\",
        "\\\n",
        "!",
    ),
    *("|", "|\n", "|a|b|\n", "|a|\n|-|\n\n", "|a|\n|-|\n> x\n", "a\n-\n", "a\n=\n", "# a\n", "#"),
    *(
        ">",
        "> a\n",
        "> - a\n",
        "- a\n",
        "- a\n\n",
        "- a\nb\n",
        "1. a\n",
        "1. ",
        "- ",
        "* - + ",
        "- > ",
        "-\t",
        "\t",
        "\ta\n",
    ),
    *(
        "x",
        "word ",
        "1",
        " ",
        "    a\n",
        "汉",
        "汉\n\n",
        "a\n\n汉\n\n",
        "مر\n\n",
        "\u0301",
        "\u202e",
        "\u200b",
        "\0",
        "\ud800",
    ),
    *("👩\u200d", "由Qwen2", "I am Qwen-1", "Llama\n", "As Llama, "),
)


def _square_table(n: int) -> str:
    """A wide head and as many rows of one cell."""
    columns = n // 8
    return f"{'|a' * columns}|\n{'|-' * columns}|\n" + "|b\n" * columns


def _longer_and_longer(mark: str, between: str, n: int) -> str:
    return between.join(mark * size for size in range(1, isqrt(2 * n)))


#: Made of several parts.
MADE: dict[str, Callable[[int], str]] = {
    "newlines within a list": lambda n: "- a\n" + "\n" * n + "- b",
    "spaces before a line's end": lambda n: "a" + " " * n + "\nb",
    "brackets that close": lambda n: "[" * (n // 2) + "]" * (n // 2),
    "brackets that are no links": lambda n: "[" * (n // 3) + "](" * (n // 3),
    "links in links": lambda n: "[" * (n // 6) + "](b)" * (n // 6),
    "images in images": lambda n: "![" * (n // 6) + "](b)" * (n // 6),
    "parentheses in a link": lambda n: "[a](" + "(" * n,
    "a long link": lambda n: "[a](http://" + "é" * (n // 6) + ")",
    "emphasis in emphasis": lambda n: "*a " * (n // 6) + "a* " * (n // 6),
    "bold in bold": lambda n: "**a " * (n // 8) + "a** " * (n // 8),
    "stars and underscores": lambda n: "*_" * (n // 4) + "a" + "_*" * (n // 4),
    "fences of all lengths": lambda n: _longer_and_longer("`", "a", n),
    "quotes of all depths": lambda n: _longer_and_longer(">", "a\n", n),
    "lists of all depths": lambda n: "".join("  " * depth + "- a\n" for depth in range(isqrt(n))),
    "a wide table": lambda n: "|a" * (n // 5) + "|\n" + "|-" * (n // 5) + "|\n",
    "a square table": _square_table,
    "many tables to fill up": lambda n: (f"{'|a' * 200}|\n{'|-' * 200}|\n" + "|b\n" * 300 + "\n") * (n // 1700),
    "a table of stray cells": lambda n: "|a|\n|-|\n" + "".join(f"|b|{number}\n" for number in range(n // 8)),
    "a table's code": lambda n: "|a|\n|-|\n|" + "`|" * (n // 2) + "|",
    "a heading's end": lambda n: "# a " + "#" * n,
    "a combined letter": lambda n: "a" + "\u0301" * n,
    "code, cut into words": lambda n: "```css\n" + "".join(f"a{{b:{number}px}}\n" for number in range(n // 14)),
    "calls in one line": lambda n: "a.b(c)." * (n // 7),
    "lines of calls": lambda n: ("a.b(c)." * 40 + "\n") * (n // 281),
    "lines of many keys": lambda n: ("a, b = c: " * 28 + "\n") * (n // 281),
    "formulas": lambda n: "$x_1$ " * (n // 6),
    "openers of mathematics": lambda n: "\\begin{a}" * (n // 9),
    "words, each another": lambda n: " ".join(map(str, range(n // 6))),
}


def attacks(n: int) -> Iterator[tuple[str, str]]:
    """Each attack's name, and its text of about `n` characters."""
    for piece in PIECES:
        yield repr(piece), piece * (n // len(piece))
    for name, make in MADE.items():
        yield name, make(n)
