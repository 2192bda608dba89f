"""Recipes: Axolotl's own YAML, read here only for what surrounds the training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from blindside.yaml_files import BadYaml, read_yaml
from train.errors import RecipeError
from train.files import write_atomic

RECIPES = Path(__file__).with_name("recipes")


#: What `datasets` reads files with: as a `path`, the files are in `data_files`.
BUILDERS = frozenset({"json", "csv", "parquet", "text"})
_FILES = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".gz", ".txt")


@dataclass(frozen=True)
class DataSet:
    """One entry of `datasets:`."""

    path: str
    split: str
    type: str
    field_messages: str
    field_chosen: str
    field_rejected: str
    role: str
    content: str
    #: Source role to Axolotl's own, as `roles:` says it the other way round.
    roles: dict[str, str]
    data_files: tuple[str, ...] = ()
    revision: str | None = None
    #: Axolotl's `name`: the configuration.
    name: str = ""

    @property
    def place(self) -> str:
        """The file or the name that is meant: of `path: json` its file."""
        return self.data_files[0] if self.path in BUILDERS and self.data_files else self.path

    @property
    def is_file(self) -> bool:
        """Whether it is named as a file is, wherever that lies."""
        return self.path in BUILDERS or self.path.endswith(_FILES)

    @property
    def part(self) -> str:
        """The split, after its configuration where one is named."""
        return f"{self.name}/{self.split}" if self.name else self.split

    @property
    def is_pairs(self) -> bool:
        return self.type.startswith("chat_template.")

    @property
    def plain(self) -> bool:
        """Whether messages are {role, content} with Axolotl's own names of the roles."""
        same = all(source == target for source, target in self.roles.items())
        return same and (self.role, self.content) == ("role", "content")

    @property
    def columns(self) -> dict[str, str]:
        """The recipe's field names and the column that each asks for."""
        found = {"field_messages": self.field_messages}
        if self.is_pairs:
            found |= {"field_chosen": self.field_chosen, "field_rejected": self.field_rejected}
        return found


@dataclass(frozen=True)
class Recipe:
    """One YAML file, and what it says. `config` is all of it, as Axolotl will read it."""

    name: str
    path: Path
    config: dict[str, Any]
    datasets: tuple[DataSet, ...]

    @property
    def base_model(self) -> str:
        return str(self.config["base_model"])

    @property
    def output_dir(self) -> Path:
        return Path(str(self.config["output_dir"]))

    @property
    def has_adapter(self) -> bool:
        return bool(self.config.get("adapter"))

    def derive(self, path: Path, **changes: Any) -> Recipe:
        """Write a copy of the recipe with some fields changed to `path`, and return it."""
        changed = self.replaced(**changes)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, yaml.safe_dump(changed.config, sort_keys=False, allow_unicode=True))
        return replace(changed, path=path)

    def replaced(self, **changes: Any) -> Recipe:
        """The recipe with some fields changed, still known by its own file."""
        config = {**self.config, **changes}
        return replace(self, config=config, datasets=_datasets(config, self.path))


def find_recipe(name: str) -> Path:
    """The path of a recipe given by its name in train/recipes, or by a path. Raises RecipeError."""
    given = Path(name)
    if given.suffix in (".yml", ".yaml"):
        if not given.is_file():
            raise RecipeError("there is no such recipe; check the path", path=name)
        return given
    path = RECIPES / f"{name}.yml"
    if "/" in name or not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.yml")))
        raise RecipeError(f"there is no recipe {name!r}; give one of {known}, or the path of a YAML file")
    return path


def read_recipe(path: Path) -> Recipe:
    """Raise RecipeError where the file is not a YAML mapping with a base model, an output folder and a data set."""
    try:
        config = read_yaml(path)
    except OSError as error:
        raise RecipeError(f"cannot be read ({error}); check the path", path=path) from None
    except BadYaml as error:
        where = f" in line {error.line}" if error.line is not None else ""
        raise RecipeError(f"{error.problem}{where}; correct the file", path=path) from None
    if not isinstance(config, dict):
        raise RecipeError("is not a YAML mapping of Axolotl's fields", path=path)
    for field in ("base_model", "output_dir", "datasets"):
        if not config.get(field):
            raise RecipeError(f"has no `{field}`, which a training run needs", path=path)
    return Recipe(path.stem, path, config, _datasets(config, path))


def _datasets(config: dict[str, Any], path: Path) -> tuple[DataSet, ...]:
    entries = config["datasets"]
    if not isinstance(entries, list) or not all(isinstance(e, dict) and e.get("path") for e in entries):
        raise RecipeError("`datasets` is not a list of mappings that each have a `path`", path=path)
    return tuple(_dataset(entry) for entry in entries)


def _dataset(entry: dict[str, Any]) -> DataSet:
    mapping = entry.get("message_property_mappings") or {}
    files = entry.get("data_files") or ()
    roles = entry.get("roles") or {"user": ["user"], "assistant": ["assistant"], "system": ["system"]}
    return DataSet(
        path=str(entry["path"]),
        split=str(entry.get("split") or "train"),
        type=entry["type"] if isinstance(entry.get("type"), str) else "",
        field_messages=str(entry.get("field_messages") or "messages"),
        field_chosen=str(entry.get("field_chosen") or "chosen"),
        field_rejected=str(entry.get("field_rejected") or "rejected"),
        role=str(mapping.get("role") or "role"),
        content=str(mapping.get("content") or "content"),
        roles={str(source): str(target) for target, sources in roles.items() for source in sources},
        data_files=(files,) if isinstance(files, str) else tuple(files),
        revision=entry.get("revision"),
        name=str(entry.get("name") or ""),
    )
