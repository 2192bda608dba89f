"""Inside Axolotl: records every figure that the trainer logs, and scores the held-out pairs."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

from axolotl.utils.logging import get_logger
from transformers import TrainerCallback

from train.figures.protocol import SIZES

#: Read by train.progress.
LOG = get_logger("axolotl.figures")


class Record(TrainerCallback):  # type: ignore[misc]  # transformers is not in the small environment
    """Appends a JSON object a log line to `path`, and has the held-out pairs scored at the last step."""

    def __init__(self, path: Path, trainer: Any) -> None:
        self._path = path
        held_out = trainer.eval_dataset
        self._held_out = 0 if held_out is None else len(held_out)
        if self._held_out:
            trainer.args.eval_on_start = True
        if trainer.is_world_process_zero():
            self._path.write_text("", encoding="utf-8")
            self._write({SIZES: [len(trainer.train_dataset), self._held_out]})

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if self._held_out and state.global_step >= state.max_steps:
            control.should_evaluate = True
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if state.is_world_process_zero and logs:
            self._write({"step": state.global_step, **logs})
            LOG.info("%s", {"memory": f"{_memory():.2f}"})

    def _write(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _memory() -> float:
    """The most that was taken until now, in GiB: of the GPU, else of this process."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_reserved()) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
