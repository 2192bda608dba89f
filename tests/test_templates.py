"""Chat templates that loop without end or fill the memory: wherever one is rendered, a sentence, and work continues."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blindside.sandbox import MEGABYTES, SECONDS, LimitExceeded, Worker, WorkFailed
from eval.collect.parity.reference import ask_references
from eval.records import Side
from tests.compose.servers import MODEL, change, need_train, serve
from tests.support import ROOT, TRAIN_PYTHON
from train.errors import ExportError
from train.export.template import end_of_turn, first_difference
from train.pairs.survey.counting import TokenCounter
from train.recipe import read_recipe
from train.reference.protocol import Job

PLAIN = "{% for m in messages %}{{ m.role }}: {{ m.content }}<|im_end|>\n{% endfor %}"
LONG, LARGE = f"takes more than {SECONDS} s", f"takes more than {MEGABYTES} MB"
LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
DOUBLED = "{% set n = namespace(t='ab') %}{% for a in range(99) %}{% set n.t = n.t ~ n.t %}{% endfor %}"
#: What a template may hold, and of what it is too much.
ATTACKS = {
    "loops": (LOOPS, LONG),
    "a power": ("{{ 9 ** (9 ** 9) }}", "takes more than"),
    "a power of what comes": ("{{ (messages | length + 8) ** (9 ** 9) }}", "takes more than"),
    "a long text": ("{{ 'a' * 10 ** 9 }}", LARGE),
    "texts that double": (
        "{% set n = namespace(t='ab') %}{% for a in range(99) %}{% set n.t = n.t ~ n.t %}{% endfor %}",
        LARGE,
    ),
    "a wide column": ("{{ 'a' | center(10 ** 9) }}", LARGE),
    "a wide number": ("{{ '%01000000000d' % 1 }}", LARGE),
    "a long list": ("{{ (messages * 10 ** 9) | length }}", LARGE),
}


#: Whatever is ended for its time takes all of it: loops are tried below, where the engine and an export render.
IN_A_CHILD = [
    pytest.param(
        "train.export.rendering", name, marks=[pytest.mark.slow] if name.startswith("a power") else [], id=name
    )
    for name in ATTACKS
    if name != "loops"
]


@pytest.mark.parametrize(("module", "attack"), [*IN_A_CHILD, ("compose.embedded.rendering", "a long text")])
def test_a_child_is_ended_and_the_next_call_is_answered(module: str, attack: str) -> None:
    source, said = ATTACKS[attack]
    worker = Worker(module)
    values = {"messages": [{"role": "user", "content": "a"}]}
    try:
        with pytest.raises(LimitExceeded) as caught:
            worker.ask({"source": source, "values": values})
        assert str(caught.value).startswith(said)
        for _ in range(2):
            assert worker.ask({"source": PLAIN, "values": values}).strip() == "user: a<|im_end|>"
        with pytest.raises(WorkFailed, match="no more"):
            worker.ask({"source": "{{ raise_exception('no more') }}", "values": values})
        with pytest.raises(WorkFailed, match="division"):
            worker.ask({"source": "{{ 1 / 0 }}", "values": values})
    finally:
        worker.close()


@pytest.mark.slow
def test_a_child_ends_with_what_started_it(tmp_path: Path) -> None:
    """Also where it was killed in the middle of a rendering: the kernel's limit ends the child."""
    code = (
        "import os, threading, time\nfrom blindside.sandbox import Worker\nworker = Worker('train.export.rendering')\n"
        "worker.ask({'source': 'a', 'values': {}})\nprint(worker._process.pid, flush=True)\n"
        f"threading.Thread(target=worker.ask, args=({{'source': {LOOPS!r}, 'values': {{}}}},)).start()\n"
        "time.sleep(0.3)\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [TRAIN_PYTHON, "-P", "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    child = Path(f"/proc/{int(done.stdout)}")
    while child.exists() and "(zombie)" not in (child / "status").read_text():
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("attack", "call"),
    [
        pytest.param("loops", lambda source: first_difference(PLAIN, source, {}), marks=pytest.mark.slow),
        ("a long text", lambda source: first_difference(PLAIN, source, {})),
        ("a long text", lambda source: end_of_turn(source, {}, {})),
    ],
)
def test_of_an_export_it_is_one_sentence(attack: str, call: Callable[[str], Any]) -> None:
    source, said = ATTACKS[attack]
    with pytest.raises(ExportError) as caught:
        call(source)
    assert str(caught.value).startswith(f"the chat template {said}")
    assert caught.value.field == "chat_template"


