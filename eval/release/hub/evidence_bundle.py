"""The published evidence, eval/ in the repository: reviewers under pseudonyms, nothing of this machine."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from blindside.yaml_files import BadYaml, read_yaml
from eval.policy import frozen_policy_path
from eval.release.gate.decision import Decision, write_decision
from eval.release.gate.outputs import write_outputs
from eval.release.hub.pseudonyms import KINDS, Pseudonyms, pseudonyms, published, renamed, reviewers
from eval.release.hub.redact import published_artifact, published_decision, published_run, scrub, scrub_text
from eval.report.write_report import write_report
from eval.run import Run, write_run_json
from train.artifact import Artifact
from train.files import sha256_file

#: Files of judgements, which are published; the second is that of a study by thumbs.
JUDGED = tuple(KINDS)
#: Files of a run that a report is made from, in which nobody is named.
_AS_THEY_ARE = ("prompts.jsonl", "responses.jsonl", "study.json", "plan.json", "asked.json", "gate.yml")
#: All tables of a run. Whatever else is in its folder (keys, locks, a spreadsheet's own files) is nobody's to read.
_TABLES = (*JUDGED, "skips.csv", "model_verdicts.csv", "preferences.csv")
#: Files whose rows name reviewers.
_NAMING = (*JUDGED, "skips.csv")
#: Of report/: the judgements in force once more, which eval/verdicts.csv has already.
_TWICE = "verdicts.csv"


def write_evidence(
    run: Run, decision: Decision, artifact: Artifact | None, folder: Path, *, comments: bool
) -> Decision:
    """Write what goes under eval/ into `folder`; return the decision as it is published.

    report/ is made again from the published verdicts, so that no name and no comment is left in it by another way.
    Raises BlindsideError where the run cannot be read.
    """
    folder.mkdir(parents=True)
    names = pseudonyms(run)
    known = {one: names.of(one) for path in _tables(run) for one in reviewers(path.read_bytes())}
    for name in JUDGED:
        if (run.folder / name).exists():
            (folder / name).write_bytes(published(run.folder / name, names, comments=comments))
    # A hash over verdicts would tell their reviewers' names to whoever tries likely ones.
    keyed = {name: names.keyed(pin) for name, pin in decision.bound.items() if name in _NAMING}
    decision_text = published_decision(decision, known, keyed)
    write_decision(folder, decision_text)
    info = published_run(run.info)
    write_run_json(folder, info)
    (folder / frozen_policy_path(run).name).write_bytes(frozen_policy_path(run).read_bytes())
    _write_study(run, folder)
    if artifact is not None:
        _write_training(artifact, folder)
    # The tuned model's own lies beside its weights.
    _copy(run.base_picture_path, folder)
    if run.report_folder.is_dir():
        _write_report(Run(run.folder, info), folder, decision_text, names)
    return decision_text


def _tables(run: Run) -> list[Path]:
    return [run.folder / name for name in _TABLES if (run.folder / name).exists()]


def _write_study(run: Run, folder: Path) -> None:
    study = run.folder / "study.json"
    if study.exists():
        _write_json(folder / study.name, scrub(json.loads(study.read_bytes())))


def _write_training(artifact: Artifact, folder: Path) -> None:
    """training.json, and the recipe where it is still the one that was trained by."""
    _write_json(folder / "training.json", published_artifact(artifact))
    recipe = own_recipe(artifact)
    if recipe is not None:
        (folder / "recipe.yml").write_text(scrub_text(recipe.read_text(encoding="utf-8")), encoding="utf-8")


def own_recipe(artifact: Artifact) -> Path | None:
    """The recipe's file, or None where it is gone or has changed since."""
    path = Path(artifact.recipe)
    return path if path.is_file() and sha256_file(path) == artifact.recipe_sha256 else None


def training_method(artifact: Artifact | None) -> str:
    """`rl` of the recipe: dpo, ipo, …; "sft" where it has none; "" where the recipe is not known."""
    recipe = own_recipe(artifact) if artifact else None
    if recipe is None:
        return ""
    try:
        data = read_yaml(recipe)
    except BadYaml:
        return ""
    return str(data.get("rl") or "sft") if isinstance(data, dict) else ""


def _write_report(run: Run, folder: Path, decision: Decision, names: Pseudonyms) -> None:
    """report/, with those of its files that the run's own report has."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Run(Path(temporary) / run.name, run.info)
        copy.folder.mkdir()
        for name in _AS_THEY_ARE:
            if (run.folder / name).exists():
                (copy.folder / name).symlink_to((run.folder / name).resolve())
        for path in (run.picture_path, run.base_picture_path):
            _copy(path, copy.folder)
        for path in _tables(run):
            made = folder / path.name
            data = made.read_bytes() if made.exists() else renamed(path.read_bytes(), names)
            (copy.folder / path.name).write_bytes(data)
        write_run_json(copy.folder, copy.info)
        write_decision(copy.folder, decision)
        write_report(copy, pairs=False)
        write_outputs(copy.report_folder, decision)
        for path in sorted(copy.report_folder.iterdir()):
            if path.name != _TWICE and (run.report_folder / path.name).is_file():
                (folder / "report").mkdir(exist_ok=True)
                (folder / "report" / path.name).write_bytes(path.read_bytes())


def _copy(path: Path, folder: Path) -> None:
    if path.is_file():
        (folder / path.name).write_bytes(path.read_bytes())


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
