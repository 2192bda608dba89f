"""A run published as a Space, and its verdicts home: what is public, what is refused, what is never overwritten."""

from __future__ import annotations

import io
import re
import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from eval.answers import read_answers
from eval.errors import InputError, ReleaseError
from eval.judge.access.accounts import add_account
from eval.judge.setup.keyfile import KEY_FILE
from eval.judge.study.study import Study
from eval.release.hub.sync import Sync
from eval.release.hub.upload import client
from eval.release.space.fetch import fetch
from eval.release.space.layout import FIXED, SECRET_PLACE, SECRET_TOKEN, Settings, read_deployed
from eval.release.space.publish import SpacePlan, publish, stop
from eval.release.space.pull import Pulled, pull
from eval.release.space.store import Store
from eval.run import Run
from tests.cli.command import BLINDSIDE
from tests.judge.runs import BASE_NAME, TUNED_NAME, make_run
from tests.judge.server import EVERY_PAIR
from tests.judge.sweeps import make_sweep, runs
from tests.judge.verdicts import verdict_store
from tests.release.hub_state import WRITER, Hub
from tests.support import ROOT, judged

SPACE, DATA, NAME, PASSWORD = "our/judging", "our/judging-data", "nightingale-7f", "correct horse battery"
COPY = f"{NAME}/verdicts.csv"


@pytest.fixture
def run(tmp_path: Path, hub: Hub) -> Run:
    """Published, with one login."""
    add_account(tmp_path / "reviewers.csv", "Zoë Quill", PASSWORD)
    run = make_run(tmp_path / "home", n=6, name=NAME)
    publish(run, EVERY_PAIR, wanted(tmp_path), print)
    return run


def wanted(tmp_path: Path, **changes: object) -> SpacePlan:
    return SpacePlan(**{"space": SPACE, "data": DATA, "accounts": tmp_path / "reviewers.csv", **changes})  # type: ignore[arg-type]


def store() -> Store:
    return Store(client(), DATA, NAME)


def judge(run: Run, first: int, last: int, reviewer: str = "Zoë Quill") -> None:
    pairs = list(read_answers(run.responses_path).pairs(run.prompts()))
    verdicts = verdict_store(run)
    for pair in pairs[first:last]:
        verdicts.append(judged(run, pair).model_copy(update={"reviewer": reviewer}))


def there(tmp_path: Path) -> Run:
    """The run as the Space has it."""
    return fetch(store(), tmp_path / "space" / "reports").run


def public_bytes(hub: Hub) -> dict[str, bytes]:
    """Every byte of the Space's repository, the wheel's files unpacked, in all its revisions."""
    found = {
        f"{rev}/{path}": data for rev in hub.repos[SPACE].revisions for path, data in hub.files(SPACE, rev).items()
    }
    for data in [data for path, data in found.items() if path.endswith(".whl")]:
        with zipfile.ZipFile(io.BytesIO(data)) as wheel:
            found |= {name: wheel.read(name) for name in wheel.namelist()}
    return found


def test_a_reader_of_the_space_finds_nothing_of_the_run(run: Run, hub: Hub, tmp_path: Path) -> None:
    hashed = (tmp_path / "reviewers.csv").read_text().splitlines()[-1].rpartition(",")[2]
    secret = [NAME, DATA, WRITER, BASE_NAME, TUNED_NAME, "Quill", hashed, (run.folder / KEY_FILE).read_text().strip()]
    secret += [
        text
        for pair in read_answers(run.responses_path).pairs(run.prompts())
        for text in (pair.base.text, pair.prompt_id)
    ]
    found = public_bytes(hub)
    assert [
        (path, text)
        for path, data in found.items()
        for text in secret
        if text.encode() in data or text.encode() in path.encode()
    ] == []
    # The search finds what is there.
    assert any(b"def present" in data for data in found.values())
    assert [name for name in found if name.endswith(".yml") and not name.startswith("eval/")] == []
    assert set(hub.files(SPACE)) == {
        ".gitattributes",
        "README.md",
        "app.py",
        "requirements.txt",
        "blindside-0.1.0-py3-none-any.whl",
    }


