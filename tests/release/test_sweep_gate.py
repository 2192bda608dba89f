"""A candidate's run is decided as one of k, wherever its folder lies and whatever else is left of the sweep."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from eval.errors import StaleInputs
from eval.evidence.analysis import analyse_run
from eval.release.gate.decision import Decision
from eval.release.gate.gate import decide
from eval.report.tables.markdown import markdown
from eval.run import Run, open_run
from eval.run_info import SweepMember
from tests.judge.runs import with_key
from tests.release.studies import judge, study

MEMBER = SweepMember(sweep="rates", candidate="high", of=8)


def candidate(folder: Path, share: float = 0.62, *, member: SweepMember | None = MEMBER) -> Run:
    """Judged to its end, with a preference that is shown at 5% and not at an eighth of that."""
    run = study(folder, n=100)
    if member is not None:
        run = run.update(sweep=member)
    run = judge(with_key(run), share, seed=11)
    return open_run(run.folder.parent, run.name)


def rule(found: Decision, name: str) -> tuple[str, str]:
    return next((one.status, one.found) for one in found.rules if one.name == name)


def test_a_preference_that_one_model_may_claim_is_not_enough_for_the_best_of_eight(tmp_path: Path) -> None:
    alone = decide(candidate(tmp_path / "alone", member=None))
    assert rule(alone, "superiority")[0] == "pass"
    assert alone.headline.confidence == 0.95
    assert "sweep" not in {one.name for one in alone.rules}

    chosen = decide(candidate(tmp_path / "chosen"))
    assert rule(chosen, "superiority")[0] == "fail"
    assert chosen.decision == "hold"
    assert rule(chosen, "sweep") == ("pass", "high, one of 8 candidates of sweep rates: decided at 99.38%")
    assert chosen.headline.confidence == pytest.approx(1 - 0.05 / 8)
    assert "99.38% interval" in chosen.headline.sentence


def test_a_strong_candidate_is_released_all_the_same(tmp_path: Path) -> None:
    assert decide(candidate(tmp_path, 0.95)).decision == "release"


def test_the_run_alone_copied_elsewhere_is_still_one_of_eight(tmp_path: Path) -> None:
    run = candidate(tmp_path)
    copy = tmp_path / "elsewhere" / run.name
    shutil.copytree(run.folder, copy)
    found = decide(open_run(copy.parent, copy.name))
    assert rule(found, "sweep")[1].startswith("high, one of 8 candidates of sweep rates")
    assert rule(found, "superiority")[0] == "fail"
    assert "99.38%" in markdown(analyse_run(open_run(copy.parent, copy.name)))


@pytest.mark.parametrize("of", [None, 2])
def test_a_run_that_no_longer_says_so_is_refused(of: int | None, tmp_path: Path) -> None:
    run = candidate(tmp_path)
    path = run.folder / "run.json"
    data = json.loads(path.read_bytes())
    if of is None:
        del data["sweep"]
    else:
        data["sweep"]["of"] = of
    path.write_text(json.dumps(data))
    with pytest.raises(
        StaleInputs, match=r"does not mention the sweep of 8 candidates that .*plan\.json was frozen in"
    ):
        decide(open_run(run.folder.parent, run.name))
