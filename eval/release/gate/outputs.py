"""A decision for CI systems: JUnit XML, a Markdown summary, a terminal table."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table as Grid

from blindside.console import styled, terminal
from blindside.markdown import as_code, as_text
from eval.journal import write_atomically
from eval.release.gate.decision import Decision, RuleResult

JUNIT, SUMMARY = "gate-junit.xml", "gate.md"
HEADLINES = {
    "release": "Release",
    "hold": "Hold: do not release",
    "insufficient": "Insufficient evidence: continue judging",
}
#: Reasons and findings are sentences: they are not cut.
_whole = partial(as_text, longest=None)
#: What XML 1.0 cannot hold, whatever the escaping.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_outputs(folder: Path, decision: Decision) -> list[Path]:
    """Write the JUnit file and the summary into `folder`; returns their paths."""
    outputs = {JUNIT: junit(decision), SUMMARY: markdown(decision).encode()}
    for name, data in outputs.items():
        write_atomically(folder / name, data)
    return [folder / name for name in outputs]


def junit(decision: Decision) -> bytes:
    """One test case a rule: `fail` is a failure; `insufficient` is an error, so that no CI takes it for a pass."""
    failed = [rule for rule in decision.rules if rule.status == "fail"]
    open_ones = [rule for rule in decision.rules if rule.status == "insufficient"]
    counts = {"tests": str(len(decision.rules)), "failures": str(len(failed)), "errors": str(len(open_ones))}
    root = ElementTree.Element("testsuites", {"name": "blindside gate", **counts})
    about = {"name": _clean(decision.run), "timestamp": decision.decided_at, **counts}
    suite = ElementTree.SubElement(root, "testsuite", about)
    for rule in decision.rules:
        case = ElementTree.SubElement(suite, "testcase", classname="gate", name=_clean(rule.name), time="0")
        if rule.status != "pass":
            kind = "failure" if rule.status == "fail" else "error"
            element = ElementTree.SubElement(case, kind, type=rule.status, message=_clean(rule.found))
            element.text = _clean(f"required: {rule.asked}\nfound: {rule.found}")
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data


def markdown(decision: Decision) -> str:
    """The summary for a pull request: the decision, every rule, and what it is bound to."""
    lines = [
        f"## {HEADLINES[decision.decision]}: {as_code(decision.run)}",
        "",
        *([_whole(decision.headline.sentence), ""] if decision.headline.sentence else []),
        *[f"- {_whole(reason)}" for reason in decision.reasons],
        *([""] if decision.reasons else []),
        "| rule | required | found | |",
        "|---|---|---|---|",
        *[f"| {_whole(r.name)} | {_whole(r.asked)} | {_whole(r.found)} | {r.status} |" for r in decision.rules],
        "",
        f"Decided {as_text(decision.decided_at)} by policy {as_code(decision.policy_sha256[:12])}, bound to "
        + ", ".join(f"{as_text(name)} {as_code(value[:12])}" for name, value in decision.bound.items())
        + ".",
        "",
    ]
    return "\n".join(lines)


def print_decision(decision: Decision, console: Console | None = None) -> None:
    """Print the table of rules and the decision."""
    console = console or terminal()
    grid = Grid("rule", "asked", "found", "", title=f"gate: {decision.run}", title_justify="left")
    for rule in decision.rules:
        grid.add_row(rule.name, rule.asked, rule.found, styled(rule.status, _style(rule)))
    console.print(grid)
    for reason in decision.reasons:
        console.print(f"  {reason}")
    if decision.headline.sentence:
        console.print(decision.headline.sentence)
    console.print(f"{HEADLINES[decision.decision]}.")


def _style(rule: RuleResult) -> str:
    return {"pass": "green", "fail": "bold red", "insufficient": "yellow"}[rule.status]


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
