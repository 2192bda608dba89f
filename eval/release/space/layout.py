"""Names and places: a Space's public repository, and the private data set repository with the run."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from eval.errors import ReleaseError
from eval.journal import write_atomically
from eval.judge.setup.keyfile import KEY_FILE
from eval.records import Row
from eval.release.hub.sync import TABLES as TABLES

#: Below the run's name in the data set repository. Fixed before people judge there:
FIXED = ("prompts.jsonl", "responses.jsonl", "study.json", "plan.json", "asked.json", "gate.yml", KEY_FILE)
RUN = "run.json"
ACCOUNTS = "reviewers.csv"
SETTINGS = "settings.json"
LEASE = "serving.json"
#: Of a Space: where the run lies (owner/name/RUN), and the token that opens it. Both are secrets: a Space's variables
#: are public.
SECRET_PLACE, SECRET_TOKEN = "BLINDSIDE_DATA", "BLINDSIDE_TOKEN"
#: Seconds between two copies. The Hub takes some hundred commits an hour.
EVERY = 60.0
_LOCAL = "space.json"


class Settings(Row):
    """How the Space serves its run. `users` and `orgs`: accounts of the Hub; without any, logins of reviewers.csv."""

    every: float = Field(default=EVERY, gt=0)
    users: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()

    @property
    def by_hub(self) -> bool:
        return bool(self.users or self.orgs)


class DeployedSpace(Row):
    """In the run's folder here: the Space that serves it, and the data set repository that holds it."""

    space: str
    data: str


def write_deployed(folder: Path, deployed: DeployedSpace) -> None:
    write_atomically(folder / _LOCAL, (deployed.model_dump_json(indent=2) + "\n").encode())


def read_deployed(folder: Path) -> DeployedSpace | None:
    """Raises ReleaseError for a file that is not ours."""
    path = folder / _LOCAL
    try:
        return DeployedSpace.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise ReleaseError(f"{path} is damaged: remove it, and name the repositories by --repo and --data") from None
