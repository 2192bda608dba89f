"""All checks before a training: `examine` runs them, `check_ready` stops on what surely breaks.

A `fail` will surely break the run; a `warn` may. Nothing is loaded and nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from blindside.gpus import Gpu, Version, untested
from blindside.tgi import not_for_tgi
from train.container.image import CUDA as IMAGE_CUDA
from train.container.image import image_name
from train.doctor.disk_and_ports import check_cache, check_disk, check_port, hub_repos
from train.doctor.scale import check_launch, check_recipes, check_spread, count_processes, what_to_rent
from train.doctor.template_trial import check_turns
from train.doctor.trial_export import check_export, check_switch
from train.errors import RecipeError, TrainError
from train.launch import ROOT, WORKSPACE
from train.recipe import Recipe
from train.resources.findings import Finding, Level
from train.resources.gpus import Engine, chosen_gpus, cuda, find_engine
from train.resources.hub import cache_of, check_hub, reach, read_config
from train.resources.memory import GIB, Estimate, estimate, needs_gpu, wants_gpu
from train.resources.recipe_types import check_types
from train.resources.shapes import FoundShape, find_shape, saved_config

#: The guide's least CUDA.
LEAST_CUDA = (12, 1)
AMPERE = (8, 0)


@dataclass(frozen=True)
class Machine:
    """What is looked at, so that it is asked for once. `memory` is the machine's own free memory in bytes."""

    gpus: tuple[Gpu, ...] = ()
    cuda: Version | None = None
    engine: Engine = field(default_factory=Engine)
    memory: int = 0
    #: What of its GPUs nobody tried, as a sentence.
    untested: str = ""


def inspect_machine() -> Machine:
    gpus = chosen_gpus()
    return Machine(gpus, cuda() if gpus else None, find_engine(), _free_memory(), untested())


def _free_memory() -> int:
    """Bytes that a program could still take, as the kernel reckons them; all there is where it does not tell."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def examine(
    recipe: Recipe | None,
    *,
    models: Path = ROOT / "models",
    machine: Machine | None = None,
    variables: Mapping[str, str] | None = None,
    ports: Sequence[int] = (),
    workspace: Path = WORKSPACE,
) -> list[Finding]:
    """What this machine has, against what the recipe needs (without one: what there is).

    `ports` are those that the pages and servers will ask for, `workspace` a rented machine's volume. Raises nothing.
    """
    seen, known = machine or inspect_machine(), dict(os.environ) if variables is None else variables
    found = [_gpu(seen, recipe)]
    if seen.untested:
        found.append(Finding("GPU", "warn", seen.untested, "watch the first steps, and report how it went"))
    if seen.gpus:
        found.append(_cuda(seen, recipe))
    hub = None
    if recipe is not None:
        hub = reach(known) if hub_repos(recipe) else None
        found += check_launch(recipe, seen.gpus)
        found += _memory(recipe, seen, known, ask_hub=hub == "")
        export = check_export(recipe, known, ask_hub=hub == "")
        found += [one for one in (export, check_switch(recipe)) if one is not None]
        found += _types(recipe) or check_turns(recipe, known)
        found += _served(recipe, known)
    found.append(check_recipes(seen.gpus, seen.memory))
    found += [check_disk(recipe, models, workspace), check_cache(recipe, known, workspace)]
    if recipe is not None and hub is not None:
        found += check_hub(hub_repos(recipe), known, hub)
    found += [check_port(port) for port in ports]
    return [*found, _docker(seen)]


def check_ready(
    recipe: Recipe,
    models: Path,
    say: Callable[[str], None],
    *,
    machine: Machine | None = None,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Before a training: say what may break it, and raise TrainError on the first thing that surely will.

    The Hub is only told of: what is taken from it is asked for next, and reported in its own words.
    """
    for one in examine(recipe, models=models, machine=machine, variables=variables):
        line = f"{one.name}: {one.found}" + (f"; {one.remedy}" if one.remedy else "")
        if one.level == "fail" and one.name != "Hub":
            raise TrainError(line)
        if one.level != "ok" and one.name != "Docker":
            say(f"  note: {line}")


def _gpu(machine: Machine, recipe: Recipe | None) -> Finding:
    if machine.gpus:
        listed = ", ".join(f"{gpu.name} ({gpu.total / GIB:.0f} GiB)" for gpu in machine.gpus)
        old = [gpu for gpu in machine.gpus if (gpu.capability or (0, 0)) < AMPERE]
        if old and recipe is not None and "flash" in str(recipe.config.get("attn_implementation")):
            remedy = "set attn_implementation: sdpa and fp16 for bf16, or use an A100, H100, L40S, RTX 30 or newer"
            return Finding("GPU", "fail", f"{old[0].name} is older than flash attention needs (Ampere)", remedy)
        return Finding("GPU", "ok", listed)
    if recipe is None or not wants_gpu(recipe.config):
        return Finding(
            "GPU", "ok", "none that nvidia-smi lists; not needed" if recipe else "none that nvidia-smi lists"
        )
    if not needs_gpu(recipe.config):
        remedy = "that takes minutes for a tiny base: rent a GPU for a larger one (docs/cloud.md)"
        return Finding("GPU", "warn", "none that nvidia-smi lists; 4-bit weights train on the CPU, slowly", remedy)
    remedy = "rent one (docs/cloud.md), install its driver, or train a recipe for a CPU: smollm2-135m-dpo, tiny"
    return Finding("GPU", "fail", f"none that nvidia-smi lists, and {recipe.name} needs one", remedy)


