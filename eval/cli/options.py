"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Reports = Annotated[
    Path,
    typer.Option("--reports", envvar="BLINDSIDE_REPORTS", help="Folder that contains the runs."),
]
Models = Annotated[
    Path,
    typer.Option("--models", envvar="BLINDSIDE_MODELS", help="Folder that contains the models."),
]
TrainEnv = Annotated[
    Path, typer.Option("--train-env", envvar="BLINDSIDE_TRAIN_ENV", help="The environment that has Axolotl.")
]
VllmEnv = Annotated[
    Path, typer.Option("--vllm-env", envvar="BLINDSIDE_VLLM_ENV", help="The environment that has vLLM (ENGINE=vllm).")
]
RunArgument = Annotated[str, typer.Argument(help="The run's name; default: the most recently used run.")]
Engine = Annotated[str, typer.Option(help="auto, docker, vllm or embedded.")]
Server = Annotated[str, typer.Option(help="In Docker: auto, tgi, vllm or sglang.")]
Sequential = Annotated[bool, typer.Option("--sequential", help="Serve one side after the other.")]
Force = Annotated[bool, typer.Option("--force", help="Continue despite failed parity (it is recorded).")]
QuickParity = Annotated[bool, typer.Option("--quick-parity", help="Run three parity probes instead of nine.")]
BaseUrl = Annotated[list[str], typer.Option(help="URL of the base model's server; repeatable, for replicas.")]
TunedUrl = Annotated[list[str], typer.Option(help="URL of the tuned model's server; repeatable, for replicas.")]
GatePolicy = Annotated[
    Path | None, typer.Option(help="The gate's policy, fixed from now on; default: gate.yml, if it exists.")
]
Port = Annotated[int, typer.Option(help="Port of the page on 127.0.0.1; the next free one if it is taken.")]
Overlap = Annotated[int | None, typer.Option(min=1, help="Reviewers per pair.")]
OverlapShare = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Share of the pairs that get --overlap reviewers; the others get one."),
]
Cluster = Annotated[str, typer.Option(help="near: prompts that ask nearly the same count as one.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        help="Host name under which a proxy or another machine asks for the page; repeatable (docs/proxies.md)."
    ),
]
RootPath = Annotated[str, typer.Option(help="Path under which a proxy serves the page, like /tools/judge.")]
MaxTokens = Annotated[int, typer.Option(min=1, help="Longest answer, in tokens, the same for both sides.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds that one request may take.")]
EnableThinking = Annotated[
    bool | None,
    typer.Option(
        "--enable-thinking/--no-enable-thinking",
        help="The chat template's switch for thinking, the same for both sides; default: the template's own.",
        show_default=False,
    ),
]
MixedPrecision = Annotated[
    bool, typer.Option("--mixed-precision", help="Compare even if the sides are served in different quantisations.")
]
Concurrency = Annotated[int, typer.Option(min=1, max=1024, help="Requests in flight per side.")]

REPORTS = Path("reports")
MODELS = Path("models")
TRAIN_ENV = Path(".venv-train")
VLLM_ENV = Path(".venv-vllm")
