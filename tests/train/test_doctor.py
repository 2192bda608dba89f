"""The doctor on machines of several kinds: its sentences, and real disks, ports, programs and a Hub on loopback."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from blindside.gpus import Gpu
from compose.embedded.rendering import render as as_tgi
from tests.support import free_port
from tests.train.families import FAMILIES
from tests.train.models import HF5, hf5_folder, load
from tests.train.models import recipe as tiny_recipe
from train.doctor.doctor import Machine, examine, look, ready
from train.errors import TrainError
from train.export.export import export
from train.export.rendering import render as as_transformers
from train.recipe import Recipe, find_recipe, read_recipe
from train.resources.findings import Finding, show
from train.resources.gpus import Engine, chosen_gpus, cuda
from train.resources.memory import GIB

FULL, QLORA, SMALL = "qwen2.5-3b-dpo", "qwen2.5-3b-qlora-dpo", "smollm2-135m-dpo"
H100 = Gpu(0, "NVIDIA H100 80GB HBM3", 81559 << 20, 81079 << 20, (9, 0))
A6000 = Gpu(0, "NVIDIA RTX A6000", 49140 << 20, 48500 << 20, (8, 6))
T4 = Gpu(0, "Tesla T4", 15360 << 20, 15100 << 20, (7, 5))
GPU_ENGINE = Engine("28.0", gpu_runtime=True)
TINY = {
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "intermediate_size": 512,
    "vocab_size": 1024,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
}


def machine(*gpus: Gpu, **changes: Any) -> Machine:
    return dataclasses.replace(Machine(gpus, (13, 0), GPU_ENGINE, 32 * GIB), **changes)


def recipe(name: str, **changes: Any) -> Recipe:
    found = read_recipe(find_recipe(name))
    return Recipe(found.name, found.path, {**found.config, **changes}, found.datasets)


def ask(asked: Recipe | None, seen: Machine, tmp_path: Path, **changes: Any) -> dict[str, Finding]:
    told = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"} | changes.pop("variables", {})
    options = {"models": tmp_path, "workspace": tmp_path / "none"} | changes
    return {one.name: one for one in examine(asked, machine=seen, variables=told, **options)}


@pytest.mark.parametrize(
    ("name", "gpu", "level"),
    [(FULL, H100, "ok"), (FULL, A6000, "warn"), (FULL, T4, "fail"), (QLORA, T4, "ok"), (QLORA, A6000, "ok")],
)
def test_memory_is_held_against_the_gpu(name: str, gpu: Gpu, level: str, tmp_path: Path) -> None:
    assert ask(recipe(name), machine(gpu), tmp_path)["memory"].level == level


def test_memory_is_told_with_its_table_and_a_remedy(tmp_path: Path) -> None:
    found = ask(recipe(FULL), machine(T4), tmp_path)["memory"]
    assert found.found == f"{FULL} needs up to 65.3 GiB (sizes as published) of the GPU; 15.0 GiB are available"
    assert found.remedy.startswith("weights and optimizer alone need 30.3 GiB: use the QLoRA recipe")
    assert [line.split()[0] for line in found.detail[:4]] == ["weights", "reference", "gradients", "optimizer"]
    shown = "\n".join(show([found]))
    assert "in all" in shown
    assert f"→ {found.remedy}" in shown


def test_a_gpu_in_use_is_told(tmp_path: Path) -> None:
    busy = dataclasses.replace(H100, free=20 << 30)
    found = ask(recipe(FULL), machine(busy), tmp_path)["memory"]
    assert (found.level, found.remedy[:23]) == ("warn", "only 20.0 GiB are free:")


def test_without_a_gpu_only_recipes_for_a_cpu_go(tmp_path: Path) -> None:
    alone = machine(cuda=None)
    found = ask(recipe(FULL), alone, tmp_path)
    assert (found["GPU"].level, found["memory"].level) == ("fail", "fail")
    assert found["memory"].remedy == "rent a GPU of 80 GB (docs/cloud.md)"
    assert ask(recipe(QLORA), alone, tmp_path)["memory"].remedy == "rent a GPU of 16 GB (docs/cloud.md)"
    assert "smollm2-135m-dpo" in found["GPU"].remedy
    found = ask(recipe(SMALL), alone, tmp_path)
    assert (found["GPU"].level, found["memory"].level) == ("ok", "ok")
    assert ask(recipe(SMALL), dataclasses.replace(alone, memory=2 * GIB), tmp_path)["memory"].level == "fail"
    assert ask(recipe(SMALL), dataclasses.replace(alone, memory=6 * GIB), tmp_path)["memory"].level == "warn"


def test_4_bit_weights_train_on_a_cpu_where_they_fit_and_that_is_slow(tmp_path: Path) -> None:
    alone, slow = machine(cuda=None), recipe(QLORA, bf16=False)
    found = ask(slow, alone, tmp_path)
    assert (found["GPU"].level, found["memory"].level) == ("warn", "ok")
    assert found["GPU"].found.endswith("4-bit weights train on the CPU, slowly")
    assert "of free memory" in found["memory"].found
    assert ask(slow, dataclasses.replace(alone, memory=2 * GIB), tmp_path)["memory"].level == "fail"
    for more in ({"bf16": "auto"}, {"optimizer": "paged_adamw_8bit"}, {"attn_implementation": "flash_attention_2"}):
        assert ask(recipe(QLORA, **{"bf16": False} | more), alone, tmp_path)["GPU"].level == "fail"


def test_an_old_gpu_has_no_flash_attention(tmp_path: Path) -> None:
    assert ask(recipe(FULL), machine(T4), tmp_path)["GPU"].level == "fail"
    assert ask(recipe(QLORA), machine(T4), tmp_path)["GPU"].level == "ok"


@pytest.mark.parametrize(
    ("version", "engine", "level"),
    [
        ((13, 0), GPU_ENGINE, "ok"),
        ((12, 4), GPU_ENGINE, "warn"),
        ((12, 4), Engine("28.0"), "ok"),
        ((12, 0), GPU_ENGINE, "fail"),
        (None, GPU_ENGINE, "warn"),
    ],
)
def test_cuda_is_new_enough(version: tuple[int, int] | None, engine: Engine, level: str, tmp_path: Path) -> None:
    found = ask(recipe(FULL), machine(H100, cuda=version, engine=engine), tmp_path)["CUDA"]
    assert (found.level, bool(found.remedy)) == (level, level != "ok")


def test_docker_is_told_with_what_it_lacks(tmp_path: Path) -> None:
    assert ask(None, machine(H100), tmp_path)["Docker"] == Finding(
        "Docker", "ok", "engine 28.0, with the GPU for containers"
    )
    found = ask(None, machine(H100, engine=Engine("28.0")), tmp_path)["Docker"]
    assert (found.level, "NVIDIA Container Toolkit" in found.remedy) == ("warn", True)
    found = ask(None, machine(engine=Engine(problem="no Docker engine answers")), tmp_path)["Docker"]
    assert (found.level, found.remedy) == ("warn", "no Docker engine answers")


def test_a_disk_that_is_too_small_is_told(tmp_path: Path) -> None:
    assert ask(recipe("tiny"), machine(), tmp_path)["disk"].level == "ok"
    found = ask(recipe(FULL, base_model="someone/Huge-100000B"), machine(H100), tmp_path)["disk"]
    assert (found.level, "about 1600001.0 GB are needed" in found.remedy) == ("fail", True)


def test_the_cache_belongs_on_the_volume(tmp_path: Path) -> None:
    volume = tmp_path / "workspace"
    volume.mkdir()

    def cache(**variables: str) -> Finding:
        return ask(recipe(FULL), machine(H100), tmp_path, workspace=volume, variables=variables)["HF_HOME"]

    assert cache(HF_HOME=str(volume / "huggingface")).level == "ok"
    assert cache(HF_HOME="").found == f"not set; training uses {volume / 'huggingface'}"
    found = cache(HF_HOME=str(tmp_path / "elsewhere"))
    assert found.level == "warn"
    assert found.remedy.startswith(f"`export HF_HOME={volume}/huggingface`")
    assert cache(HF_HOME="/proc/nobody").level == ("warn" if os.access("/proc", os.W_OK) else "fail")


def test_ports_are_really_tried(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        held = taken.getsockname()[1]
        found = ask(None, machine(), tmp_path, ports=(port, held))
    assert found[f"port {port}"].level == "ok"
    assert found[f"port {held}"] == Finding(
        f"port {held}",
        "warn",
        "Address already in use",
        "stop the program that uses it, or choose another port with PORT=",
    )


CONFIG = {
    "hidden_size": 64,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "intermediate_size": 128,
    "vocab_size": 99,
}


class Hub(BaseHTTPRequestHandler):
    """Answers as the Hub does; `Bearer right` may read what is gated."""

    def do_GET(self) -> None:
        right = self.headers.get("Authorization") == "Bearer right"
        table: dict[str, tuple[int, Any]] = {
            "/api/models?limit=1": (200, []),
            "/open/model/resolve/main/config.json": (307, "/cached/config.json"),
            "/cached/config.json": (200, CONFIG),
            "/gated/model/resolve/main/config.json": (200 if right else 401, {}),
            "/api/datasets/open/pairs": (200, {"gated": False}),
            "/api/datasets/gated/pairs": (200, {"gated": "auto"}),
        }
        status, body = table.get(self.path, (404, ""))
        if self.path.startswith("/saved/") and (HF5 / self.path.rpartition("/")[2]).exists():
            status, body = 200, json.loads((HF5 / self.path.rpartition("/")[2]).read_text(encoding="utf-8"))
            body |= {"vocab_size": None} if self.path == "/saved/broken/resolve/main/config.json" else {}
        self.send_response(status)
        if status == 307:
            self.send_header("Location", body)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_OFFLINE": ""}
        server.shutdown()
        thread.join()


def of_the_hub(model: str, data: str) -> Recipe:
    found = recipe(SMALL, base_model=model)
    return dataclasses.replace(found, datasets=(dataclasses.replace(found.datasets[0], path=data),))


def test_a_hub_that_gives_all_is_ok(hub: dict[str, str], tmp_path: Path) -> None:
    found = ask(of_the_hub("open/model", "open/pairs"), machine(), tmp_path, variables={**hub, "HF_TOKEN": "right"})
    assert "(sizes from the Hub)" in found["memory"].found
    assert found["Hub"].found == f"{hub['HF_ENDPOINT']} answers"
    assert "token" not in found


def test_the_export_is_tried_on_a_base_that_is_still_on_the_hub(hub: dict[str, str], tmp_path: Path) -> None:
    found = ask(of_the_hub("saved/model", "open/pairs"), machine(), tmp_path, variables=hub)
    assert found["export"].level == "ok"
    found = ask(of_the_hub("saved/broken", "open/pairs"), machine(), tmp_path, variables=hub)
    assert (found["export"].level, "vocab_size" in found["export"].found) == ("fail", True)
    assert "export" not in ask(of_the_hub("open/model", "open/pairs"), machine(), tmp_path, variables=hub)


@pytest.mark.parametrize(
    ("model", "data", "what"),
    [("gated/model", "open/pairs", "gated/model"), ("open/model", "gated/pairs", "datasets/gated/pairs")],
)
def test_gated_things_need_a_token(hub: dict[str, str], model: str, data: str, what: str, tmp_path: Path) -> None:
    asked = of_the_hub(model, data)
    found = ask(asked, machine(), tmp_path, variables=hub)["token"]
    assert found.level == "fail"
    assert found.remedy.endswith(f"set HF_TOKEN to a token that may read it at {hub['HF_ENDPOINT']}/{what}")
    assert "token" not in ask(asked, machine(), tmp_path, variables={**hub, "HF_TOKEN": "right"})
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("right\n")
    assert "token" not in ask(asked, machine(), tmp_path, variables=hub)


def test_terms_that_the_token_has_not_accepted_are_told(hub: dict[str, str], tmp_path: Path) -> None:
    asked, told = of_the_hub("gated/model", "open/pairs"), {**hub, "HF_TOKEN": "wrong"}
    found = ask(asked, machine(), tmp_path, variables=told)["token"]
    assert found.remedy == f"accept its terms at {hub['HF_ENDPOINT']}/gated/model"


def test_a_name_that_the_hub_has_not_is_told(hub: dict[str, str], tmp_path: Path) -> None:
    found = examine(
        of_the_hub("no/model", "open/pairs"), machine=machine(), models=tmp_path,
        variables={**hub, "HF_HOME": str(tmp_path)}, workspace=tmp_path / "none",
    )  # fmt: skip
    assert Finding("Hub", "fail", "the Hub has no no/model", "check the name in the recipe") in found


def test_a_hub_that_does_not_answer_is_told_unless_all_is_here(tmp_path: Path) -> None:
    asked, told = of_the_hub("open/model", "open/pairs"), {"HF_ENDPOINT": "http://127.0.0.1:1", "HF_HUB_OFFLINE": ""}
    found = ask(asked, machine(), tmp_path, variables=told)["Hub"]
    assert (found.level, found.found) == (
        "fail",
        "http://127.0.0.1:1 does not answer; not here: open/model, open/pairs",
    )
    for name in ("models--open--model", "datasets--open--pairs"):
        folder = tmp_path / "hf" / "hub" / name / "snapshots" / "abc"
        folder.mkdir(parents=True)
        (folder / "file").write_text("")
    assert ask(asked, machine(), tmp_path, variables=told)["Hub"].level == "warn"


def test_a_training_stops_on_what_surely_breaks_and_says_the_rest(tmp_path: Path) -> None:
    def stop(name: str, seen: Machine, **changes: Any) -> list[str]:
        said: list[str] = []
        told = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
        ready(recipe(name, **changes), tmp_path, said.append, machine=seen, variables=told)
        return said

    base = hf5_folder(tmp_path / "tiny-base")

    with pytest.raises(TrainError, match=r"^GPU: none that nvidia-smi lists, and qwen2\.5-3b-dpo needs one; rent one"):
        stop(FULL, machine())
    with pytest.raises(TrainError, match=r"^memory: .* are available; weights and optimizer alone need 30\.3 GiB"):
        stop(FULL, machine(dataclasses.replace(T4, capability=(8, 0))))
    said = stop(FULL, machine(A6000))
    assert said[0].startswith("  note: memory: qwen2.5-3b-dpo needs up to 65.3 GiB")
    assert said[-1].startswith("  note: Hub: HF_HUB_OFFLINE is set; not here: Qwen/Qwen2.5-3B-Instruct")
    assert stop("tiny", machine(), base_model=str(base)) == []


SMI = """#!/bin/sh
case "$*" in
  *compute_cap*) printf '%s\\n' "0, 9.0" "1, 7.5" ;;
  *--query-gpu=*) printf '%s\\n' "0, NVIDIA H100 80GB HBM3, 81559, 81079" "1, Tesla T4, 15360, 15100" ;;
  *) echo '| NVIDIA-SMI 580.65.06    Driver Version: 580.65.06    CUDA Version: 13.0     |' ;;
