"""Each way by which text that is not ours reaches the terminal of a real command: none of it commands the terminal."""

from __future__ import annotations

import csv
import json
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from eval.answers import read_answers
from eval.records import Message, Prompt
from eval.run import Run, open_run
from tests.cli.command import blindside
from tests.collect.servers import Tgi, always, tgi
from tests.evidence.judged import record, verdict_on
from tests.judge.runs import make_run_of, response

#: Sets the title, clears the screen, sets the clipboard, turns text around; C1, a return, a tag, a forged line.
EVIL = "\x1b]0;pwned\x07\x1b[2J\x1b]52;c;cHduZWQ=\x07\u202e\u2066\u200f\x9b31m\r\U000e0041[bold]"
SHOWN = r"\x1b]0;pwned\x07\x1b[2J\x1b]52;c;cHduZWQ=\x07\u202e\u2066\u200f\x9b31m\r\U000e0041[bold]"
#: Where a file's name, a CSV's cell or an argument cannot hold all of it.
NAME, NAME_SHOWN = "\x1b]0;pwned\x07\u202e", r"\x1b]0;pwned\x07\u202e"

ReviewerQueue = Callable[[Path], list[str]]


def _asked(folder: Path, prompt_id: str = "p1", *, category: str = "", **more: object) -> str:
    path = folder / "prompts.jsonl"
    path.write_text(json.dumps({"id": prompt_id, "prompt": f"What? {EVIL}", "category": category, **more}) + "\n")
    return str(path)


def _evil_run(folder: Path, name: str) -> Run:
    """A run in which whatever its makers named is hostile."""
    prompts = [
        Prompt(id=f"{EVIL}{n}", messages=(Message(role="user", content=f"{n}{EVIL}"),), category=f"{EVIL}{n % 2}")
        for n in range(4)
    ]
    rows = [response(asked, side, f"{side} {EVIL}") for asked in prompts for side in ("base", "tuned")]
    run = make_run_of(folder, prompts, rows, name=name)
    models = {side: model.model_copy(update={"name": EVIL, "source": EVIL}) for side, model in run.info.models.items()}
    source = run.info.prompt_set.model_copy(update={"source": EVIL})
    run = run.update(models=models, engine=EVIL, prompt_set=source)
    pairs = read_answers(run.responses_path).pairs(prompts)
    record(run, [verdict_on(run, pair, "tuned", reviewer=f"ann{EVIL}", comment=EVIL) for pair in pairs])
    return run


def _report(folder: Path) -> list[str]:
    _evil_run(folder, "one")
    return ["report", "one"]


def _runs(folder: Path) -> list[str]:
    _evil_run(folder, "one")
    return ["runs"]


def _gate(folder: Path) -> list[str]:
    _evil_run(folder, "one")
    return ["gate", "one"]


def _compare(folder: Path) -> list[str]:
    _evil_run(folder, "one")
    _evil_run(folder, "two")
    return ["compare", "one", "two"]


def _run_json(folder: Path) -> list[str]:
    run = _evil_run(folder, "one")
    (run.folder / "run.json").write_text(json.dumps({"engine": EVIL, EVIL: 1}))
    return ["report", "one"]


def _verdicts(folder: Path) -> list[str]:
    run = _evil_run(folder, "one")
    run.verdicts_path.write_text(run.verdicts_path.read_text().replace(",tuned,base,", f",{NAME},base,"))
    return ["report", "one"]


def _csv_header(folder: Path) -> list[str]:
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[NAME, "prompt"], ["x", "What?"]])
    return ["import", "first", "--table", "table.csv"]


def _file_name(folder: Path) -> list[str]:
    return ["import", "first", "--table", f"{NAME}.csv"]


def _pairs(folder: Path) -> list[str]:
    row = {"prompt": EVIL, "chosen": f"a {EVIL}", "rejected": "b", EVIL: EVIL}
    (folder / "pairs.jsonl").write_text((json.dumps(row) + "\n") * 3)
    return ["pairs", "check", "pairs.jsonl"]


def _pairs_unknown(folder: Path) -> list[str]:
    (folder / "pairs.jsonl").write_text(json.dumps({EVIL: EVIL}) + "\n")
    return ["pairs", "check", "pairs.jsonl"]


def _usage(folder: Path) -> list[str]:
    return ["pairs", "check", "a.jsonl", f"{NAME}"]


