"""A finished model that another version exported, exported anew: its weights stay, the files beside them are new."""

from __future__ import annotations

import shutil
from pathlib import Path

from train.artifact import Artifact, hash_exported, write_artifact
from train.data import Say
from train.export.export import export, rules


def _before(target: Path) -> Path:
    return target.with_name(f".{target.name}.before")


def recover(target: Path) -> None:
    """Undo the first half of an exchange of folders that was killed in between."""
    if _before(target).exists() and not target.exists():
        _before(target).rename(target)
    shutil.rmtree(_before(target), ignore_errors=True)


def export_again(target: Path, base: Path, found: Artifact, say: Say) -> Artifact:
    """Export the model in `target` once more by today's rules; what was there stays until the new one is whole.

    Raises ExportError.
    """
    beside = target.with_name(f".{target.name}.again")
    export(target, base, beside, link=True)
    for path in target.iterdir():
        if path.is_file() and not (beside / path.name).exists():
            shutil.copyfile(path, beside / path.name)
    done = found.model_copy(update={**hash_exported(beside), "export_rules": rules()})
    write_artifact(beside, done)
    target.rename(_before(target))
    beside.rename(target)
    shutil.rmtree(_before(target))
    say(f"{target} was exported by another version: it is exported anew, with the weights it has")
    return done