def _cuda(machine: Machine, recipe: Recipe | None) -> Finding:
    needs = recipe is None or wants_gpu(recipe.config)
    if machine.cuda is None:
        return Finding(
            "CUDA", "warn", "nvidia-smi does not report its version", "run `nvidia-smi` and fix what it reports"
        )
    found = "the driver runs CUDA up to " + ".".join(map(str, machine.cuda))
    if machine.cuda < LEAST_CUDA:
        remedy = "update the NVIDIA driver to R530 or newer (R580 for the image of Axolotl)"
        return Finding("CUDA", "fail" if needs else "warn", f"{found}, 12.1 is needed", remedy)
    if machine.cuda < IMAGE_CUDA and machine.engine.gpu_runtime and needs:
        return Finding(
            "CUDA",
            "warn",
            f"{found}; {image_name()} is built for {'.'.join(map(str, IMAGE_CUDA))}",
            "update the driver to R580, name an image for an older CUDA with AXOLOTL_IMAGE, or set TRAINER=local; "
            "data centre GPUs may work with the old driver",
        )
    return Finding("CUDA", "ok", found)


def find_sizes(recipe: Recipe, variables: Mapping[str, str], *, ask_hub: bool) -> FoundShape | None:
    """The base's sizes, and where they are from; None where nothing tells them."""
    revision = recipe.config.get("revision_of_model")
    return find_shape(
        recipe.base_model,
        ROOT / recipe.base_model,
        revision,
        Path(variables.get("HF_HUB_CACHE") or cache_of(variables) / "hub"),
        (lambda: read_config(recipe.base_model, revision, variables)) if ask_hub else None,
    )


def _memory(recipe: Recipe, machine: Machine, variables: Mapping[str, str], *, ask_hub: bool) -> list[Finding]:
    sizes = find_sizes(recipe, variables, ask_hub=ask_hub)
    if sizes is None:
        message = f"the sizes of {recipe.base_model} are not known here"
        return [Finding("memory", "warn", message, "check the name of base_model, or let the Hub be reached")]
    on_gpu = bool(machine.gpus) or needs_gpu(recipe.config)
    count = count_processes(recipe, machine.gpus)
    need = estimate(recipe, sizes.shape, gpu=on_gpu, gpus=count)
    each = f" on each of {count} GPUs" if on_gpu and count > 1 else ""
    size = f"{recipe.name} needs up to {need.total / GIB:.1f} GiB{each} (sizes {sizes.source})"
    spread = check_spread(recipe, sizes.shape, machine.gpus)
    if on_gpu and not machine.gpus:
        remedy = f"rent {what_to_rent(recipe, sizes.shape)} (docs/cloud.md)"
        return [Finding("memory", "fail", f"{size}, and there is no GPU", remedy, tuple(need.table())), *spread]
    have, free = _room(machine) if on_gpu else (machine.memory, machine.memory)
    where = "of the GPU" if on_gpu else "of free memory"
    level, remedy = _judge(need, have, free, on_gpu=on_gpu)
    message = f"{size} {where}; {have / GIB:.1f} GiB are available"
    return [Finding("memory", level, message, remedy, tuple(need.table())), *spread]


def _served(recipe: Recipe, variables: Mapping[str, str]) -> list[Finding]:
    """What the base's config.json, where it lies here, says of the servers that will not do."""
    revision = recipe.config.get("revision_of_model")
    cache = Path(variables.get("HF_HUB_CACHE") or cache_of(variables) / "hub")
    config = saved_config(recipe.base_model, ROOT / recipe.base_model, revision, cache)
    against = not_for_tgi(config) if isinstance(config, dict) else ""
    remedy = "`make eval` serves it with vLLM on a GPU, otherwise with the embedded engine; deploy it with one of these"
    return [Finding("serving", "warn", against, remedy)] if against else []


def _types(recipe: Recipe) -> list[Finding]:
    """Pairs of a type that is not trained on as it is."""
    try:
        check_types(recipe)
    except RecipeError as error:
        return [Finding("pairs", "fail", str(error))]
    return []


def _room(machine: Machine) -> tuple[int, int]:
    """Of the smallest GPU: all of it, and what nobody uses now."""
    return min((gpu.total, gpu.free) for gpu in machine.gpus)


def _judge(need: Estimate, have: int, free: int, *, on_gpu: bool) -> tuple[Level, str]:
    smaller = (
        "use the QLoRA recipe, a smaller base, or more GPUs (docs/scale.md)"
        if on_gpu
        else "close other programs, or use a smaller base"
    )
    if need.fixed > have:
        return "fail", f"weights and optimizer alone need {need.fixed / GIB:.1f} GiB: {smaller}"
    if need.total > have:
        return "warn", f"it fits only if texts are much shorter than sequence_len: lower that, or {smaller}"
    if need.total > free:
        return (
            "warn",
            f"only {free / GIB:.1f} GiB are free: stop the programs that use the GPU (`nvidia-smi` lists them)",
        )
    return "ok", ""


def _docker(machine: Machine) -> Finding:
    engine = machine.engine
    if engine.problem:
        return Finding("Docker", "warn", "not used: training in .venv-train, serving embedded", engine.problem)
    if machine.gpus and not engine.gpu_runtime:
        remedy = (
            "install the NVIDIA Container Toolkit and restart Docker "
            "(docs.nvidia.com/datacenter/cloud-native/container-toolkit)"
        )
        return Finding("Docker", "warn", f"engine {engine.version}, which cannot give containers the GPU", remedy)
    reached = ", with the GPU for containers" if engine.gpu_runtime and machine.gpus else ""
    return Finding("Docker", "ok", f"engine {engine.version}{reached}")
