"""Real subprocesses: the log is kept, figures are read, nothing is left behind, a failure is a sentence."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import ROOT
from train.errors import LaunchError
from train.launch import axolotl, environment, failure, meaningful_lines, run
from train.progress import Progress, parse_numbers

BAR = " 25%|##5       | 100/400 [00:31<01:33,  3.20it/s]"


def silent() -> Progress:
    return Progress("test", io.StringIO())


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pid: int) -> bool:
    for _ in range(400):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_the_log_has_every_byte_and_the_newest_figures_are_kept(tmp_path: Path) -> None:
    script = (
        "print(\"{'loss': '1.5', 'rewards/margins': '0.25'}\"); print('50%|x| 1/2 [00:01<00:01, 1.0it/s]', end='\\r');"
        "print(\"{'loss': 0.5}\"); print(\"{'train_runtime': '3.5'}\")"
    )
    progress = silent()
    status = run([sys.executable, "-c", script], dict(os.environ), tmp_path / "run.log", progress, tmp_path)
    assert status == 0
    assert progress.metrics == {"loss": 0.5, "rewards/margins": 0.25, "train_runtime": 3.5}
    assert b"1.0it/s]\r{'loss'" in (tmp_path / "run.log").read_bytes()


def test_the_status_is_the_commands_own(tmp_path: Path) -> None:
    for script, status in (("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)):
        assert run([sys.executable, "-c", script], dict(os.environ), tmp_path / "l", silent(), tmp_path) == status


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_dpo_shows_margin_and_accuracy_as_means_and_what_it_takes() -> None:
    out = Terminal()
    progress = Progress("tiny", out)
    for number in range(7):  # the first two are forgotten
        share = 0.0 if number < 2 else number / 10
        progress.feed(
            f"{{'loss': '0.5', 'num_tokens': '{100 * number}', 'rewards/margins': '{share}', "
            f"'rewards/accuracies': '{share}'}}"
        )
    progress.feed("[INFO] [axolotl.figures] {'memory': '1.25'}")
    progress.feed(BAR)
    line = out.getvalue().split("\r")[-1]
    shown = r"loss 0\.5, margin 0\.4, accuracy 40%, [\d,]+ tokens/s, 1\.2 GiB, 01:33 left"
    assert re.fullmatch(rf"  tiny: step 100/400 \(25%\), {shown}\s*", line), line


def test_on_a_terminal_one_line_moves() -> None:
    out = Terminal()
    progress = Progress("tiny", out)
    progress.feed("{'loss': '0.25', 'epoch': '1'}")
    progress.feed(BAR)
    progress.feed("Tokenizing Prompts (num_proc=2):  40%|####      | 4/10 [00:01<00:01,  3.2 examples/s]")
    progress.close()
    lines = [line.rstrip() for line in out.getvalue().split("\r") if line.strip()]
    assert lines == [
        "  tiny: step 100/400 (25%), loss 0.25, 01:33 left",
        "  tiny: Tokenizing Prompts (num_proc=2): 4/10",
    ]
    assert "\n" not in out.getvalue()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("noise {'loss': '0.5', 'epoch': '1'} noise", {"loss": 0.5, "epoch": 1.0}),
        ("{'loss': 'nan'}", {}),
        ("{'text': 'hello'}", {}),
        ("{'torn': ", {}),
        ("{1: 2}", {}),
    ],
)
def test_figures_of_a_line(line: str, found: dict[str, float]) -> None:
    figures = parse_numbers(line)
    if "nan" in line:
        assert figures["loss"] != figures["loss"]
    else:
        assert figures == found


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(300)
"""
COMMAND = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], stdout=subprocess.PIPE)
child.stdout.readline()
open("pid", "w").write(str(child.pid))
child.wait()
"""
STARTER = f"""
import io, os, sys
from pathlib import Path
from train.launch import run
from train.progress import Progress
run([sys.executable, "-c", {COMMAND!r}], dict(os.environ), Path("run.log"), Progress("t", io.StringIO()), Path())
"""


def starter(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A process that runs a command, whose own child does not listen to SIGTERM; and that child's pid."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", STARTER], cwd=folder, env=variables, stderr=subprocess.DEVNULL)
    pid = folder / "pid"
    for _ in range(1200):
        if pid.exists() and pid.read_text(encoding="ascii"):
            return process, int(pid.read_text(encoding="ascii"))
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the command did not start")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_the_starter_ends_nothing_is_left(number: signal.Signals, tmp_path: Path) -> None:
    process, child = starter(tmp_path)
    process.send_signal(number)
    process.wait()
    assert wait_gone(child)


LOGS = [
    ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20 MiB", "the GPU's memory is full"),
    ("OSError: [Errno 28] No space left on device", "the disk is full"),
    ("huggingface_hub.errors.GatedRepoError: 401 Client Error.", "the model or data set is gated or private"),
    ("requests.exceptions.ConnectionError: Max retries exceeded with url", "cannot reach the Hub"),
    ("ValueError: something nobody foresaw", "ValueError: something nobody foresaw"),
]


def fake_environment(folder: Path, script: str) -> Path:
    """An environment whose `axolotl` is a shell script: what is tested is what we make of its output."""
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "axolotl"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(("line", "said"), LOGS)
def test_a_failure_is_one_sentence_with_the_logs_tail(line: str, said: str, tmp_path: Path) -> None:
    env = fake_environment(
        tmp_path / "env",
        f"echo 'Loading'; echo ' 10%|# | 1/10 [00:01<00:09, 1it/s]'; echo 'UserWarning: never mind'\n"
        f"echo 'Traceback (most recent call last):'; echo '{line.replace(chr(39), '')}'; exit 1",
    )
    log = tmp_path / "run.log"
    with pytest.raises(LaunchError) as caught:
        axolotl("train", tmp_path / "bad.yml", env=env, log=log, offline=True, progress=silent())
    first, _, rest = str(caught.value).partition("\n")
    assert first.startswith(f"axolotl train failed on bad.yml: {said}")
    assert first.endswith(f"the full log is {log}")
    assert caught.value.tail == ("Loading", line.replace("'", ""))
    assert "UserWarning" not in rest
    assert "Traceback" not in rest


def test_of_several_processes_the_first_cause_is_told_and_not_what_follows_from_it(tmp_path: Path) -> None:
    """As torchrun ends a training, after a line of Axolotl's that speaks of the offline mode and is no trouble."""
    (tmp_path / "log").write_text(
        "[INFO] [axolotl.cli.checks] Skipping HuggingFace token verification because HF_HUB_OFFLINE is set to True.\n"
        "[rank1]: Traceback (most recent call last):\n[rank1]: ValueError: the mesh does not fit\n"
        "RuntimeError: [gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:60619.\n"
        "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
        "  exitcode  : 1 (pid: 17862)\n  traceback : Signal 15 (SIGTERM) received by PID 17861\n"
    )
    told = str(failure("axolotl train", tmp_path / "mine.yml", 1, tmp_path / "log"))
    assert told.startswith("axolotl train failed on mine.yml: ValueError: the mesh does not fit; the full log is")


