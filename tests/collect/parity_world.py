"""Two tiny models and their servers, saved and served with whatever fault a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eval.collect.parity.parity import ParityReport, check_parity
from eval.records import Prompt, Side
from eval.run_info import ModelInfo
from tests.collect import models
from tests.warm.warm import train_python
from train.files import sha256_file

SCALED: dict[str, Any] = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


def _prompt(name: str, *turns: tuple[str, str]) -> Prompt:
    return Prompt.model_validate({"id": name, "messages": [{"role": role, "content": text} for role, text in turns]})


PROMPTS = [
    _prompt("capital", ("user", "What is the capital of Croatia?")),
    _prompt("opposite", ("user", "Please: what is the opposite of hot, and what is the opposite of small?")),
    _prompt("turns", ("system", "Be brief."), ("user", "1+1?"), ("assistant", "2."), ("user", "What is the capital?")),
    _prompt("long", ("user", "Name the capital of Portugal. " * 12)),
]


class World:
    """Folders and the servers that serve them, all in one process."""

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self.base = models.base(parent)
        self.tuned = models.tuned(self.base)
        template = models.template_of(self.base)
        self.scaled = models.rope(self.base, "scaled", **SCALED)
        self.bos = models.with_bos(self.base, "bos")
        self.no_eos = models.ends(self.tuned, "no-eos", None)
        self.int_eos = models.ends(self.tuned, "int-eos", 1023)
        self.unending = models.unending(self.base, "unending", (1021, 1023))
        models.earlier(self.base, self.tuned)
        models.rope(self.base, "theta", theta=10000.0)
        models.rope(self.base, "unscaled")
        models.templated(self.tuned, "no-template", None)
        models.templated(self.base, "space", template.replace("'\\n' + message", "'\\n ' + message"))
        self.urls: dict[str, str] = {}

    def command_lines(self) -> dict[str, list[str]]:
        folders = sorted(path for path in self.parent.iterdir() if path.is_dir())
        usual = {path.name: ["--model-id", str(path), "--enable-prefill-logprobs"] for path in folders}
        half = {f"{name} in bfloat16": [*usual[name], "--dtype", "bfloat16"] for name in ("base", "tuned", "theta")}
        return usual | half | {"tuned without prefill": usual["tuned"][:-1]}

    def check(
        self,
        served: Mapping[Side, str | list[str]],
        saved: Mapping[Side, Path] | None = None,
        *,
        dtype: str = "float32",
        memory: int | None = None,
        python: Path | None = None,
        quick: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> ParityReport:
        """Parity of servers, given by name; /info is expected to name whatever they serve."""
        folders = saved or {"base": self.base, "tuned": self.tuned}
        infos = {side: _info(folder) for side, folder in folders.items()}
        urls = {s: self.urls[n] if isinstance(n, str) else [self.urls[m] for m in n] for s, n in served.items()}
        expected = {s: str(self.parent / n.split(" ")[0]) for s, n in served.items() if isinstance(n, str)}
        return check_parity(
            urls,
            infos,
            PROMPTS,
            python=python or train_python(),
            dtype=dtype,
            expected_ids=expected,
            memory=memory,
            quick=quick,
            say=say,
        )


def _info(folder: Path) -> ModelInfo:
    return ModelInfo(name=folder.name, source=str(folder), template_sha256=sha256_file(folder / "chat_template.jinja"))