def _option(folder: Path) -> list[str]:
    return ["report", f"--{NAME}"]


def _study(folder: Path) -> list[str]:
    _evil_run(folder, "one")
    escaped = "".join(f"\\U{ord(char):08x}" for char in EVIL)
    (folder / "study.yml").write_text(f'{{"{escaped}": "{escaped}"}}')
    return ["judge", "one", "--no-browser", "--study", "study.yml"]


def _recipe(folder: Path) -> list[str]:
    return ["train", f"{NAME}.yml"]


def _expect(folder: Path) -> list[str]:
    asked = _asked(folder, expect={"regex": EVIL + "("})
    return _collect("http://127.0.0.1:9", asked)


def _collect(url: str, asked: str) -> list[str]:
    return ["collect", "--base-url", url, "--tuned-url", url, "--prompts", asked, "--run", "first", "--attempts", "1"]


WAYS: dict[str, tuple[ReviewerQueue, str]] = {
    "report: names, categories, reviewers, prompt set": (_report, ""),
    "runs": (_runs, ""),
    "gate": (_gate, ""),
    "compare": (_compare, ""),
    "run.json": (_run_json, ""),
    "verdicts.csv": (_verdicts, NAME_SHOWN),
    "a CSV's header": (_csv_header, ""),
    "a file's name": (_file_name, NAME_SHOWN),
    "pairs": (_pairs, ""),
    "pairs of an unknown format": (_pairs_unknown, SHOWN),
    "too many arguments": (_usage, NAME_SHOWN),
    "an unknown option": (_option, NAME_SHOWN),
    "study.yml": (_study, r"\x1b]0;pwned\x07"),
    "a recipe": (_recipe, NAME_SHOWN),
    "expect": (_expect, ""),
}


def harmless(done: subprocess.CompletedProcess[str]) -> str:
    """What was printed; there is no byte in it that a terminal obeys, and no traceback."""
    printed = done.stdout + done.stderr
    unseen = {hex(ord(char)) for char in printed if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert unseen <= {hex(ord("\n"))}, printed
    assert "Traceback" not in printed
    return printed


@pytest.mark.parametrize(("way", "shown"), WAYS.values(), ids=WAYS.keys())
def test_what_files_and_arguments_say_commands_no_terminal(way: ReviewerQueue, shown: str, tmp_path: Path) -> None:
    printed = harmless(blindside(*way(tmp_path), cwd=tmp_path))
    assert printed.strip()
    assert shown in "".join(line.strip("│ ") for line in printed.splitlines())


@pytest.fixture
def evil_server() -> Iterator[Tgi]:
    with tgi(Tgi(f"model{EVIL}", info={"version": EVIL, "docker_label": EVIL})) as server:
        yield server


def test_what_a_server_says_of_itself_and_answers(evil_server: Tgi, tmp_path: Path) -> None:
    asked = _asked(tmp_path, EVIL, category=EVIL)
    assert SHOWN in harmless(blindside(*_collect(evil_server.url, asked), cwd=tmp_path))
    evil_server.info["version"] = "another" + EVIL
    harmless(blindside(*_collect(evil_server.url, asked), cwd=tmp_path))
    assert (
        EVIL
        in read_answers(open_run(tmp_path / "reports", "first").responses_path)
        .pairs(open_run(tmp_path / "reports", "first").prompts())[0]
        .base.text
    )
    evil_server.name = "another" + EVIL
    harmless(blindside(*_collect(evil_server.url, asked), cwd=tmp_path))


@pytest.mark.parametrize("status", [400, 404, 422, 500, 503])
def test_what_a_server_gives_as_its_error(status: int, tmp_path: Path) -> None:
    body = json.dumps({"error": f"no{EVIL}", "error_type": EVIL, "message": EVIL})
    trouble = always(lambda: web.Response(status=status, text=body, reason="no"))
    with tgi(Tgi("base", trouble=trouble)) as server:
        printed = harmless(blindside(*_collect(server.url, _asked(tmp_path, EVIL)), cwd=tmp_path))
    assert SHOWN in printed


def test_parity_names_the_servers_model_harmlessly(evil_server: Tgi, tmp_path: Path) -> None:
    done = blindside("parity", "--base-url", evil_server.url, "--tuned-url", evil_server.url, cwd=tmp_path)
    harmless(done)
