"""The two servers as Docker containers: started, watched, and always taken down.

A stack is one Compose project with a name of its own, so two runs do not meet. If this process is killed outright, a
small second one (blindside/containers/reaper.py) takes the containers down.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from docker.errors import DockerException

from blindside.containers import reaper
from blindside.containers.owned import owner
from compose.command import HERE, Compose
from compose.errors import ComposeError, EngineNotHealthy, PortTaken
from compose.folder import check as check_folder
from compose.folder import is_local
from compose.interrupts import interrupts_held
from compose.leftovers import PROJECT, remove_orphans
from compose.limits import user_settings
from compose.machine import compose_version, connect, free_port
from compose.plan import Plan
from compose.pull import ensure_image
from compose.replicas import port_dial, replica_compose, replicated
from compose.sides import Survivors, by_side
from compose.stack import Model, healthy
from compose.watch import ContainerWatch

PORT = "80/tcp"  # of a server, inside its container
LOOK_EVERY = 0.2  # seconds
TRIES = 3  # at ports of our own choosing: another program may be quicker


class DockerStack:
    """The models in containers, as `plan` says. Use it as a context manager, like EmbeddedStack.

    Entering pulls the image, starts the servers and returns when all are healthy; it raises DockerMissing,
    ImageMissing, ModelUnreadable, PortTaken, ContainerDied or EngineNotHealthy. Leaving takes all down. `urls` has
    each server's address, `served` the model's name as its server knows it, and `engine` names server, image and
    digest.
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        run: str,
        plan: Plan,
        logs: Path,
        startup_seconds: float = 1800.0,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        if not {model.side for model in models} <= {"base", "tuned"} or len({m.side for m in models}) != len(models):
            raise ComposeError("Docker serves the sides base and tuned, one model each")
        self.models = tuple(models)
        #: A model for each container, which its `side` names.
        self.servers = tuple(replicated(models, plan.replicas))
        self.plan = plan
        self.logs = logs
        self.startup_seconds = startup_seconds
        self.say = say
        self.urls: dict[str, str] = {}
        self.served: dict[str, str] = {}
        self.engine = ""
        self.project = f"blindside-{_slug(run)}-{secrets.token_hex(3)}"
        self.compose = Compose(self.project, self._files(), self._environment(run))
        self._watch: ContainerWatch | None = None
        #: None until all are healthy: before that none may end.
        self._survivors: Survivors | None = None
        self._reaper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> DockerStack:
        for model in self.models:
            if is_local(model):
                check_folder(model, self.plan.server)
        compose_version()
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            self._name_engine()
            self._write_servers()
            self._reaper = reaper.start(f"{PROJECT}={self.project}")
            self._watch = ContainerWatch(self.project, self.logs, self.say)
            self._start(time.monotonic() + self.startup_seconds)
        except BaseException:
            self._take_down()
            raise
        self._survivors = Survivors(self.say)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._take_down()

    def addresses(self) -> dict[str, list[str]]:
        """Of each side, those of its servers that are well. Raises DockerMissing."""
        return by_side(self.urls, self._watch.troubles() if self._watch else ())

    def check(self) -> None:
        """Raises ContainerDied, EngineNotHealthy or DockerMissing where something has gone wrong since, and a side has
        no other server; else that is told once."""
        if self._watch is not None and self._survivors is not None:
            self._survivors.check([model.side for model in self.servers], self._watch.troubles())
        elif self._watch is not None:
            self._watch.check()

    # what is started

    def _files(self) -> list[Path]:
        hub = [HERE / f"docker-compose.hub-{model.side}.yml" for model in self.models if not is_local(model)]
        return [*self.plan.files, *hub, *([self.plan.local] if self.plan.local.is_file() else [])]

    def _environment(self, run: str) -> dict[str, str]:
        values = {**self.plan.environment, "BLINDSIDE_RUN": run, "BLINDSIDE_OWNER": owner()}
        for model in self.models:
            values |= _model_variables(model)
        if not all(map(is_local, self.models)):
            from huggingface_hub import get_token

            values |= {"HF_TOKEN": token} if (token := get_token()) else {}
        return values

    def _name_engine(self) -> None:
        """See to it that the image is here; both sides must have the same one."""
        services = self.compose.config()["services"]
        images = {services[model.side]["image"] for model in self.models}
        if len(images) != 1:
            raise ComposeError(f"both sides must be served by one image, not by {' and '.join(sorted(images))}")
        image = images.pop()
        client = connect()
        try:
            digest = ensure_image(client, image, self.say)
        finally:
            client.close()
        self.engine = f"{self.plan.server} {image.partition('@')[0]}@{digest}"
        self.served = {model.side: _served(model) for model in self.models}

    def _write_servers(self) -> None:
        """Where there are several servers a side, or GPUs a server: one file with all of them, kept with the logs."""
        if self.plan.replicas == 1 and not self.plan.gpus:
            return
        merged = replica_compose(self.compose.config(), self.servers, self.plan.gpus)
        path = self.logs / "compose.json"
        path.write_text(json.dumps(merged, indent=2) + "\n", encoding="utf-8")
        self.compose.files = (path,)

    # starting

    def _start(self, deadline: float) -> None:
        groups = [[model] for model in self.servers] if self.plan.in_turn else [list(self.servers)]
        for group in groups:
            for model in group:
                self.say(f"{model.side}: starting {model.source} in Docker")
            self._up([model.side for model in group])
            waiting = {model.side for model in group}
            while waiting:
                waiting -= {side for side in sorted(waiting) if self._is_up(side)}
                if waiting:
                    self._wait(sorted(waiting)[0], deadline)

    def _up(self, sides: Sequence[str]) -> None:
        """Start the services at ports that the user chose, or at free ones that stay the same if one is restarted."""
        own = {side: user_settings().get(port_dial(side), "") for side in sides}
        for attempt in range(TRIES):
            ports = {port_dial(side): own[side] or str(free_port()) for side in sides}
            self.compose.environment |= ports
            try:
                self.compose.up(sides)
            except PortTaken:
                if all(own.values()) or attempt == TRIES - 1:
                    raise
            else:
                return

    def _is_up(self, side: str) -> bool:
        """Whether the server answers; its address is noted when it first does."""
        assert self._watch is not None
        where = self._watch.address(side, PORT)
        if where is None or not healthy(url := f"http://{where[0]}:{where[1]}"):
            return False
        self.urls[side] = url
        self.say(f"{side}: healthy at {url}")
        return True

    def _wait(self, side: str, deadline: float) -> None:
        assert self._watch is not None
        self.check()
        if time.monotonic() > deadline:
            raise EngineNotHealthy(
                f"{side}: not healthy after {self.startup_seconds:.0f} s; allow more time for a large model; "
                f"its log is {self.logs / f'{side}.log'}",
                self._watch.tail(side),
            )
        time.sleep(LOOK_EVERY)

    # stopping

    def _take_down(self) -> None:
        """Everything down, by Compose, and where that fails by label. Ctrl-C does not cut this short."""
        with interrupts_held():
            self.urls = {}
            watch, self._watch = self._watch, None
            if watch is not None:
                watch.closing()
            guard, self._reaper = self._reaper, None
            if guard is not None:  # nothing was started before it
                self._remove(guard)
            if watch is not None:
                watch.close()

    def _remove(self, guard: subprocess.Popen[bytes]) -> None:
        """The reaper is dismissed only when all is down; else it continues where we could not."""
        removed = False
        try:
            with contextlib.suppress(ComposeError):
                self.compose.down()
            remove_orphans(self.project)
        except (ComposeError, DockerException) as error:
            self.say(f"the containers could not be removed ({error}); `blindside down` does it later")
        else:
            removed = True
        reaper.dismiss(guard, all_down=removed)


def _model_variables(model: Model) -> dict[str, Any]:
    name = model.side.upper()
    if is_local(model):
        return {f"{name}_FOLDER": str(Path(model.source).expanduser().resolve())}
    return {f"{name}_MODEL": model.source} | ({f"{name}_REVISION": model.revision} if model.revision else {})


def _served(model: Model) -> str:
    return f"/models/{model.side}" if is_local(model) else model.source


def _slug(run: str) -> str:
    """The run's name as Compose takes it: lower case, digits, dashes."""
    return re.sub(r"[^a-z0-9]+", "-", run.lower()).strip("-")[:40] or "run"
