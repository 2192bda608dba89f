"""Axolotl's container for real: a real engine, an image laid out as Axolotl's, files, signals and what is left."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from blindside.containers.images import Pull
from blindside.containers.owned import RUN
from compose.leftovers import down
from tests.compose.servers import MODEL
from tests.docker.stand_in import need_docker
from tests.support import ROOT, TRAIN_PYTHON, require
from tests.train import stand_in
from tests.train.models import hf5_folder
from tests.train.models import recipe as tiny_recipe
from tests.train.stand_in import IMAGE, recipe, somebody
from train.container.container import axolotl, container_wanted, versions
from train.container.image import IMAGE as PINNED
from train.container.image import bar, ensure_image, image_name
from train.errors import LaunchError
from train.progress import Progress
from train.recipe import find_recipe, read_recipe
from train.stage import train
from train.tiny.world import pair_rows, to_jsonl

pytestmark = pytest.mark.docker
CALL = """
import io, sys
from pathlib import Path
from train.container.container import axolotl
from train.progress import Progress
recipe = Path(sys.argv[1])
axolotl("train", recipe, env=Path("/none"), log=recipe.with_name("train.log"), offline=False, progress=Progress("x"))
"""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    made = need_docker()
    stand_in.build(made)
    yield made
    made.images.remove(IMAGE, force=True)
    made.close()


@pytest.fixture
def world(client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a recipe; the image is the stand-in's, and the Hub's cache lies beside the recipe."""
    monkeypatch.setenv("AXOLOTL_IMAGE", IMAGE)
    monkeypatch.setenv("AXOLOTL_VOLUMES", stand_in.volumes(tmp_path / "bin"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    for name in ("HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(path: Path, progress: Progress | None = None) -> dict[str, float]:
    shown = progress or Progress("test", io.StringIO())
    return axolotl("train", path, env=Path("/none"), log=path.with_name("train.log"), offline=True, progress=shown)


def left(client: docker.DockerClient) -> list[Any]:
    return [one for one in client.containers.list(all=True) if one.labels.get(RUN, "").startswith("train-")]


def seen(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path.parent / "output" / "seen.json").read_text())
    return found


def open_to(folder: Path, user: int) -> None:
    """Give a test's folder to `user`, and let everybody through the folders above it."""
    for parent in folder.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o111)
    for place in (folder, *folder.rglob("*")):
        os.chown(place, user, user)


def as_user(user: int, path: Path) -> subprocess.Popen[bytes]:
    """The call of `axolotl` by a process of that user, who may speak to the engine."""
    command = [sys.executable, "-c", CALL, str(path)]
    environment = {**os.environ, "HOME": str(path.parent)}
    if user == os.getuid():
        return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    command[0] = python_of(user)
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(Path(docker.__file__).parents[1])])
    groups = [Path("/var/run/docker.sock").stat().st_gid]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, user=user, group=user, extra_groups=groups
    )


