"""Starts a collected run: which models are compared, and all of run.json that is known before the first answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from eval.collect.engines.connect import Address, connect
from eval.collect.engines.protocol import Engine, EngineInfo
from eval.collect.engines.quantisation import refuse_mixed
from eval.collect.engines.retry import Backoff
from eval.collect.prompts.prompt_set import LoadedPrompts
from eval.collect.provenance import code, versions
from eval.records import SIDES, Side, utc_now
from eval.run import Run, start_run
from eval.run_info import Decoding, ModelInfo, RunInfo

#: Fields in which a server reports its software: when they change, answers may change too.
SOFTWARE = ("version", "sha", "docker_label", "router")


def start_collected_run(
    reports: Path,
    name: str,
    *,
    loaded: LoadedPrompts,
    decoding: Decoding,
    urls: Mapping[Side, Address] | None = None,
    models: Mapping[Side, ModelInfo] | None = None,
    engine: str = "",
    seconds: float = 30.0,
    opening: Callable[[], Backoff] | None = None,
    mixed: bool = False,
) -> Run:
    """Make, or find again, the run that puts these prompts to these models.

    Without `models` the servers at `urls` are asked what they serve, within `seconds`, as patiently as `opening` says.
    Raises EngineError where they can't say, RunError where `name` belongs to another comparison, and InputError where
    the servers loaded weights of different precision, unless `mixed`.
    """
    if models is None:
        assert urls is not None, "either models or urls say what is compared"
        asked = asyncio.run(_ask(urls, seconds, opening, decoding.enable_thinking))
        models = {side: model_of(info, url) for side, (info, url) in asked.items()}
        if not mixed:
            refuse_mixed({side: model.served for side, model in models.items()})
        engine = engine or _engine_name(asked)
    info = RunInfo(
        run=name,
        models=dict(models),
        engine=engine,
        decoding=decoding,
        prompt_set=loaded.prompt_set,
        code=code(),
        versions=versions(),
        times={"started": utc_now()},
    )
    return start_run(reports, info, loaded.prompts)


def model_of(info: EngineInfo, url: str) -> ModelInfo:
    """A side as its server describes it."""
    return ModelInfo(
        name=info.model_id, source=info.model_id, revision=info.revision, url=url, served=dict(info.served)
    )


def engine_at(urls: Mapping[Side, Address]) -> str:
    """What the servers at `urls` are, for run.json. Raises EngineError where one can't say."""
    return _engine_name(asyncio.run(_ask(urls)))


def _engine_name(asked: Mapping[Side, tuple[EngineInfo, str]]) -> str:
    """One name where both sides run the same software, else both."""
    base, tuned = asked["base"][0].name, asked["tuned"][0].name
    return base if base == tuned else f"base: {base}; tuned: {tuned}"


def warnings_of(run: Run, engines: Mapping[Side, Engine]) -> list[str]:
    """What a person should know before answers of these servers go into this run."""
    warnings = []
    if set(engines) == set(SIDES):
        base, tuned = engines["base"].info, engines["tuned"].info
        if base.name != tuned.name:
            warnings.append(f"the sides run different software ({base.name}; {tuned.name}): compare like with like")
        if (base.model_id, base.revision) == (tuned.model_id, tuned.revision):
            warnings.append(f"both servers say that they serve {base.model_id}: is one address wrong?")
    for side, engine in engines.items():
        model = run.info.models[side]
        if model.revision is None and model.weights_sha256 is None:
            warnings.append(
                f"{side}: {model.name} has no revision and no weights hash: "
                "it can't be proved later which model answered"
            )
        if before := _software_before(model, engine.info):
            warnings.append(f"{side}: earlier answers of this run came from other software ({before})")
    return warnings


def _software_before(model: ModelInfo, now: EngineInfo) -> str:
    """The version that answered before, if it was another one."""
    if not model.served or all(model.served.get(key) == now.served.get(key) for key in SOFTWARE):
        return ""
    return str(model.served.get("version"))


async def _ask(
    urls: Mapping[Side, Address],
    seconds: float = 30.0,
    opening: Callable[[], Backoff] | None = None,
    enable_thinking: bool | None = None,
) -> dict[Side, tuple[EngineInfo, str]]:
    """What each side's servers say of themselves, and where they are."""
    asked: dict[Side, tuple[EngineInfo, str]] = {}
    for side in SIDES:
        async with connect(urls[side], seconds=seconds, opening=opening, enable_thinking=enable_thinking) as engine:
            asked[side] = engine.info, engine.url
    return asked
