"""Held-out pairs scored by real engines: the sums are transformers' own, and what cannot be scored is reported."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.collect.model_tasks.held_out import HeldOut, read_held_out
from eval.collect.model_tasks.held_out import score_preferences as score
from eval.collect.model_tasks.rows import Preference, preferences_path, read_preferences
from eval.errors import EngineError, InputError
from eval.records import Side
from tests.collect import models
from tests.collect.openai_servers import OpenAi, openai
from tests.compose.servers import need_train, serve
from tests.judge.runs import make_run
from tests.warm.warm import train_python

pytestmark = pytest.mark.train

ROWS: list[dict[str, object]] = [
    {
        "messages": [{"role": "user", "content": "What is the capital of Croatia?"}],
        "chosen": "Zagreb.",
        "rejected": "March, and more of it.",
    },
    {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "The opposite of hot?"}],
        "chosen": {"role": "assistant", "content": "Cold."},
        "rejected": [{"role": "assistant", "content": " Austria\n\nor not."}],
        "source": "elsewhere",
    },
]
REFERENCE = """
import json, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
sums = []
for pair in json.load(sys.stdin):
    prompt = tokenizer.apply_chat_template(pair["messages"], tokenize=False, add_generation_prompt=True)
    start = len(tokenizer(prompt, add_special_tokens=False).input_ids)
    for answer in (pair["chosen"], pair["rejected"]):
        ids = torch.tensor([tokenizer(prompt + answer, add_special_tokens=False).input_ids])
        logs = torch.log_softmax(model(ids).logits[0].double(), -1)
        sums.append(sum(logs[n - 1, ids[0, n]].item() for n in range(start, ids.shape[1])))
print(json.dumps(sums))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    need_train()
    parent = tmp_path_factory.mktemp("preferences")
    models.tuned(models.base(parent))
    lines = {name: ["--model-id", str(parent / name), "--enable-prefill-logprobs"] for name in ("base", "tuned")}
    lines["silent"] = lines["tuned"][:-1]
    with serve(*lines.values(), cwd=parent) as urls:
        yield parent, dict(zip(lines, urls, strict=True))


def held_out(folder: Path, rows: list[dict[str, object]] | None = None) -> list[HeldOut]:
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows or ROWS), encoding="utf-8")
    return read_held_out(path)


def by_transformers(folder: Path, pairs: list[HeldOut]) -> list[float]:
    given = json.dumps([pair.model_dump() for pair in pairs])
    done = subprocess.run(
        [train_python(), "-c", REFERENCE, folder], input=given, capture_output=True, text=True, check=True
    )
    sums: list[float] = json.loads(done.stdout.splitlines()[-1])
    return sums


def test_sums_are_those_of_transformers(served: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    parent, urls = served
    run, pairs = make_run(tmp_path), held_out(tmp_path)
    rows = score(run, pairs, {"base": urls["base"], "tuned": urls["tuned"]})
    assert [(row.pair, row.side) for row in rows] == [(p.id, side) for p in pairs for side in ("base", "tuned")]
    sides: tuple[Side, ...] = ("base", "tuned")
    for side in sides:
        found = [value for row in rows if row.side == side for value in (row.chosen, row.rejected)]
        assert found == pytest.approx(by_transformers(parent / side, pairs), abs=1e-3)
    assert rows[0].chosen != pytest.approx(rows[1].chosen, abs=1e-3)
    assert read_preferences(run) == rows


def test_a_pair_that_is_too_long_is_left_out_on_both_sides(served: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    _, urls = served
    long = {**ROWS[0], "chosen": "Zagreb " * 2000}
    said: list[str] = []
    rows = score(
        make_run(tmp_path),
        held_out(tmp_path, [*ROWS, long]),
        {"base": urls["base"], "tuned": urls["tuned"]},
        say=said.append,
    )
    assert len(rows) == 4
    assert said == ["1 of 3 held-out pairs are left out: a server refused them (too long)"]


def test_a_server_that_cannot_say_is_named(served: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    _, urls = served
    run, pairs = make_run(tmp_path), held_out(tmp_path)
    with pytest.raises(EngineError, match="gives no log-probabilities of a prompt: start it with --enable-prefill"):
        score(run, pairs, {"base": urls["base"], "tuned": urls["silent"]})
    assert not preferences_path(run).exists()


def test_what_is_no_pair_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    for text, problem in (
        ('{"messages": [], "chosen": "a", "rejected": "b"}', "pairs.jsonl:1: messages: "),
        ('\n{"messages": [{"role": "user", "content": "a"}], "chosen": "a"}', "pairs.jsonl:2: rejected: "),
        ("[1]", "pairs.jsonl:1: is not an object"),
        ("{", "pairs.jsonl:1: is not JSON"),
        ("\n", "holds no pair"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=problem):
            read_held_out(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_held_out(tmp_path / "none.jsonl")


def test_a_changed_number_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    row = Preference(run="trial", pair="p", side="base", chosen=-1.5, rejected=-2.0, chosen_tokens=3, rejected_tokens=4)
    preferences_path(run).write_text(
        ",".join(Preference.model_fields) + "\n" + ",".join(map(str, row.model_dump().values())) + "\n"
    )
    assert read_preferences(run) == [row]
    preferences_path(run).write_text(preferences_path(run).read_text().replace("-1.5", "nan"))
    with pytest.raises(InputError, match=r"preferences\.csv:2: chosen: "):
        read_preferences(run)


def test_a_server_that_can_only_chat_is_refused(tmp_path: Path) -> None:
    with (
        openai(OpenAi("model")) as server,
        pytest.raises(EngineError, match="can't be scored behind one"),
    ):
        score(make_run(tmp_path), held_out(tmp_path), {"base": server.url, "tuned": server.url})