def test_templates_are_compared_as_before() -> None:
    assert first_difference(PLAIN, PLAIN + "{# the same #}", {}) is None
    assert first_difference(PLAIN, PLAIN.replace(": ", "= "), {}) is not None
    assert end_of_turn(PLAIN, {}, {"<|im_end|>": 7, "<|im": 8}) == 7
    assert end_of_turn("{{ raise_exception('no') }}", {}, {"<|im_end|>": 7}) is None


def folder(parent: Path, template: str) -> Path:
    made = parent / "model"
    shutil.copytree(MODEL, made)
    (made / "chat_template.jinja").write_text(template, encoding="utf-8")
    change(made / "tokenizer_config.json", chat_template=template)
    return made


@pytest.mark.train
def test_the_reference_says_it_and_goes_on(tmp_path: Path, warm: Path) -> None:
    """A power takes its time where the template is compiled, a long text where it is rendered."""
    attacks: dict[Side, tuple[str, str]] = {"base": ATTACKS["a power"], "tuned": ATTACKS["a long text"]}
    chats = [[{"role": "user", "content": "a"}]]
    jobs = {
        side: Job(model=str(folder(tmp_path / side, source)), chats=chats, texts=["a text"])
        for side, (source, _) in attacks.items()
    }
    references = ask_references(warm, jobs, 0)
    for side, (_, said) in attacks.items():
        found = references[side]
        assert found.missing == ""
        assert found.renderings[0].error.startswith(f"the chat template {said}")
        assert found.texts == [found.texts[0]] != [[]]


@pytest.mark.train
@pytest.mark.parametrize(("source", "said"), [ATTACKS["loops"], ATTACKS["a long text"]])
def test_counting_tokens_says_it(source: str, said: str, tmp_path: Path, warm: Path) -> None:
    made = folder(tmp_path, source)
    recipe = tmp_path / "mine.yml"
    recipe.write_text(f"base_model: {made}\noutput_dir: o\ndatasets: [{{path: p, type: chat_template.default}}]\n")
    with TokenCounter(read_recipe(recipe), warm.parents[1]) as counter:
        counter.add(1, [{"role": "user", "content": "a"}], "b", "c")
        counted = counter.result()
    assert counted.error.startswith(f"the chat template {said}")


def post(url: str, body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


#: Harmless until somebody asks for it.
ASKED = (
    PLAIN
    + "{% if messages[0].content == 'loop' %}"
    + LOOPS
    + "{% endif %}"
    + ("{% if messages[0].content == 'long' %}{{ 'a' * 10 ** 9 }}{% endif %}")
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need_train()
    parent = tmp_path_factory.mktemp("templates")
    with serve(["--model-id", str(folder(parent, ASKED)), "--port", "0"], cwd=parent) as urls:
        yield urls[0]


@pytest.mark.train
@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("/v1/chat/completions", "loop", LONG),
        ("/v1/chat/completions", "long", LARGE),
        ("/chat_tokenize", "long", LARGE),
    ],
)
def test_the_embedded_engine_answers_422_and_serves_on(path: str, content: str, said: str, server: str) -> None:
    status, body = post(server + path, {"messages": [{"role": "user", "content": content}], "max_tokens": 1})
    assert (status, body["error_type"]) == (422, "template_error")
    assert body["error"].startswith(f"Template error: the chat template {said}")
    status, body = post(server + path, {"messages": [{"role": "user", "content": "a"}], "max_tokens": 1})
    assert status == 200


@pytest.mark.train
def test_what_is_no_template_is_told_at_the_start(tmp_path: Path, warm: Path) -> None:
    made = str(folder(tmp_path, "{% for %}"))
    command = [str(warm), "-P", "-m", "compose.embedded", "--model-id", made, "--port", "0"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.endswith("cannot be served: Expected an expression, got 'end of statement block'\n")
    assert "Traceback" not in done.stderr
