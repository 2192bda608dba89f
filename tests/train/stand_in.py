"""An image that is laid out as Axolotl's is (root's, its Python below a closed /root), with a script for Axolotl.

It has no files of its own: this machine's /usr and the script's folder are mounted by AXOLOTL_VOLUMES.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import docker
import yaml

from train.container.mounts import LOCAL

IMAGE = "blindside-trainer-stand-in:test"
BIN = f"{LOCAL}/bin"
#: What the stand-in prints is what trl prints; then it does what the recipe's `stand_in` says.
AXOLOTL = """
import json, os, signal, sys, time, yaml
command, recipe = sys.argv[1:3]
config = yaml.safe_load(open(recipe))
print(f"axolotl {command} as {os.getuid()}:{os.getgid()} in {os.getcwd()}")
if config["stand_in"] == "fail":
    print("Traceback (most recent call last):")
    print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB")
    sys.exit(3)
for step in (1, 2):
    print(f"\\r {50 * step}%|##  | {step}/2 [00:01<00:01,  1.00it/s]", end="", file=sys.stderr, flush=True)
    print({"loss": f"{1 / step}", "rewards/margins": "0.25"}, flush=True)
out = config["output_dir"]
os.makedirs(out, exist_ok=True)
with open(f"{out}/model.safetensors", "w") as file:
    file.write("weights")
path = os.environ.get("HF_TOKEN_PATH", "")
token = open(path).read() if path else ""
seen = {"token": token, "environment": dict(os.environ), "data": open(config["datasets"][0]["path"]).read()}
seen["groups"] = os.getgroups()
import train.token_check
seen["protocol"] = train.token_check.__file__
with open(f"{out}/seen.json", "w") as file:
    json.dump(seen, file)
try:
    open("written-in-the-project", "w").close()
except OSError as error:
    print(f"the project is {error.strerror}")
if config["stand_in"] == "wait":
    print("WAITING", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    time.sleep(600)
print({"train_runtime": "2.5", "train_loss": "0.75"})
"""


def build(client: docker.DockerClient) -> None:
    """The image: places to mount at, links as in any Linux, and a /root that only root may enter."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("bin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        for name, mode in (("tmp", 0o1777), ("usr", 0o755), ("root", 0o700), ("root/.local", 0o755)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
    name, tag = IMAGE.split(":")
    client.api.import_image_from_data(
        packed.getvalue(), repository=name, tag=tag, changes=[f"ENV PATH={BIN}:/usr/local/bin:/usr/bin:/bin"]
    )


def volumes(folder: Path, real: Path | None = None) -> str:
    """Write the image's `axolotl` and `python` to `folder`; returns AXOLOTL_VOLUMES.

    With `real`, the Python of an environment in this project, it is that environment's Axolotl.
    """
    base = subprocess.run(
        [str(real or sys.executable), "-c", "import sys; print(sys.base_prefix)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    packages = Path(yaml.__file__).parents[1]
    folder.mkdir()
    (folder / "axolotl.py").write_text(AXOLOTL)
    own = f"{base}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    scripts = {
        "python": f'PYTHONPATH={packages}:$PYTHONPATH exec {own} "$@"',
        "axolotl": f'exec python {BIN}/axolotl.py "$@"',
    }
    if real is not None:
        scripts = {
            "python": f'exec {real} "$@"',
            "axolotl": f'PATH={real.parent}:$PATH exec {real.parent}/axolotl "$@"',
        }
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    wanted = {"/usr:/usr:ro", f"{folder}:{BIN}:ro", f"{packages}:{packages}:ro"}
    if not Path(base).is_relative_to("/usr"):
        wanted.add(f"{base}:{base}:ro")
    return ",".join(sorted(wanted))


def recipe(folder: Path, what: str = "train") -> Path:
    """A recipe in a folder of its own, its data outside of the project, its output beside it."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "pairs.jsonl").write_text("{}\n")
    config = {
        "base_model": "someone/some-model",
        "datasets": [{"path": str(folder / "data" / "pairs.jsonl")}],
        "output_dir": str(folder / "work" / "output"),
        "stand_in": what,
    }
    path = folder / "work" / "recipe.yml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(config))
    return path


def somebody() -> int:
    """A user who is not root: whoever runs the tests, or, where that is root, one of no name."""
    return os.getuid() or 54321