def test_the_tail_is_short(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    log.write_text("".join(f"line {i}\n" for i in range(100)), encoding="utf-8")
    assert meaningful_lines(log) == [f"line {i}" for i in range(85, 100)]


def test_a_missing_environment_is_told(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"there is no Axolotl in .*; run `make train`"):
        axolotl("train", tmp_path / "r.yml", env=tmp_path, log=tmp_path / "l", offline=True, progress=silent())


def test_nobody_is_told_about_a_run_and_accelerate_is_found(tmp_path: Path) -> None:
    found = environment(tmp_path / "env", offline=True)
    assert found["PATH"].split(os.pathsep)[0] == str(tmp_path / "env" / "bin")
    assert found["AXOLOTL_DO_NOT_TRACK"] == found["HF_HUB_DISABLE_TELEMETRY"] == found["HF_HUB_OFFLINE"] == "1"
    assert found["WANDB_MODE"] == "disabled"


@pytest.mark.parametrize(
    ("command", "gpus", "added"),
    [("train", 0, " --launcher python"), ("train", 1, ""), ("train", 2, ""), ("merge-lora", 0, "")],
)
def test_only_a_cpu_trains_without_accelerates_second_process(
    command: str, gpus: int, added: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = fake_environment(tmp_path / "env", 'echo "$@"')
    rows = "".join(f"echo '{i}, NVIDIA L4, 23034, 22000'\n" for i in range(gpus))
    asked = f"case $1 in *memory*) {rows or 'exit 9'}\n;; esac"  # of what else is asked nothing is told
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{asked}\n", encoding="utf-8")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    log = tmp_path / "l"
    axolotl(command, tmp_path / "r.yml", env=env, log=log, offline=True, progress=silent())
    assert log.read_text(encoding="utf-8") == f"{command} {tmp_path / 'r.yml'}{added}\n"


@pytest.mark.train
def test_a_recipe_that_axolotl_refuses_is_one_sentence(warm: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "bad.yml"
    recipe.write_text(
        "base_model: nowhere\noutput_dir: out\nmicro_batch_size: 1\nnum_epochs: 1\nlearning_rate: 1e-4\nrl: sideways\n"
        "datasets:\n  - path: pairs.jsonl\n    type: chat_template.default\n",
        encoding="utf-8",
    )
    with pytest.raises(LaunchError) as caught:
        axolotl(
            "train",
            recipe,
            env=warm.parents[1],
            log=tmp_path / "l",
            offline=True,
            progress=silent(),
            cwd=tmp_path,
        )
    assert str(caught.value).startswith("axolotl train failed on bad.yml: ")
    assert any("sideways" in line or "rl" in line for line in caught.value.excerpt)
    assert 1 <= len(caught.value.excerpt) <= 15
