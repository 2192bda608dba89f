"""A real llama.cpp server, on the model whose answers a real TGI recorded, collected from and probed.

It needs an environment with PyPI's `xllamacpp` (llama.cpp's server) and `gguf` (which writes its files): `.venv-llama`,
or the one that BLINDSIDE_LLAMA_ENV names. They are 100 MB, and no dependency of ours.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from eval.answers import read_answers
from eval.collect.collect_options import CollectOptions
from eval.collect.collector import collect
from eval.collect.engines.connect import Address, connect
from eval.collect.engines.transport import Transport
from eval.collect.new_run import start_collected_run
from eval.collect.probing.llama_cpp import LlamaCppProber
from eval.collect.probing.open_prober import open_prober
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import EngineRejected, InputError
from eval.records import Message, Side
from eval.run import open_run
from eval.run_info import Decoding
from tests.collect.test_embedded import MODEL, recorded_answers
from tests.collect.test_prompts import write
from tests.support import ROOT, free_port

PYTHON = Path(os.environ.get("BLINDSIDE_LLAMA_ENV") or ROOT / ".venv-llama") / "bin" / "python"
CROATIA = (Message(role="user", content="What is the capital of Croatia?"),)
_SERVE = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port, params.hostnames = sys.argv[1], int(sys.argv[2]), ["127.0.0.1"]
params.n_ctx, params.n_parallel, params.n_gpu_layers, params.warmup = 512, 1, 0, False
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def installed() -> bool:
    code = "import gguf, xllamacpp"
    return PYTHON.is_file() and subprocess.run([PYTHON, "-c", code], capture_output=True, check=False).returncode == 0


@contextmanager
def serving_gguf(path: Path) -> Iterator[str]:
    """The address of a llama.cpp server on a file; it ends with its standard input."""
    command = [str(PYTHON), "-c", _SERVE, str(path), str(free_port())]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model as GGUF, as F16 and as Q8_0."""
    if not installed():
        pytest.skip("needs .venv-llama with xllamacpp and gguf: make env-llama")
    folder = tmp_path_factory.mktemp("gguf")
    made = {kind: folder / f"{kind}.gguf" for kind in ("f16", "q8_0")}
    for kind, path in made.items():
        command = [str(PYTHON), str(Path(__file__).with_name("gguf_model.py")), str(MODEL), str(path), kind]
        subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def urls(files: dict[str, Path]) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        yield {kind: stack.enter_context(serving_gguf(path)) for kind, path in files.items()}


async def test_what_it_says_of_itself(urls: dict[str, str], files: dict[str, Path]) -> None:
    for kind, url in urls.items():
        async with connect(url, seconds=60) as engine:
            answer = await engine.chat(CROATIA, 20)
            assert await engine.fit(CROATIA, 10_000) == 512 - 15
            with pytest.raises(EngineRejected, match="exceeds the available context size"):
                await engine.fit((Message(role="user", content="Zagreb " * 600),), 10)
        assert engine.info.name.startswith("llama.cpp ")
        assert engine.info.model_id == str(files[kind])
        told = {name: engine.info.served[name] for name in ("quantization", "n_ctx", "parameters")}
        assert told == {"quantization": kind.upper(), "n_ctx": 512, "parameters": 1772480}
        assert engine.info.served["meta"]["n_ctx_train"] == 1024
        assert (answer.text, answer.finish_reason) == ("The capital of Croatia is Zagreb.", "stop")
        assert (answer.prompt_tokens, answer.completion_tokens) == (15, 8)


def test_answers_equal_those_of_a_real_tgi(urls: dict[str, str], tmp_path: Path) -> None:
    recorded = recorded_answers()
    loaded = load_prompts(write(tmp_path / "prompts.jsonl", [{"prompt": text} for text in recorded]))
    both: dict[Side, Address] = {"base": urls["f16"], "tuned": urls["f16"]}
    run = start_collected_run(tmp_path, "real", loaded=loaded, decoding=Decoding(max_tokens=64), urls=both)
    summary = collect(run, both, options=CollectOptions(concurrency=1), say=lambda line: None)
    assert (summary.answered, summary.failed) == (2 * len(recorded), 0)
    for pair in read_answers(run.responses_path).pairs(run.prompts()):
        assert (pair.base.text, pair.tuned.text) == (recorded[pair.messages[-1].content],) * 2
    assert open_run(tmp_path, "real").info.models["base"].served["meta"]["ftype"] == "F16"


def test_q8_beside_f16_is_refused_unless_asked(urls: dict[str, str], tmp_path: Path) -> None:
    loaded = load_prompts(write(tmp_path / "p.jsonl", [{"prompt": CROATIA[0].content}]))
    both: dict[Side, Address] = {"base": urls["q8_0"], "tuned": urls["f16"]}
    with pytest.raises(InputError, match="the base is served as Q8_0 and the tuned model as F16"):
        start_collected_run(tmp_path, "r", loaded=loaded, decoding=Decoding(), urls=both)
    run = start_collected_run(tmp_path, "r", loaded=loaded, decoding=Decoding(max_tokens=20), urls=both, mixed=True)
    assert collect(run, both, options=CollectOptions(mixed=True), say=lambda line: None).answered == 2


async def test_parity_hears_its_template_and_its_tokens(urls: dict[str, str]) -> None:
    async with Transport(urls["f16"], timeout=60, connections=1) as transport:
        prober = await open_prober(transport)
        assert isinstance(prober, LlamaCppProber)
        text, ids = await prober.render([{"role": "user", "content": "What is the capital of Croatia?"}])
    assert text == "<|im_start|>user\nWhat is the capital of Croatia?<|im_end|>\n<|im_start|>assistant\n"
    assert (len(ids), ids[0]) == (15, 1022)