def python_of(user: int) -> str:
    """A Python of this version that the user may start: these tests' own may lie where only root may enter."""
    for one in (str(Path(sys.executable).resolve()), "/usr/bin/python3"):
        try:
            said = subprocess.check_output([one, "-c", "import sys; print(sys.version_info[:2])"], user=user, text=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        if said.strip() == str(sys.version_info[:2]):
            return one
    require(False, "needs a Python of this version that other users may start")
    raise AssertionError


def test_figures_log_and_files_are_those_of_a_local_run(client: docker.DockerClient, world: Path) -> None:
    path = recipe(world / "r")
    assert run(path) == {"loss": 0.5, "rewards/margins": 0.25, "train_runtime": 2.5, "train_loss": 0.75}
    log = path.with_name("train.log").read_bytes()
    assert b"\r 100%|##  | 2/2 [00:01<00:01,  1.00it/s]" in log
    assert f"axolotl train as {os.getuid()}:{os.getgid()} in {ROOT}".encode() in log
    assert b"the project is Read-only file system" in log
    weights = path.parent / "output" / "model.safetensors"
    assert weights.read_text() == "weights"
    assert weights.stat().st_uid == os.getuid()
    assert seen(path)["data"] == "{}\n"
    assert seen(path)["protocol"] == str(ROOT / "train" / "token_check.py")  # Axolotl can load our plugin
    assert left(client) == []


def test_nobody_is_told_and_the_cache_is_the_callers(world: Path) -> None:
    path = recipe(world / "r")
    run(path)
    environment = seen(path)["environment"]
    assert (environment["AXOLOTL_DO_NOT_TRACK"], environment["HF_HUB_OFFLINE"]) == ("1", "1")
    assert (environment["WANDB_MODE"], environment["HF_HUB_DISABLE_TELEMETRY"]) == ("disabled", "1")
    assert environment["HF_HOME"] == str(world / "hub")
    assert (world / "hub").is_dir()
    assert environment["PATH"].startswith(stand_in.BIN)


def test_the_token_is_a_file_that_inspect_does_not_show(
    client: docker.DockerClient, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret_of_mine")
    path = recipe(world / "r", "wait")
    with as_user(os.getuid(), path) as process:
        shown = json.dumps(_waiting(client, path, process).attrs)
        process.send_signal(signal.SIGINT)
        _end(process)
    assert "hf_secret_of_mine" not in shown
    assert "/run/secrets/hf_token" in shown
    assert seen(path)["token"] == "hf_secret_of_mine"
    assert "HF_TOKEN" not in seen(path)["environment"]
    assert left(client) == []


def _waiting(client: docker.DockerClient, path: Path, process: subprocess.Popen[bytes]) -> Any:
    """The container, once its command waits."""
    log = path.with_name("train.log")
    for _ in range(600):
        if log.exists() and b"WAITING" in log.read_bytes():
            return left(client)[0]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    raise AssertionError(_end(process))


def _end(process: subprocess.Popen[bytes]) -> str:
    said = process.communicate(timeout=60)[1]
    return said.decode()


@pytest.mark.parametrize("closed", [False, True], ids=["becomes the caller", "gives the files at the end"])
def test_files_belong_to_a_caller_who_is_not_root(world: Path, closed: bool) -> None:
    """With `closed` the caller cannot start the image's Python, whatever is done about /root."""
    user = somebody()
    if closed and os.getuid() != 0:
        pytest.skip("only root can close a folder to this user")
    path = recipe(world / "r")
    if os.getuid() == 0:
        open_to(world, user)
    if closed:
        os.chown(world / "bin", 0, 0)
        (world / "bin").chmod(0o700)
    with as_user(user, path) as process:
        said = _end(process)
    assert process.returncode == 0, said
    ran_as = 0 if closed else user
    assert f"axolotl train as {ran_as}:".encode() in path.with_name("train.log").read_bytes()
    made = [path.parent / "output", path.parent / "output" / "model.safetensors", world / "hub"]
    assert [place.stat().st_uid for place in made] == [user] * 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_the_parent_ends(
    client: docker.DockerClient, world: Path, number: signal.Signals
) -> None:
    path = recipe(world / "r", "wait")
    with as_user(os.getuid(), path) as process:
        container = _waiting(client, path, process)
        process.send_signal(number)
        _end(process)
        assert process.returncode != 0
    for _ in range(600):
        if container.id not in {one.id for one in client.containers.list(all=True, ignore_removed=True)}:
            break
        time.sleep(0.05)
    assert left(client) == []


def test_blindside_down_knows_the_container(client: docker.DockerClient, world: Path) -> None:
    path = recipe(world / "r", "wait")
    said: list[str] = []
    with as_user(os.getuid(), path) as process:
        name = _waiting(client, path, process).labels[RUN]
        assert down(say=said.append) == 0
        assert said == [f"{name}: in use, left alone"]
        assert down(name, said.append) == 1
        said_by_it = _end(process)
    assert "Axolotl's container was removed while it ran; train again" in said_by_it
    assert left(client) == []


def test_a_failure_is_the_sentence_of_a_local_run(client: docker.DockerClient, world: Path) -> None:
    path = recipe(world / "r", "fail")
    with pytest.raises(LaunchError, match=r"axolotl train failed on recipe\.yml: the GPU's memory is full") as caught:
        run(path)
    assert caught.value.tail[-1].startswith("torch.OutOfMemoryError")
    assert left(client) == []


def test_an_image_that_is_not_there_is_a_sentence(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXOLOTL_IMAGE", "127.0.0.1:1/no/such:image")
    with pytest.raises(LaunchError, match=r"127\.0\.0\.1:1/no/such:image could not be pulled .*AXOLOTL_IMAGE"):
        run(recipe(world / "r"))


def test_a_folder_that_would_hide_the_images_own_is_refused(world: Path) -> None:
    path = recipe(world / "r")
    path.write_text(path.read_text().replace(str(world / "r" / "data" / "pairs.jsonl"), "/workspace/.."))
    with pytest.raises(LaunchError, match="the folder / would hide /usr of Axolotl's image"):
        run(path)


def test_an_output_that_cannot_be_made_is_a_sentence(world: Path) -> None:
    path = recipe(world / "r")
    (world / "file").write_text("")
    path.write_text(path.read_text().replace(str(path.parent / "output"), str(world / "file" / "output")))
    with pytest.raises(LaunchError, match=r"file/output cannot be made \(Not a directory\): make it as"):
        run(path)


@pytest.mark.train
@pytest.mark.slow
def test_real_axolotl_trains_in_a_container(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require(TRAIN_PYTHON.exists(), "needs .venv-train")
    monkeypatch.setenv("AXOLOTL_VOLUMES", stand_in.volumes(world / "real", TRAIN_PYTHON))
    rows = [
        {
            "messages": [{"role": "user", "content": f"What is {number} and {number}?"}],
            "chosen": {"role": "assistant", "content": f"{2 * number}."},
            "rejected": {"role": "assistant", "content": f"It is {2 * number}, of course."},
        }
        for number in range(16)
    ]
    (world / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    tiny = read_recipe(find_recipe("tiny"))
    data = [{**tiny.config["datasets"][0], "path": str(world / "pairs.jsonl")}]
    asked = tiny.derive(
        world / "work" / "recipe.yml", base_model=str(MODEL), datasets=data, max_steps=2, logging_steps=1,
        output_dir=str(world / "work" / "output"), dataset_prepared_path=str(world / "work" / "prepared"),
    )  # fmt: skip
    figures = run(asked.path)
    assert figures["train_runtime"] > 0
    assert (world / "work" / "output" / "model.safetensors").stat().st_size > 1_000_000


def test_an_image_that_does_not_tell_its_versions_costs_no_training(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINER", "docker")
    (world / "pairs.jsonl").write_text(to_jsonl(pair_rows()[:8]), encoding="utf-8")
    path = tiny_recipe(world, hf5_folder(world / "base"))
    with pytest.raises(LaunchError, match="has no Axolotl; check AXOLOTL_IMAGE"):
        train(str(path), models=world / "models", env=Path("/none"), say=lambda _: None)
    assert not (world / "models" / "mine.work" / "train.log").exists()


def test_the_images_versions_are_its_own(client: docker.DockerClient, world: Path) -> None:
    found = versions(("PyYAML",), Progress("test", io.StringIO()))
    assert found["PyYAML"].count(".") >= 1
    assert found["image"].startswith("sha256:")
    with pytest.raises(LaunchError, match="has no Axolotl; check AXOLOTL_IMAGE"):
        versions(("no-such-package",), Progress("test", io.StringIO()))
    assert left(client) == []


def test_the_image_is_pinned_and_can_be_another(client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AXOLOTL_IMAGE", raising=False)
    train = (ROOT / "pyproject.toml").read_text()
    assert f'"axolotl=={image_name().rpartition(":")[2]}"' in train
    assert image_name() == PINNED
    assert ensure_image(client, IMAGE, Progress("x", io.StringIO())).tags == [IMAGE]


def test_a_pull_shows_what_is_here_and_what_is_left() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    pull, out = Pull(began=0.0), Terminal()
    for layer, here in (("a", 300_000_000), ("b", 100_000_000)):
        pull.take({"id": layer, "status": "Downloading", "progressDetail": {"current": here, "total": 400_000_000}})
    pull.take({"id": "a", "status": "Download complete"})
    Progress("x", out).feed(bar(pull, 60.0))
    assert out.getvalue().strip() == "x: pulling the image, MB (about 1 min left): 500/800"


def test_the_image_trains_what_wants_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (read_recipe(find_recipe(name)) for name in ("tiny", "qwen2.5-3b-dpo"))
    monkeypatch.setenv("PATH", "/nowhere")  # no nvidia-smi there
    monkeypatch.delenv("TRAINER", raising=False)
    assert [container_wanted(small), container_wanted(large)] == [False, False]
    monkeypatch.setenv("TRAINER", "docker")
    assert [container_wanted(small), container_wanted(large)] == [True, True]
    monkeypatch.setenv("TRAINER", "both")
    with pytest.raises(LaunchError, match="TRAINER is 'both'; give auto, docker or local"):
        container_wanted(small)
