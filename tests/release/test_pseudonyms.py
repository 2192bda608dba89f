"""Who judged is reported by names that nobody can trace without the run's own key."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.store.verdict_files import read_verdicts
from eval.release.hub.pseudonyms import KEY_FILE, Pseudonyms, pseudonyms, published, renamed, reviewers
from tests.judge.verdicts import unsealed, verdict_store
from tests.release.judged import REVIEWERS, Project, make_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "home")


def test_one_reviewer_one_name_and_another_key_other_names(project: Project) -> None:
    names, again = pseudonyms(project.run), pseudonyms(project.run)
    assert [names.of(one) for one in REVIEWERS] == [again.of(one) for one in REVIEWERS]
    assert len({names.of(one) for one in REVIEWERS}) == len(REVIEWERS)
    assert Pseudonyms(b"another").of("bob") != names.of("bob")


def test_two_runs_give_one_reviewer_two_names(project: Project, tmp_path: Path) -> None:
    other = make_project(tmp_path / "other")
    assert pseudonyms(project.run).of("bob") != pseudonyms(other.run).of("bob")


def test_published_verdicts_are_verdicts(project: Project, tmp_path: Path) -> None:
    names = pseudonyms(project.run)
    data = project.run.verdicts_path.read_bytes()
    out = tmp_path / "verdicts.csv"
    out.write_bytes(published(project.run.verdicts_path, names, comments=False))
    before, after = read_verdicts(project.run.verdicts_path), read_verdicts(out)
    renamed_rows = [row.model_copy(update={"reviewer": names.of(row.reviewer), "comment": ""}) for row in before]
    assert unsealed(renamed_rows) == unsealed(after)
    assert reviewers(data) == sorted(REVIEWERS)


def test_cells_that_a_spreadsheet_would_run_stay_neutral(project: Project) -> None:
    store = verdict_store(project.run)
    store.append(store.rows[0].model_copy(update={"verdict_id": "x", "reviewer": "eve", "comment": "=HYPERLINK(1)"}))
    out = published(project.run.verdicts_path, pseudonyms(project.run), comments=True)
    assert b",'=HYPERLINK(1)," in out
    assert b",=" not in out


def test_a_byte_order_mark_and_carriage_returns_are_let_pass(project: Project, tmp_path: Path) -> None:
    names = pseudonyms(project.run)
    edited = tmp_path / "verdicts.csv"
    edited.write_bytes(b"\xef\xbb\xbf" + project.run.verdicts_path.read_bytes().replace(b"\n", b"\r\n"))
    assert published(edited, names, comments=True) == published(project.run.verdicts_path, names, comments=True)


def test_other_tables_get_the_same_names(project: Project) -> None:
    names = pseudonyms(project.run)
    data = (project.run.folder / "skips.csv").read_bytes()
    assert reviewers(renamed(data, names)) == [names.of("Zoë")]
    assert renamed(b"item,score\n1,2\n", names) == b"item,score\n1,2\n"


def test_a_broken_key_is_told(project: Project) -> None:
    (project.run.folder / KEY_FILE).write_text("not a key")
    with pytest.raises(InputError, match="is not a key: restore it"):
        pseudonyms(project.run)


def test_an_empty_file_has_nobody() -> None:
    assert reviewers(b"") == []
