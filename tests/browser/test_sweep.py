"""Two reviewers at the page of a sweep, served by its own command: nobody sees two pairs of one prompt."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from eval.judge.store.verdict_files import read_verdicts
from eval.sweep import read_sweep
from tests.browser.results_tab import tab
from tests.browser.screen import Screen, screen
from tests.cli.command import BLINDSIDE
from tests.judge.runs import BASE_NAME, TUNED_NAME
from tests.judge.sweeps import NAMES, SAYS, make_sweep, runs
from tests.support import ROOT, free_port

pytestmark = pytest.mark.browser

STUDY = "practice: 0\noverlap: 1\n"
PROMPTS = 16


@contextmanager
def command(folder: Path, *words: str) -> Iterator[str]:
    """`blindside WORDS` until the test is done; where its page is."""
    process = subprocess.Popen(
        [BLINDSIDE, *words, "rates", "--no-browser", "--port", str(free_port())],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = list[str]()
        for line in process.stdout:
            said.append(line)
            if found := re.match(r"(Judge|Results) at (\S+)", line):
                yield found[2]
                break
        else:
            raise AssertionError(said)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _judge(page: Screen, keep: str) -> list[int]:
    """Judge all that is asked: the answers of `keep` always win; the prompts in the order in which they came."""
    asked = []
    while page.state == "ask":
        left, right = page.panes()
        number = re.search(r"\d+", left)
        assert number is not None
        asked.append(int(number.group()))
        mine = next((key for key, text in (("1", left), ("4", right)) if keep in text), None)
        tuned = "1" if left.startswith("Short") else "4"
        page.press(mine or ("4" if tuned == "1" else "1"))
    return asked


def test_two_reviewers_judge_a_sweep_and_its_results_name_everybody(browser: Browser, tmp_path: Path) -> None:
    make_sweep(tmp_path, k=3, n=PROMPTS, race="halving")
    (tmp_path / "study.yml").write_text(STUDY)
    with command(tmp_path, "judge", "--study", "study.yml") as url:
        for reviewer in ("Ana", "安娜"):
            with screen(browser, url) as page:
                page.open(reviewer)
                asked = _judge(page, SAYS["middle"])
                assert len(set(asked)) == len(asked) == PROMPTS
                assert page.problems == []
                got = page.received()
                assert not [name for name in (BASE_NAME, TUNED_NAME, "hidden-item", "rates-") if name in got]
    rows = {name: read_verdicts(run.verdicts_path, run=run.name) for name, run in runs(tmp_path).items()}
    seen = defaultdict(set)
    for name, own in rows.items():
        for row in own:
            seen[row.reviewer, row.item].add(name)
    assert max(map(len, seen.values())) == 1
    assert sum(map(len, rows.values())) == 2 * PROMPTS
    assert Counter(row.outcome for row in rows["middle"]) == {"tuned": len(rows["middle"])}
    gate = subprocess.run(
        [BLINDSIDE, "gate", "rates"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "middle leads with 100.0%" in gate.stdout, gate.stdout + gate.stderr
    assert json.loads((tmp_path / "reports" / "rates-middle" / "run.json").read_bytes())["sweep"]["of"] == 3

    found = read_sweep(tmp_path / "reports", "rates")
    with command(tmp_path, "results") as url, tab(browser, url) as page:
        page.open()
        text = page.page.inner_text("main")
        assert all(name in text for name in NAMES[:3])
        assert all(one.why in text for one in found.dropped)
        page.open("?view=browse&item=hidden-item-0003")
        text = page.page.inner_text("main")
        assert "Long reply 3" in text
        assert all(f"Short {SAYS[name]} reply 3." in text for name in NAMES[:3])
        assert page.problems == []
