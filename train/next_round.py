"""A further round: a recipe's settings on your own pairs, optionally from an earlier round's model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from train import artifact as artifacts
from train.artifact import NAME, Artifact
from train.data import Say
from train.errors import ArtifactError, RecipeError
from train.job import Job
from train.launch import ROOT
from train.pipeline import from_root, make_model
from train.recipe import Recipe, read_recipe
from train.resources.machine import locked
from train.resources.recipe_types import OF_PAIRS
from train.tiny.make import DPO, placed, train_base
from train.tiny.world import PROMPTS

SUFFIX = ".jsonl"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Round:
    """`pairs` stands for all data sets of the recipe, `base` for its base model: a folder, the name of a model of
    ours, or one of the Hub; empty: the recipe's own."""

    recipe: Path
    pairs: Path
    base: str = ""

    @property
    def name(self) -> str:
        """The model's: that of the recipe, and that of the file, so that earlier models stay what they are."""
        return f"{self.recipe.stem}-{self.pairs.name.removesuffix(SUFFIX)}"


def train_round(asked: Round, models: Path, env: Path, *, force: bool, say: Say) -> Artifact:
    """Train `models`/<recipe>-<file>. Raises TrainError.

    No figures are taken on the tiny world's questions: harvested ones may be among what it was trained on.
    """
    _check_pairs(asked)
    base = find_base(asked.base, models) if asked.base else ""
    work, tiny = models / f"{asked.name}.work", asked.recipe.resolve() == DPO.resolve()
    with locked(work / "lock"):
        recipe = placed(asked.recipe, models, work) if tiny else read_recipe(asked.recipe)
        _check_target(models / asked.name, base or recipe.base_model, from_root(asked.recipe))
        if tiny and not base:
            first = models / f"{asked.recipe.stem}.work"
            with locked(first / "lock"):
                train_base(models, env, first, force=False, say=say)
        recipe = with_pairs(recipe, asked, work, base)
        job = Job(recipe, asked.name, models, work, env, prompts=PROMPTS if tiny else _prompts(base))
        return make_model(job, force=force, say=say)[0]


def with_pairs(recipe: Recipe, asked: Round, work: Path, base: str) -> Recipe:
    """The recipe on these pairs, which `pairs convert` and `harvest` write, and where `base` is given from that.

    Its output goes beside the recipe's own, or into `work` where that belongs to the tiny world.
    """
    if recipe.config.get("rl") not in OF_PAIRS:
        raise RecipeError("does not train on pairs (`rl: dpo`): name a recipe that does", path=recipe.path)
    entry = {
        "path": from_root(asked.pairs),
        "ds_type": "json",
        "split": "train",
        "type": "chat_template.default",
        "field_messages": "messages",
        "field_chosen": "chosen",
        "field_rejected": "rejected",
    }
    own = f"{recipe.output_dir}-{asked.pairs.name.removesuffix(SUFFIX)}"
    tiny = recipe.path.resolve() == DPO.resolve()
    from_base = {"base_model": base, "revision_of_model": None} if base else {}
    output = str(work.absolute() / "output") if tiny else own
    return recipe.replaced(datasets=[entry], output_dir=output, **from_base)


def find_base(base: str, models: Path) -> str:
    """What a recipe would say for it: a folder from the project's root, or a name of the Hub.

    Raises RecipeError where there is none, ArtifactError where a model of ours was not finished or changed since.
    """
    for folder in (Path(base), models / base):
        if (folder / "config.json").is_file():
            if (folder / NAME).exists() or folder.resolve().parent == models.resolve():
                artifacts.verify(folder)
            return from_root(folder)
    if _HUB_ID.fullmatch(base) and not Path(base).parent.is_dir():
        return base
    raise RecipeError(f"there is no model {base}: train it first, or name another folder or a model of the Hub")


def _prompts(base: str) -> Path | None:
    """The evaluation prompts of a base that is a model of ours: what comes from it is asked the same."""
    if not base or not (ROOT / base / NAME).exists():
        return None
    prompts = artifacts.read_artifact(ROOT / base).prompts
    return ROOT / prompts if prompts else None


def _check_pairs(asked: Round) -> None:
    if not asked.pairs.is_file():
        raise RecipeError("there is no such file; check the path of the pairs", path=asked.pairs)
    if asked.pairs.suffix != SUFFIX:
        remedy = f"`blindside pairs convert {asked.pairs} next{SUFFIX}` makes it"
        raise RecipeError(f"pairs to train on are a {SUFFIX} file: {remedy}", path=asked.pairs)
    if not _NAME.fullmatch(asked.name):
        remedy = "rename the file; use letters, digits, dot, - and _"
        raise RecipeError(f"the model would be named {asked.name!r}: {remedy}", path=asked.pairs)


def _check_target(target: Path, base: str, recipe: str) -> None:
    """A round must replace nothing but an earlier round of the same recipe."""
    remedy = "give the file of pairs another name, as the model is named after it"
    if target.resolve() == (ROOT / base).resolve():
        raise RecipeError(f"{target} is the base of this round: {remedy}")
    try:
        artifact = artifacts.read_artifact(target)
    except ArtifactError:
        return
    if artifact.recipe != recipe:
        raise RecipeError(f"{target} is another model, made by {artifact.recipe}: {remedy}")
