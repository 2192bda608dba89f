"""Pages import Gradio without its type stubs; whoever imports Gradio plainly gets them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support import ROOT

#: Which stubs are opened while Gradio is imported, and whether it works afterwards.
WATCHED = """
import inspect, json, sys
stubs, before = [], inspect.getfile
def hear(event, given):
    if event == "open" and str(given[0]).endswith(".pyi"):
        stubs.append(given[0])
sys.addaudithook(hear)
{load}
import gradio
opened = len(stubs)
with gradio.Blocks() as page:
    box = gradio.Textbox()
    box.submit(lambda text: text, box, box)
print(json.dumps([opened, inspect.getfile is before, inspect.getfile(gradio.Textbox), len(page.fns)]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load", "none"),
    [("from eval.judge.access.server import load_gradio; load_gradio()", True), ("import gradio", False)],
    ids=["pages", "plainly"],
)
def test_gradio_writes_no_stubs_for_a_page(load: str, none: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED.format(load=load)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    opened, restored, source, events = json.loads(done.stdout.splitlines()[-1])
    assert (opened == 0) is none
    assert restored
    assert source.endswith("textbox.py")
    assert events == 1
