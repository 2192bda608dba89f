"""The files of a Space's own repository, which may be public: the code, and nothing of the run."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from eval.release.space.layout import Settings
from eval.release.space.wheel import wheel

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
#: The Python version that requirements.txt was resolved for.
PYTHON = "3.11"
#: The first line of the program identifies a Space of ours.
MARK = '"""Serves a blind study by blindside.'
#: The Space's builder sees requirements.txt and no other file of the repository: the wheel is unpacked here.
APP = f'''{MARK} The answers are in a private repository."""

import sys
import tempfile
import zipfile
from pathlib import Path

(wheel,) = Path(__file__).resolve().parent.glob("blindside-*.whl")
code = tempfile.mkdtemp(prefix="blindside-")
zipfile.ZipFile(wheel).extractall(code)
sys.path.insert(0, code)

from eval.release.space.serve import main  # noqa: E402

if __name__ == "__main__":
    main()
'''
_TEXT = """
# Blind judging

A page for the reviewers of a study: two answers, side by side, without the names of the models. You need a login from
the study's organiser. Made with blindside; this repository contains its code and nothing of the study.
"""


def files(settings: Settings) -> dict[str, bytes]:
    """The repository's files by their paths."""
    name, data = wheel()
    return {
        "app.py": APP.encode(),
        "requirements.txt": REQUIREMENTS.read_bytes(),
        "README.md": _readme(settings).encode(),
        name: data,
    }


def _readme(settings: Settings) -> str:
    about: dict[str, object] = {
        "title": "Blind judging",
        "emoji": "⚖️",
        "colorFrom": "gray",
        "colorTo": "blue",
        "sdk": "gradio",
        "sdk_version": gradio_version(),
        "python_version": PYTHON,
        "app_file": "app.py",
        "fullWidth": True,
        "header": "mini",
        "pinned": False,
        "license": "apache-2.0",
    }
    if settings.by_hub:
        about["hf_oauth"] = True
    return f"---\n{yaml.safe_dump(about, allow_unicode=True, sort_keys=False)}---\n{_TEXT}"


def gradio_version() -> str:
    """That of requirements.txt: the Space's builder installs the one that the metadata name."""
    found = re.search(r"^gradio==(\S+)$", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]
