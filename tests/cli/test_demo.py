"""`blindside demo`: the sample run that is checked in, served by the small environment alone."""

from __future__ import annotations

import signal
import subprocess
import urllib.request
from pathlib import Path

from eval.answers import read_answers
from eval.cli.judging.judge import SAMPLE
from eval.collect.prompts.prompt_set import prompts_sha256
from eval.judge.store.verdict_files import read_verdicts
from eval.records import sha256_text
from eval.run import open_run
from tests.cli.command import BLINDSIDE
from tests.judge.verdicts import verdict_store
from tests.support import free_port, judged


def test_the_sample_is_a_whole_run_whose_hashes_hold() -> None:
    run = open_run(SAMPLE.parent, SAMPLE.name)
    prompts, answers = run.prompts(), read_answers(run.responses_path)
    pairs = answers.pairs(prompts)
    assert len(pairs) == len(prompts) == run.info.prompt_set.asked >= 30
    assert prompts_sha256(prompts) == run.info.prompt_set.sha256
    assert all(answer.sha256 == sha256_text(answer.text) for answer in answers.responses.values())
    assert not any(pair.identical for pair in pairs)


def test_demo_serves_until_ctrl_c_and_a_second_start_keeps_what_was_judged(tmp_path: Path) -> None:
    _serve_once(tmp_path)
    run = open_run(tmp_path, "demo")
    pair = read_answers(run.responses_path).pairs(run.prompts())[0]
    verdict_store(run).append(judged(run, pair))
    _serve_once(tmp_path)
    assert [row.item for row in read_verdicts(run.verdicts_path)] == [pair.prompt_id]


def _serve_once(reports: Path) -> None:
    port = free_port()
    command = [str(BLINDSIDE), "demo", "--no-browser", "--port", str(port)]
    with subprocess.Popen([*command, "--reports", str(reports)], stdout=subprocess.PIPE, text=True) as page:
        assert page.stdout is not None
        assert any(f"Judge at http://127.0.0.1:{port}" in line for line in page.stdout)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            assert b"blindside" in answer.read()
        page.send_signal(signal.SIGINT)
        assert page.wait(timeout=30) == 0