def test_the_private_repository_holds_the_run_and_the_secrets_lead_to_it(run: Run, hub: Hub, tmp_path: Path) -> None:
    assert hub.repos[DATA].private
    files = hub.files(DATA)
    for name in (*(name for name in FIXED if (run.folder / name).exists()), "run.json"):
        assert files[f"{NAME}/{name}"] == (run.folder / name).read_bytes()
    assert files[f"{NAME}/reviewers.csv"] == (tmp_path / "reviewers.csv").read_bytes()
    assert hub.spaces[SPACE]["secrets"] == {SECRET_PLACE: f"{DATA}/{NAME}", SECRET_TOKEN: WRITER}
    assert there(tmp_path).info.identity() == run.info.identity()
    assert ((tmp_path / "space" / "reports" / NAME / KEY_FILE).stat().st_mode & 0o777) == 0o600


def test_the_space_may_have_a_token_of_its_own(
    run: Run, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLINDSIDE_SPACE_TOKEN", "hf_only_for_this_one")
    publish(run, None, wanted(tmp_path), print)
    assert hub.spaces[SPACE]["secrets"][SECRET_TOKEN] == "hf_only_for_this_one"


@pytest.mark.parametrize("users", [(), ("ann",)])
def test_the_metadata_are_those_of_a_gradio_space(run: Run, hub: Hub, tmp_path: Path, users: tuple[str, ...]) -> None:
    publish(run, None, wanted(tmp_path, settings=Settings(users=users)), print)
    about = yaml.safe_load(hub.files(SPACE)["README.md"].decode().split("---\n")[1])
    assert (about["sdk"], about["app_file"], about["python_version"]) == ("gradio", "app.py", "3.11")
    assert f"gradio=={about['sdk_version']}\n".encode() in hub.files(SPACE)["requirements.txt"]
    assert about.get("hf_oauth", False) is bool(users)
    assert b"ann" not in hub.files(SPACE)["README.md"].replace(b"cannot", b"")


def test_every_requirement_is_exact_and_is_one_that_we_allow() -> None:
    lines = (ROOT / "eval/release/space/requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines)
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lines)
    for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        asked = Requirement(text)
        assert asked.specifier.contains(pins[asked.name.replace("_", "-").lower()]), text


def test_verdicts_come_home_and_only_what_is_new(run: Run, hub: Hub, tmp_path: Path) -> None:
    space = there(tmp_path)
    judge(space, 0, 4)
    Sync(space, DATA).push()
    assert pull(run, store(), pytest.fail) == Pulled(4, 4)
    assert run.verdicts_path.read_bytes() == space.verdicts_path.read_bytes()
    judge(space, 4, 6)
    Sync(space, DATA).push()
    assert pull(run, store(), pytest.fail) == Pulled(2, 6)
    assert pull(run, store(), pytest.fail) == Pulled(0, 6)
    # Judged on here, nothing is taken away.
    judge(run, 0, 2, "here")
    before = run.verdicts_path.read_bytes()
    assert pull(run, store(), pytest.fail) == Pulled(0, 8)
    assert run.verdicts_path.read_bytes() == before


def test_what_was_judged_in_both_places_is_refused_and_nothing_is_changed(run: Run, hub: Hub, tmp_path: Path) -> None:
    space = there(tmp_path)
    judge(space, 0, 2)
    Sync(space, DATA).push()
    judge(run, 0, 1, "here")
    before = run.verdicts_path.read_bytes()
    with pytest.raises(ReleaseError, match=r"differ from line 2 on, and nothing was changed: rows were judged"):
        pull(run, store(), pytest.fail)
    assert run.verdicts_path.read_bytes() == before
    with pytest.raises(ReleaseError, match="judge in one place"):
        publish(run, None, wanted(tmp_path), print)
    assert hub.files(DATA)[COPY] == space.verdicts_path.read_bytes()


ALTERED: dict[str, Callable[[bytes], bytes]] = {
    "a verdict": lambda data: data.replace(b",tuned,", b",base,", 1),
    "a row less": lambda data: b"".join(line for n, line in enumerate(data.splitlines(keepends=True)) if n != 2),
    "a row twice": lambda data: data + data.splitlines(keepends=True)[-1],
    "another order": lambda data: b"".join(
        [(lines := data.splitlines(keepends=True))[0], lines[2], lines[1], *lines[3:]]
    ),
    "half a row": lambda data: data[:-9],
    "no table": lambda data: b"x,y\n1,2\n",
}


@pytest.mark.parametrize("how", ALTERED)
def test_a_table_that_somebody_altered_is_neither_pulled_nor_served(
    run: Run, hub: Hub, tmp_path: Path, how: str
) -> None:
    space = there(tmp_path)
    judge(space, 0, 4)
    Sync(space, DATA).push()
    hub.put(DATA, COPY, ALTERED[how](hub.files(DATA)[COPY]))
    with pytest.raises(ReleaseError, match=r"the copy's|was altered"):
        pull(run, store(), pytest.fail)
    assert not run.verdicts_path.exists()
    with pytest.raises(ReleaseError, match=r"the copy's|was altered"):
        fetch(store(), tmp_path / "restarted")
    # A server that still runs overwrites nothing.
    altered = hub.files(DATA)[COPY]
    judge(space, 4, 5)
    if how == "half a row":  # then what it has goes on from there
        assert Sync(space, DATA).push()
        return
    with pytest.raises(ReleaseError):
        Sync(space, DATA).push()
    assert hub.files(DATA)[COPY] == altered


def test_a_start_keeps_what_its_volume_has_and_the_hub_lacks(run: Run, hub: Hub, tmp_path: Path) -> None:
    space = there(tmp_path)
    judge(space, 0, 3)
    Sync(space, DATA).push()
    judge(space, 3, 5)
    before = space.verdicts_path.read_bytes()
    assert there(tmp_path).verdicts_path.read_bytes() == before
    behind = tmp_path / "behind"
    assert fetch(store(), behind).run.verdicts_path.read_bytes() == hub.files(DATA)[COPY]
    judge(fetch(store(), behind).run, 3, 4, "other")
    Sync(fetch(store(), behind).run, DATA).push()
    with pytest.raises(ReleaseError, match="differ from line 5 on"):
        there(tmp_path)
    assert space.verdicts_path.read_bytes() == before


def test_published_again_nothing_that_was_judged_there_is_lost(run: Run, hub: Hub, tmp_path: Path) -> None:
    space = there(tmp_path)
    judge(space, 0, 2)
    Sync(space, DATA).push()
    deployed = read_deployed(run.folder)
    assert deployed is not None
    stop(deployed)
    assert hub.spaces[SPACE]["stage"] == "PAUSED"
    publish(run, None, wanted(tmp_path), print)
    assert hub.spaces[SPACE]["stage"] == "RUNNING"
    assert hub.files(DATA)[COPY] == space.verdicts_path.read_bytes()
    with pytest.raises(ReleaseError, match=r"study.json is not what the verdicts in our/judging-data were given by"):
        publish(run, Study(practice=0), wanted(tmp_path), print)


def test_another_application_is_not_overwritten_and_a_public_run_is_refused(run: Run, hub: Hub, tmp_path: Path) -> None:
    hub.put("our/chess", "app.py", b"print('chess')\n")
    with pytest.raises(ReleaseError, match="the Space our/chess is another application"):
        publish(run, None, wanted(tmp_path, space="our/chess"), print)
    assert hub.files("our/chess") == {"app.py": b"print('chess')\n"}
    hub.repos[DATA].private = False
    for act in (
        lambda: publish(run, None, wanted(tmp_path), print),
        lambda: pull(run, store(), print),
        lambda: there(tmp_path),
    ):
        with pytest.raises(ReleaseError, match="our/judging-data is public"):
            act()


def test_a_bucket_is_mounted_at_data(run: Run, hub: Hub, tmp_path: Path) -> None:
    publish(run, None, wanted(tmp_path, bucket="our/disk"), print)
    assert hub.spaces[SPACE]["volumes"] == [{"type": "bucket", "source": "our/disk", "mountPath": "/data"}]


def test_verdicts_of_a_server_that_was_replaced_are_told(run: Run, hub: Hub) -> None:
    path = f"{NAME}/stranded/ab-verdicts.csv"
    hub.put(DATA, path, b"x")
    said: list[str] = []
    pull(run, store(), said.append)
    assert said == [f"{DATA} holds verdicts of a server that was replaced, which are in no table: {path}"]


def test_a_sweep_is_refused_and_what_to_do_instead_is_named(hub: Hub, tmp_path: Path) -> None:
    make_sweep(tmp_path, n=2)
    for command in (["space", "rates", "--repo", SPACE, "--user", "ann"], ["pull", "rates"]):
        # Not the warm one: it may have been started without this test's token.
        done = subprocess.run([BLINDSIDE, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "with `blindside judge rates --auth reviewers.csv --share`" in done.stderr
    with pytest.raises(InputError, match="judge all of them on one page, with `blindside judge rates`"):
        publish(runs(tmp_path)["low"], None, wanted(tmp_path), print)
    assert hub.repos == {}
