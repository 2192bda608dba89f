"""A real OpenAI-compatible server, `transformers serve`, on the model whose answers a real TGI recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

from eval.answers import read_answers
from eval.collect.collect_options import CollectOptions
from eval.collect.collector import collect
from eval.collect.engines.connect import Address, connect
from eval.collect.engines.model_list import Software
from eval.collect.engines.openai import OpenAiEngine
from eval.collect.engines.protocol import EngineInfo
from eval.collect.engines.transport import Transport
from eval.collect.new_run import start_collected_run
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import EngineError, EngineRejected, InputError
from eval.records import Message, Side
from eval.run import open_run
from eval.run_info import Decoding
from tests.collect.asks import HI, ask
from tests.collect.test_embedded import MODEL, recorded_answers
from tests.collect.test_prompts import write
from tests.support import TRAIN_PYTHON, free_port, require

pytestmark = pytest.mark.train
NAMES = ("org/base", "org/tuned")


def hub_cache(folder: Path) -> Path:
    """A cache of the Hub that holds the model under each of the names."""
    for name in NAMES:
        repository = folder / f"models--{name.replace('/', '--')}"
        commit = "0123456789abcdef0123456789abcdef01234567"
        shutil.copytree(MODEL, repository / "snapshots" / commit)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(commit)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one server that serves whatever is in its cache."""
    there = TRAIN_PYTHON.is_file() and any(TRAIN_PYTHON.parents[1].glob("lib/python*/site-packages/openai"))
    require(there, "needs .venv-train with transformers[serving]")
    folder = tmp_path_factory.mktemp("serve")
    url = f"http://127.0.0.1:{free_port()}"
    command = [str(TRAIN_PYTHON.with_name("transformers")), "serve", "--port", url.rpartition(":")[2]]
    command += ["--host", "127.0.0.1", "--device", "cpu"]
    environment = {
        **os.environ,
        "HF_HUB_CACHE": str(hub_cache(folder / "hub")),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    log = folder / "log"
    with log.open("wb") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:
        try:
            _wait(url, process, log)
            yield url
        finally:
            process.kill()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    opener, deadline = build_opener(ProxyHandler({})), time.monotonic() + 120
    while True:
        try:
            with opener.open(f"{url}/health", timeout=5):
                return
        except (URLError, OSError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)


async def test_of_its_models_one_must_be_named(server: str) -> None:
    with pytest.raises(InputError, match=r"serves 2 models \(.*org/.*\): append the right name to the address"):
        await ask(server, seconds=60)


async def test_what_it_says_of_itself(server: str) -> None:
    async with connect(f"{server}/v1#org/tuned", seconds=60) as engine:
        answer = await engine.chat((Message(role="user", content="What is the capital of Croatia?"),), 20)
    assert (engine.info.name, engine.info.model_id) == ("OpenAI-compatible server", "org/tuned")
    assert (answer.text, answer.finish_reason) == ("The capital of Croatia is Zagreb.", "stop")
    assert (answer.prompt_tokens, answer.completion_tokens) == (15, 8)


async def test_a_folder_that_it_lists_nowhere_is_served_by_its_name(server: str) -> None:
    answer = await ask(f"{server}#{MODEL}", max_tokens=2, seconds=60)
    assert (answer.finish_reason, answer.completion_tokens) == ("length", 2)


async def test_a_model_that_it_has_not_is_one_sentence(server: str) -> None:
    with pytest.raises(EngineError, match=r"failed \(500\): 'Internal Server Error'"):
        await ask(f"{server}#org/other", seconds=60)


async def test_fields_that_it_does_not_know_would_be_refused(server: str) -> None:
    """So what is sent to servers that we know is not sent to this one."""
    info = EngineInfo(name="", model_id="org/base", revision=None, max_concurrent=None)
    async with Transport(server, timeout=60, connections=1) as transport:
        engine = OpenAiEngine(transport, info, Software(plain={"repetition_penalty": 1.0}))
        with pytest.raises(
            EngineRejected, match=r"refused the request \(422\): Unexpected fields .*repetition_penalty"
        ):
            await engine.chat(HI, 2)


def test_answers_equal_those_of_a_real_tgi(server: str, tmp_path: Path) -> None:
    recorded = recorded_answers()
    loaded = load_prompts(write(tmp_path / "prompts.jsonl", [{"prompt": text} for text in recorded]))
    urls: dict[Side, Address] = {"base": f"{server}#org/base", "tuned": f"{server}#org/tuned"}
    run = start_collected_run(tmp_path, "real", loaded=loaded, decoding=Decoding(max_tokens=64), urls=urls)
    summary = collect(run, urls, options=CollectOptions(concurrency=4), say=lambda line: None)
    assert (summary.answered, summary.failed) == (2 * len(recorded), 0)
    for pair in read_answers(run.responses_path).pairs(run.prompts()):
        assert (pair.base.text, pair.tuned.text) == (recorded[pair.messages[-1].content],) * 2
        assert pair.base.finish_reason == "stop"
    models = open_run(tmp_path, "real").info.models
    assert [models[side].name for side in urls] == ["org/base", "org/tuned"]
