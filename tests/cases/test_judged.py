"""The cases about judging, under their numbers: situations that people reported, each with the right value."""

from __future__ import annotations

import csv
import io
from http.client import HTTPConnection
from pathlib import Path

import pytest

from eval.judge.page.judging_state import JudgingState
from tests.cases.commands import blindside, lines, opened
from tests.judge.person import PLAIN, Person
from tests.judge.server import Tab, served

IDS = ("007", "1-2", "3e5")
TABLE = [{"id": id, "prompt": f"Name {id}, é.", "base": f"Base {id}.", "tuned": f"Tuned {id}."} for id in IDS]
#: Proxies that nobody listens at, of the kinds that clients know.
NOWHERE = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"),
    **dict.fromkeys(("ALL_PROXY", "all_proxy"), "socks5://127.0.0.1:9"),
}


@pytest.fixture(autouse=True)
def run(folder: Path) -> None:
    done = blindside("import", "r", "--table", lines("t.jsonl", *TABLE), "--id-column", "id")
    assert not done.failed, done.said


def test_case_20_the_page_is_served_whatever_proxies_the_environment_names() -> None:
    """Behind a path and TLS it is judged in a browser, through real proxies: tests/browser/test_proxies.py."""
    with served(opened(), env=NOWHERE, allow_host=["judge.example.org"], root_path="/tools/judge") as page:
        assert Tab(page.url, "Ann").vote("left").data["judged"] == "1"
        for host, status in (("judge.example.org", 200), ("other.example.org", 400)):
            connection = HTTPConnection(page.url.removeprefix("http://").rstrip("/"), timeout=30)
            connection.request("GET", "/", headers={"Host": host, "X-Forwarded-Proto": "https"})
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            assert (answer.status < 400) == (status == 200), answer.status
            assert ("https://judge.example.org/tools/judge" in body) == (status == 200)


def saved(how: str) -> bytes:
    """verdicts.csv as a spreadsheet saves it."""
    path = opened().verdicts_path
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    head = rows[0]
    delimiter = {"semicolon": ";", "german": ";", "utf16": "\t"}.get(how, ",")
    if how == "german":
        for row in rows[1:]:
            row[head.index("seconds")] = row[head.index("seconds")].replace(".", ",")
    if how == "ids":
        for row in rows[1:]:
            row[head.index("item")] = {"007": "7", "1-2": "01. Feb", "3e5": "3,00E+05"}[row[head.index("item")]]
    if how == "extra":
        rows = [[*row, "", ""] for row in rows]
    if how == "blankrows":
        rows += [[""] * len(head)] * 3
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    said = ("sep=,\r\n" if how == "sep" else "") + text.getvalue()
    return said.encode({"cp1252": "cp1252", "utf16": "utf-16"}.get(how, "utf-8-sig"))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("plain", ""),
        ("blankrows", ""),
        ("semicolon", "has semicolons between its cells, as a spreadsheet saves it"),
        ("german", "has semicolons between its cells, as a spreadsheet saves it"),
        ("cp1252", "is not UTF-8: save the file as CSV in UTF-8"),
        ("utf16", "it looks like a spreadsheet's UTF-16"),
        ("extra", "has extra columns: 2 without a name, as a spreadsheet saves it"),
        ("sep", "begins with a line `sep=`, as a spreadsheet saves it"),
        ("ids", "with an id that a spreadsheet changed"),
    ],
)
def test_case_21_verdicts_of_a_spreadsheet_are_read_or_named_and_never_written(how: str, said: str) -> None:
    Person(JudgingState(opened(), PLAIN), "Zoé").judge_all()
    path = opened().verdicts_path
    path.write_bytes(saved(how))
    before = path.read_bytes()
    done = blindside("report", "r")
    assert path.read_bytes() == before
    assert said in done.said
    assert done.failed == (how not in ("plain", "blankrows", "ids"))
    if not done.failed:
        judged = "0 judgements" if how == "ids" else "3 judgements"
        assert judged in (opened().report_folder / "report.md").read_text(encoding="utf-8")


def test_case_33_names_that_are_nearly_one_are_asked_about() -> None:
    judging = JudgingState(opened(), PLAIN)
    people = {name: Person(judging, name) for name in ("Ann", "ann", " ANN ", "Ａnn", "Ann\u200b", "ann@example.org")}
    states = {
        name: (person.view.state, person.view.notice and person.view.notice.key) for name, person in people.items()
    }
    asked = ("welcome", "same_name")
    assert states == {
        "Ann": ("ask", None), "ann": asked, " ANN ": asked, "Ａnn": asked, "Ann\u200b": ("welcome", None),
        "ann@example.org": ("ask", None),
    }  # fmt: skip
