"""A model as a judge, asked over HTTP: both orders, one verdict, on from where it ended."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from eval.collect.model_tasks.model_judge import ask_model
from eval.collect.model_tasks.rows import ModelVerdict, read_model_verdicts, verdicts_path
from eval.errors import EngineError, InputError, RunError
from eval.run import Run
from tests.collect.runs import FAST
from tests.collect.servers import Tgi, always, tgi
from tests.judge.runs import make_run


@dataclass
class Judge(Tgi):
    """Prefers the shorter answer, A where both are long, and says nothing useful of answers that hold `mumble`."""

    def say(self, text: str) -> str:
        a, b = (part.split("\n\n[")[0].strip() for part in text.split("[answer ")[1:])
        a, b = a.removeprefix("A]\n"), b.removeprefix("B]\n")
        if "mumble" in a + b:
            return "I could not say."
        if "same" in a and "same" in b:
            return "Tie."
        if "bad" in a and "bad" in b:
            return "**BAD**"
        if min(len(a), len(b)) > 40:
            return "A"
        return "A" if len(a) < len(b) else "b"


ANSWERS = [
    ("a long reply, " * 2, "brief"),
    ("brief", "a long reply, " * 2),
    ("long " * 20, "longer " * 20),
    ("the same one", "the same two"),
    ("bad one", "bad two"),
    ("mumble", "mumble too"),
    ("equal", "equal"),
]


def judged(run: Run, server: Tgi) -> list[ModelVerdict]:
    said: list[str] = []
    return ask_model(run, server.url, options=FAST, say=said.append)


def test_both_orders_are_asked_and_disagreement_is_a_tie(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    with tgi(Judge(name="org/judge-7b")) as server:
        verdicts = judged(run, server)
    assert [v.outcome for v in verdicts] == ["tuned", "base", "tie", "tie", "both_bad", "none"]
    assert [v.consistent for v in verdicts] == [True, True, False, True, True, False]
    assert (verdicts[2].base_first, verdicts[2].tuned_first) == ("base", "tuned")
    assert len(server.bodies) == 12  # six pairs in two orders; the equal answers are not asked
    assert all(body["temperature"] == 0.0 for body in server.bodies)
    assert read_model_verdicts(run) == verdicts
    assert not run.verdicts_path.exists()
    with verdicts_path(run).open(newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == [v.outcome for v in verdicts]


def test_a_broken_call_goes_on_where_it_ended(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    with tgi(Judge(name="judge")) as server:
        whole = judged(run, server)
    replies = run.folder / "model_judge" / "judge.jsonl"
    replies.write_bytes(b"".join(replies.read_bytes().splitlines(keepends=True)[:5]) + b'{"kind": "resp')
    with tgi(Judge(name="judge")) as server:
        assert judged(run, server) == whole
    assert len(server.bodies) == 7


def test_two_judges_stand_beside_each_other(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    for name in ("one", "two", "one"):
        with tgi(Judge(name=name)) as server:
            judged(run, server)
    assert sorted({v.model for v in read_model_verdicts(run)}) == ["one", "two"]
    assert len(read_model_verdicts(run)) == 12


def test_a_reply_that_never_came_is_no_verdict(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS[:2])

    async def refuse_long_first(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        if "[answer A]\nbrief" in text:
            return web.json_response({"error": "no", "error_type": "validation"}, status=422)
        return None

    with tgi(Judge(name="judge", trouble=refuse_long_first)) as server:
        assert [v.outcome for v in judged(run, server)] == ["none", "none"]


def test_errors_name_the_remedy(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[("equal", "equal")])
    with (
        tgi(Judge()) as server,
        pytest.raises(RunError, match="holds no pair of different answers: collect some first"),
    ):
        judged(run, server)
    other = make_run(tmp_path, answers=ANSWERS, name="other")
    gone = always(lambda: web.Response(status=401))
    with tgi(Judge(trouble=gone)) as server, pytest.raises(EngineError):
        judged(other, server)
    with tgi(Judge()) as server:
        judged(other, server)
    path = verdicts_path(other)
    path.write_text(path.read_text().replace(",tuned,tuned,tuned,", ",tuned,tuned,better,"))
    with pytest.raises(InputError, match=r"model_verdicts\.csv:2: outcome: .*: fix it"):
        read_model_verdicts(other)
