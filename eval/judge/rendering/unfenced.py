"""Code without a fence is shown as code, line by line with its indents.

Markdown would make headings of its comments, lists and emphasis of its operators, and drop its indents. In doubt a line
is a paragraph, which keeps its leading spaces too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

#: Python's prompt: what stands below it is its output. Markdown would quote it three times.
_PROMPT = ">>> "
#: Characters of a line that are looked at.
_ENOUGH = 300

#: Lines that are surely code.
_SURE = re.compile(
    r"""\s*+(?:
      (?:async\s+)?def\s+\w+\s*\(.*|class\s+\w+\s*(?:\(.*\))?\s*[:{].*|@\w[\w.]*(?:\(.*\))?$
    | from\s+[\w.]+\s+import\s.*|import\s+[\w.*{}"',\s]+(?:\s+as\s+\w+|\s+from\s.*|;)$|import\s+(?:\w+\.)+[\w*]+;?$
    | import\s+(?:os|re|sys|json|math|time|random|numpy|pandas|torch|csv|datetime|collections|itertools)\b[\w\s,.]*$
    | \#\s*(?:include|define|ifdef|ifndef|pragma)\b.*|\#!/.*|<\?(?:php|xml)\b.*|<!DOCTYPE\b.*|using\s+namespace\b.*
    | (?:public|private|protected|static|export|const|let|var|function|func|fn|void|int|struct|interface|package)\s
      .*[;{(>]\s*(?://.*)?$
    | (?:const|let|var)\s+\w+\s*=.*|</?[a-zA-Z][\w-]*(?:\s+[\w:-]+=(?:"[^"]*"|'[^']*'))*\s*/?>.*</?[a-zA-Z][\w-]*>$
    | <(?:html|head|body|div|script|style|table|ul|ol|form|svg|section|main|nav|header|footer)\b[^<>]*>$
    | >>>\s.*|\$\s(?:sudo|cd|ls|git|pip3?|python3?|npm|npx|docker|curl|apt|make|echo|cat|grep|mkdir|ssh)\b.*
    | (?:SELECT\s.+\sFROM\s.*|INSERT\s+INTO\s.*|CREATE\s+TABLE\s.*|UPDATE\s+\w+\s+SET\s.*|DELETE\s+FROM\s.*)
    | (?:print|printf|console\.log|System\.out\.println|fmt\.Println|echo)\s*\(.*\)\s*;?$
    | (?=.*(?:=|\w\(|\w\[|->|\+\+|::)).*[\w)\]"'}]\s*;\s*(?://.*)?$|.*\S\s*(?:\)|=>)\s*\{\s*(?://.*)?$
    )""",
    re.VERBOSE,
)
#: Lines that may be code next to such a line.
_LIKELY = re.compile(
    r"""\s*+(?:
      [\])}]+[,;)]*(?:\s*(?:else|catch|finally|while)\b.*)?$
    | (?:if|elif|for|while|with|switch|match|except|catch)\b.*[:{]\s*(?:\#.*|//.*)?$
    | (?:else|try|finally|do)\s*[:{]\s*$
    | (?:return|yield|raise|throw|break|continue|pass|await|assert|del|end)\b[^.!?]*;?$
    | [\w.\[\]"'*&]+(?:\s*[:,]\s*[\w.\[\]"']+)*\s*(?:[-+*/%&|^]|//|\*\*|<<|>>|:)?=(?!=)\s*\S.*$
    | [\w.]+(?:\[[^\]]*\])?\(.*\)[;:]?\s*(?:\#.*|//.*)?$
    | (?:FROM|WHERE|JOIN|LEFT|INNER|GROUP\s+BY|ORDER\s+BY|VALUES|LIMIT|HAVING|SET|AND|OR)\b.*
    | [\w-]+\s*:\s*[^;]*;$|[.\#]?[\w-]++(?:[\s,>.:\#]++[\w-]++)*+\s*\{$
    | </?[a-zA-Z][^<>]*>.*$|.*</[a-zA-Z][\w-]*>$|.*[{(\[]$|\w+;$
    | (?:["'\[{(]|[\w.-]+\s*[=:]).*,$|[rbf]?(?:\"\"\"|\'\'\').*
    )""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"\s*+(?:\#(?!\#)|//|--\s|/\*|\*/)")
#: What makes a comment, and no heading, of a line with one sign above it: another such line, or a key as YAML has it.
_BELOW = re.compile(r"\s*+(?:\#(?!\#)|[a-z.][\w.-]*:(?:\s|$)|[A-Za-z_]+ [?:]?= )")
# A list, a heading of two signs and more, a quotation, a fence, a table, or prose that ends as a sentence does.
_MARKDOWN = re.compile(r"\s{0,3}(?:[-+]\s|\*\s|\d{1,9}[.)]\s|\#{2,6}\s|```|~~~|\||>(?!>>))")
_SENTENCE = re.compile(r"\s{0,3}[A-Z][\w'’]*(?:\s+[\w'’,-]+){4,}.*[.!?:]$")


def use(md: MarkdownIt) -> None:
    """Have `md` show unfenced code as code."""
    md.block.ruler.before("table", "unfenced", _rule, {"alt": ["paragraph"]})


def regions(lines: Sequence[str]) -> dict[int, int]:
    """Where unfenced code begins, and the line behind its end. Takes time in proportion to the lines."""
    found: dict[int, int] = {}
    following = _next_written(lines)
    at = 0
    while at < len(lines):
        end = at
        if _is_code(lines, following, at):
            end = at + 1
            prompted = lines[at].startswith(_PROMPT)
            while end < len(lines) and (_goes_on(lines, following, end) or (prompted and lines[end].strip())):
                end += 1
            written = sum(1 for line in lines[at:end] if line.strip())
            if prompted or (written > 1 and any(_COMMENT.match(line) or _is_sure(line) for line in lines[at:end])):
                found[at] = end
        at = max(end, at + 1)
    return found


def _next_written(lines: Sequence[str]) -> list[int]:
    """For each line the number of the next one that is not blank; len(lines) without one."""
    found, after = [0] * len(lines), len(lines)
    for at in range(len(lines) - 1, -1, -1):
        found[at] = after
        after = at if lines[at].strip() else after
    return found


def _goes_on(lines: Sequence[str], following: Sequence[int], at: int) -> bool:
    """Whether a line behind code is code too; a blank one is where the next one is."""
    if not lines[at].strip():
        return following[at] < len(lines) and _goes_on(lines, following, following[at])
    return lines[at][0] in " \t" or _is_code(lines, following, at)


def _is_code(lines: Sequence[str], following: Sequence[int], at: int) -> bool:
    line = lines[at][:_ENOUGH]
    if not line.strip() or _is_sure(line):
        return bool(line.strip())
    if _COMMENT.match(line):
        return _is_comment(lines, following[at], at)
    return bool(_LIKELY.match(line)) and not _MARKDOWN.match(line) and not _SENTENCE.match(line)


def _is_comment(lines: Sequence[str], below: int, at: int) -> bool:
    """Whether a line with a comment's sign is one, and no heading: by the line right above it or below it."""
    if at and _COMMENT.match(lines[at - 1][:_ENOUGH]):
        return True
    return below == at + 1 < len(lines) and bool(_is_sure(lines[below]) or _BELOW.match(lines[below][:_ENOUGH]))


def _is_sure(line: str) -> bool:
    return bool(_SURE.match(line[:_ENOUGH])) and not _SENTENCE.match(line[:_ENOUGH])


def _rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.blkIndent or state.parentType not in ("root", "paragraph"):
        return False
    if "unfenced" not in state.env:
        state.env["unfenced"] = regions(state.src.split("\n"))
    last = min(state.env["unfenced"].get(start, 0), end)
    if last <= start:
        return False
    if not silent:
        token = state.push("code_block", "code", 0)
        token.map, token.info = [start, last], "unfenced"
        token.content = state.getLines(start, last, 0, True)
        state.line = last
    return True
