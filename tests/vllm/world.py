"""A real vLLM on two tiny models: one as an export writes it, one as transformers 5 saves it, with another rope."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from compose.machine import Machine
from compose.plan import choose_plan
from compose.stack import Model
from compose.vllm import VllmStack
from eval.collect.parity.parity import ParityReport, check_parity
from eval.records import Side
from eval.run_info import ModelInfo
from tests.collect import models
from tests.collect.other_engines import Echo, Front, LlamaCpp, Sglang, fronting
from tests.collect.parity_world import PROMPTS
from tests.compose.replay import DATA
from tests.compose.servers import change, need_train
from tests.support import ROOT, require
from tests.warm.warm import train_python
from train.files import sha256_file

VLLM_PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
#: Other engines, each in front of the vLLM of its side.
OTHERS: Mapping[str, type[Front]] = {"SGLang": Sglang, "llama.cpp": LlamaCpp, "echo": Echo}
USUAL_THETA = 10000.0


def need_vllm() -> None:
    require((VLLM_PYTHON.parent.parent / ".ready").is_file(), "needs .venv-vllm (make env-vllm builds it)")


def as_saved(folder: Path, exported: Path) -> Path:
    """The folder as transformers 5 saves it, with the weights of `exported`."""
    shutil.copytree(DATA / "model-hf5", folder)
    shutil.copy(exported / "model.safetensors", folder)
    return folder


@dataclass(frozen=True)
class World:
    """`urls` has vLLM's address by side; `fronts` those of the other engines, by side and name.

    `tuned` is as transformers 5 saves it; `exported` the same model as an export writes it.
    """

    base: Path
    tuned: Path
    exported: Path
    urls: Mapping[Side, str]
    fronts: Mapping[Side, Mapping[str, str]]
    engine: str
    said: tuple[str, ...]

    @property
    def folders(self) -> dict[Side, Path]:
        return {"base": self.base, "tuned": self.tuned}

    def served_at(self, side: Side) -> list[str]:
        """vLLM, SGLang, llama.cpp, echo: all of them serve the side's model."""
        return [self.urls[side], *self.fronts[side].values()]

    def check(self, urls: Mapping[Side, str | list[str]], saved: Mapping[Side, Path] | None = None) -> ParityReport:
        """Parity with the folders of `saved`, by default those that are served."""
        folders = {**self.folders, **(saved or {})}
        infos = {side: _info(folder) for side, folder in folders.items()}
        expected = {side: str(folder) for side, folder in self.folders.items()}
        return check_parity(urls, infos, PROMPTS, python=train_python(), expected_ids=expected, say=lambda line: None)


def _info(folder: Path) -> ModelInfo:
    return ModelInfo(name=folder.name, source=str(folder), template_sha256=sha256_file(folder / "chat_template.jinja"))


@contextmanager
def serving_world(parent: Path) -> Iterator[World]:
    need_train()
    need_vllm()
    base = models.base(parent)
    exported = models.rope(models.tuned(base), "exported", theta=USUAL_THETA)
    tuned = as_saved(parent / "saved", exported)
    change(tuned / "config.json", rope_parameters={"rope_type": "default", "rope_theta": USUAL_THETA})
    sides = [Model("base", str(base)), Model("tuned", str(tuned))]
    plan = choose_plan("vllm", models=sides, machine=Machine(), vllm=True)
    said: list[str] = []
    stack = VllmStack(sides, plan=plan, python=VLLM_PYTHON, logs=parent / "logs", startup_seconds=600, say=said.append)
    with ExitStack() as fronts, stack:
        urls: dict[Side, str] = {"base": stack.urls["base"], "tuned": stack.urls["tuned"]}
        made = {
            side: {
                name: fronts.enter_context(fronting(kind, urls[side], stack.served[side]))
                for name, kind in OTHERS.items()
            }
            for side in urls
        }
        yield World(base, tuned, exported, urls, made, stack.engine, tuple(said))
