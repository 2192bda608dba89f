"""What is exported, read by the transformers that TGI 3.3 has, is the model that transformers 5 saved."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support import ROOT
from tests.train.models import load
from tests.warm.warm import old_python, train_python
from train.errors import ExportError
from train.export.export import export
from train.launch import environment

FAMILIES = ("qwen2", "llama3", "llama2", "smollm2", "mistral", "gemma2")
#: float32 rounding of two implementations; logits themselves are some units wide.
CLOSE = 1e-4

pytestmark = pytest.mark.train


@dataclass(frozen=True)
class Reading:
    """What one version of transformers makes of some folders."""

    version: str
    found: dict[str, Any]
    logits: dict[str, NDArray[np.float32]]


def run(python: Path, *arguments: str) -> Any:
    """The JSON in the last line that a script printed."""
    done = subprocess.run(
        [str(python), *arguments], capture_output=True, text=True, cwd=ROOT,
        env=environment(python.parents[1], offline=True),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def read(python: Path, folders: Mapping[str, Path], out: Path) -> Reading:
    out.mkdir()
    asked = {"folders": {name: str(folder) for name, folder in folders.items()}, "out": str(out)}
    said = run(python, str(Path(__file__).with_name("forward.py")), json.dumps(asked))
    logits = {name: np.load(out / f"{name}.npy") for name in folders}
    return Reading(said["version"], said["found"], logits)


@dataclass(frozen=True)
class World:
    """The folders, transformers 5 on what it saved, transformers 4.51 on what was exported from that."""

    folder: Path
    new: Reading
    old: Reading


#: Those whose tokenizer transformers 5 changes while it reads what the Hub has.
REBUILT = {"llama2": "normalizer", "smollm2": "pre_tokenizer"}


def as_on_the_hub(folder: Path, saved: Path) -> Path:
    """Complete `folder`, which has a published tokenizer's files, with config.json in transformers 4's form."""
    config = load(saved / "config.json")
    rope = config.pop("rope_parameters")
    config |= {"rope_theta": rope.pop("rope_theta"), "torch_dtype": config.pop("dtype")}
    if rope["rope_type"] != "default":
        config["rope_scaling"] = rope
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("families")
    assert tuple(run(train_python(), "-m", "tests.train.architectures", str(folder))) == FAMILIES
    saved = {name: folder / name for name in FAMILIES}
    exported = {name: folder / "exported" / name for name in FAMILIES}
    for name in FAMILIES:
        export(saved[name], saved[name], exported[name])
    for name in FAMILIES:
        hub = as_on_the_hub(folder / f"{name}.hub", saved[name])
        trained = folder / f"{name}.asis" if name in REBUILT else saved[name]
        exported[f"{name} of the hub"] = folder / "exported" / f"{name} of the hub"
        export(trained, hub, exported[f"{name} of the hub"])
        saved[f"{name} of the hub"] = trained
    again = {f"{name} exported": path for name, path in exported.items()}
    new, old = read(train_python(), saved | again, folder / "new"), read(old_python(), exported, folder / "old")
    assert (new.version, old.version) == ("5.16.1", "4.51.3")
    return World(folder, new, old)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_older_transformers_gives_the_same_logits(family: str, world: World) -> None:
    new, old = world.new.logits[family], world.old.logits[family]
    assert new.shape == old.shape == (2, 64, 1024)
    assert new.std() > 0.5
    difference = float(np.abs(new - old).max())
    print(f"{family}: largest difference {difference:.2e} of logits up to {np.abs(new).max():.2f}")
    assert difference <= CLOSE


@pytest.mark.parametrize("family", FAMILIES)
def test_the_older_transformers_reads_the_same_conversation(family: str, world: World) -> None:
    new, old = world.new.found[family]["tokenizer"], world.old.found[family]["tokenizer"]
    assert old == new
    assert old["template"]
    assert all(len(ids) > 8 for ids in old["ids"])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_end_of_an_answer_is_known_to_the_older_transformers(family: str, world: World) -> None:
    old = world.old.found[family]
    assert isinstance(old["eos"], list)
    assert old["tokenizer"]["special"][1] in old["eos"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_base_in_the_older_form_makes_no_difference(family: str, world: World) -> None:
    """As after a training from the Hub, where the base's own files go out."""
    name = f"{family} of the hub"
    assert np.abs(world.new.logits[name] - world.old.logits[name]).max() <= CLOSE
    before, after = (reading.found[name]["tokenizer"] for reading in (world.new, world.old))
    for said in ("prompts", "ids", "texts", "decoded", "template"):
        assert after[said] == before[said]
    assert world.old.found[name]["eos"] == world.old.found[family]["eos"]


@pytest.mark.parametrize("family", [name + form for name in FAMILIES for form in ("", " of the hub")])
def test_both_read_an_export_alike(family: str, world: World) -> None:
    """Our own engine and the parity check read it by transformers 5, TGI by 4.51."""
    new, old = world.new.found[f"{family} exported"], world.old.found[family]
    assert new["eos"] == old["eos"]
    for said in ("prompts", "ids", "texts", "decoded", "template"):
        assert new["tokenizer"][said] == old["tokenizer"][said]
    assert np.abs(world.new.logits[f"{family} exported"] - world.old.logits[family]).max() <= CLOSE


@pytest.mark.parametrize(("family", "part"), REBUILT.items())
def test_a_tokenizer_that_transformers_5_rebuilt_is_refused(
    family: str, part: str, world: World, tmp_path: Path
) -> None:
    """It leaves out what those of the Hub say of spaces and of digits, and other tokens are trained than are served."""
    saved = world.folder / family
    hub = world.folder / f"{family}.hub"
    with pytest.raises(ExportError, match="tokenizer_type: PreTrainedTokenizerFast") as caught:
        export(saved, hub, tmp_path / "exported")
    assert caught.value.field == f"tokenizer {part}"
    rebuilt, kept = (world.new.found[name]["tokenizer"] for name in (family, f"{family} of the hub"))
    assert (rebuilt["ids"], rebuilt["texts"]) != (kept["ids"], kept["texts"])


@pytest.mark.parametrize("family", ["qwen2", "llama3"])
def test_without_the_export_the_older_transformers_reads_another_model(
    family: str, world: World, tmp_path: Path
) -> None:
    """The rope that it does not find moves logits by far more than rounding: the comparison sees it."""
    bare = tmp_path / family
    shutil.copytree(world.folder / "exported" / family, bare)
    shutil.copyfile(world.folder / family / "config.json", bare / "config.json")
    wrong = read(old_python(), {family: bare}, tmp_path / "out").logits[family]
    difference = float(np.abs(wrong - world.new.logits[family]).max())
    print(f"{family}, not exported: largest difference {difference:.2f}")
    assert difference > 100 * CLOSE