esac
"""


def test_gpus_are_read_from_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia-smi").write_text(SMI)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert chosen_gpus() == (H100, dataclasses.replace(T4, index=1))
    assert cuda() == (13, 0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [gpu.name for gpu in chosen_gpus()] == ["Tesla T4"]
    assert [gpu.name for gpu in look().gpus] == ["Tesla T4"]


def test_a_docker_that_does_not_answer_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    problem = look().engine.problem
    assert problem.startswith(f"cannot connect to the Docker engine at unix://{tmp_path}/none.sock: start it")


SYSTEM = {"role": "system", "content": "Be brief."}
HELLO, HI = {"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hi."}
DATED = (
    "{% if messages[0]['role'] != 'system' %}{{ 'Today is ' + strftime_now('%d %B %Y') + '. ' }}{% endif %}"
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '<|im_end|>' }}{% endfor %}"
)


def with_template(tmp_path: Path, template: str, *conversations: list[dict[str, str]]) -> Recipe:
    """A recipe over pairs with these conversations, of a base with this template."""
    base = hf5_folder(tmp_path / "base")
    (base / "chat_template.jinja").write_text(template, encoding="utf-8")
    rows = [
        {"messages": turns, "chosen": HI, "rejected": {"role": "assistant", "content": str(n)}}
        for n, turns in enumerate(conversations)
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_recipe(tiny_recipe(tmp_path, base))


@pytest.mark.parametrize(
    ("raises", "turns", "roles"),
    [
        ("messages[0]['role'] == 'system'", [SYSTEM, HELLO], "system, user"),
        ("messages | length > 3", [HELLO, HI, HELLO, HI, HELLO], "user, assistant, user, assistant, user"),
    ],
    ids=["system", "many turns"],
)
def test_turns_that_the_template_refuses_are_told_before_training(
    raises: str, turns: list[dict[str, str]], roles: str, tmp_path: Path
) -> None:
    template = "{% if " + raises + " %}{{ raise_exception('not such turns') }}{% endif %}" + DATED
    asked = with_template(tmp_path, template, [HELLO, HI, HELLO], turns)
    found = ask(asked, machine(), tmp_path)["template"]
    assert (found.level, found.found) == (
        "fail",
        f"the base's template refuses the turns of {tmp_path}/pairs.jsonl:2 ({roles}): not such turns",
    )
    with pytest.raises(TrainError, match="remove such pairs, or move a system turn's text into the user's turn"):
        ready(asked, tmp_path, lambda line: None, machine=machine(), variables={"HF_HUB_OFFLINE": "1"})


@pytest.mark.parametrize(
    ("template", "turns", "level", "remedy"),
    [
        (DATED, [HELLO], "warn", "add a system turn to pairs and prompts: then it writes no date"),
        (DATED, [SYSTEM, HELLO], "ok", ""),
        ("{{ strftime_now('%Y') }}" + DATED, [SYSTEM, HELLO], "warn", "collect both sides on the same day; the model "
         "is served with another date than it was trained with"),
    ],
    ids=["without a system turn", "not written", "always"],
)  # fmt: skip
def test_a_template_that_writes_the_date_is_told(
    template: str, turns: list[dict[str, str]], level: str, remedy: str, tmp_path: Path
) -> None:
    found = ask(with_template(tmp_path, template, turns), machine(), tmp_path)["template"]
    assert (found.level, found.remedy) == (level, remedy)


def test_a_thinking_switch_that_servers_pass_over_is_refused_and_the_remedy_reaches_all(tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(FAMILIES / "qwen3" / "hf5", base)
    template = (base / "chat_template.jinja").read_text(encoding="utf-8")
    asked = recipe(SMALL, base_model=str(base), chat_template_kwargs={"enable_thinking": False})
    found = ask(asked, machine(H100), tmp_path)["template"]
    line = "{%- set enable_thinking = false %}"
    assert (found.level, line in found.remedy) == ("fail", True)
    assert "template" not in ask(recipe(SMALL, base_model=str(base)), machine(H100), tmp_path)

    values = {"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": True}
    wanted = as_transformers({"source": template, "values": {**values, "enable_thinking": False}})
    assert wanted != as_transformers({"source": template, "values": values})
    (base / "chat_template.jinja").write_text(line + template, encoding="utf-8")
    export(base, base, tmp_path / "x")
    served = load(tmp_path / "x" / "tokenizer_config.json")["chat_template"]
    # TGI hands on no such value, vLLM whichever is asked for.
    assert as_tgi({"source": served, "values": values}) == wanted
    assert as_transformers({"source": served, "values": {**values, "enable_thinking": True}}) == wanted
