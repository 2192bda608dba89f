"""Where an installed blindside finds its code, and where it reads and writes; bin/release-check tries a real wheel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from blindside.places import CODE, PACKAGES, is_checkout, made_by, python_path, workspace
from tests.support import ROOT

ASKED = """
import json
from pathlib import Path
from blindside import places
found = [places.is_checkout(), str(places.workspace()), places.python_path(), places.made_by(Path(".venv-train"))]
print(json.dumps(found))
"""


def test_a_checkout_is_both() -> None:
    assert is_checkout()
    assert ROOT == CODE == workspace()
    assert python_path() == str(ROOT)
    assert "make train" in made_by(Path(".venv-train"))


def test_an_installed_package_works_in_the_current_folder_and_shows_others_its_own_code_only(tmp_path: Path) -> None:
    site, empty, cache = (tmp_path / name for name in ("site-packages", "empty", "cache"))
    for name in PACKAGES:
        shutil.copytree(ROOT / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))
    (site / "numpy").mkdir()
    empty.mkdir()
    env = os.environ | {"PYTHONPATH": str(site), "XDG_CACHE_HOME": str(cache)}
    for _ in range(2):  # the second time the links are there
        done = subprocess.run(
            [sys.executable, "-P", "-c", ASKED], cwd=empty, env=env, capture_output=True, text=True, check=True
        )
        checkout, place, path, remedy = json.loads(done.stdout)
        assert (checkout, place) == (False, str(empty))
        assert sorted(one.name for one in Path(path).iterdir()) == sorted(PACKAGES)
        assert all((Path(path) / name).resolve() == site / name for name in PACKAGES)
        assert "uv pip install" in remedy
