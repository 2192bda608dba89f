"""Whether anything that a decision rests on has changed since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eval.judge.setup.plan import plan_path, read_plan
from eval.judge.store.acknowledged import alterations, in_short
from eval.judge.store.verdict_files import RowsFile
from eval.policy import frozen_policy_path
from eval.records import SIDES, Side, Verdict
from eval.release.gate.decision import Decision
from eval.run import Run
from train.artifact import hash_setting, hash_weights
from train.files import sha256_file, sha256_json

#: Stands for the hash of a missing file.
MISSING = "missing"
#: Files of a run that its decision rests on, where it has them.
FILES = ("prompts.jsonl", "responses.jsonl", "verdicts.csv", "skips.csv", "study.json", "plan.json", "asked.json")

#: Files of a model's folder by what `hash_inputs` calls them.
SETTINGS = {"config": "config.json", "generation config": "generation_config.json"}


def hash_inputs(run: Run) -> dict[str, str]:
    """The hashes of everything that the decision on `run` rests on, as they are now; MISSING for what is gone.

    Keys: files by name, `gate.yml`, and for each side `<side> weights`, `config`, `generation config` and `template`
    (of a folder) or `<side> revision` (of the Hub). Imported answers pin no model.
    """
    found = {name: _sha256(run.folder / name) for name in FILES if (run.folder / name).exists()}
    found["gate.yml"] = _sha256(frozen_policy_path(run))
    for side in SIDES:
        found |= _model(run, side)
    return found


def changed_inputs(run: Run, decision: Decision) -> list[str]:
    """One line for each thing that is no longer what was judged; none where all is as it was."""
    now = hash_inputs(run)
    lines = [
        f"{_spoken(name)} is {'gone' if now.get(name, MISSING) == MISSING else 'not the same as at the decision'}"
        for name, then in decision.bound.items()
        if now.get(name, MISSING) != then
    ]
    return lines + [f"{_spoken(name)} did not exist at the decision" for name in now if name not in decision.bound]


def changed_since_asked(run: Run, now: Mapping[str, str]) -> list[str]:
    """One line for each model whose files are no longer those that answered, and for a policy that was changed.

    `now` is what `hash_inputs` found.
    """
    lines = []
    for side in SIDES:
        model = run.info.models[side]
        for what, then in (("weights", model.weights_sha256), ("template", model.template_sha256)):
            found = now.get(f"{side} {what}")
            if then is not None and found is not None and found != then:
                gone = "are gone" if found == MISSING else "are not those that answered"
                lines.append(f"{side}: the {what} of {model.source} {gone}: serve and judge the model to be released")
        for what, then in (("config", model.config_sha256), ("generation config", model.generation_config_sha256)):
            if then is not None and now.get(f"{side} {what}") not in (None, then):
                path = Path(model.source) / SETTINGS[what]
                lines.append(f"{side}: {path} is not the one that answered: restore it, or serve and judge it as it is")
    plan, of = read_plan(run), run.info.sweep.of if run.info.sweep else 0
    if plan is not None and plan.candidates > of:
        problem = f"{run.folder / 'run.json'} does not mention the sweep of {plan.candidates} candidates"
        lines.append(f"{problem} that {plan_path(run)} was frozen in: restore it")
    if run.info.policy_sha256 and now["gate.yml"] != run.info.policy_sha256:
        lines.append(
            f"{frozen_policy_path(run)} is not the policy that was fixed {run.info.policy_fixed_at}: restore it"
        )
    return lines


def changed_rows(run: Run, file: RowsFile[Verdict], before: Decision | None) -> list[str]:
    """One line for each thing of verdicts.csv that is not as it was saved, or that an earlier decision rested on."""
    altered = in_short(alterations(run.verdicts_path, file, Verdict, run=run.name))
    last = before.extra.get("last_seal") if before else ""
    if altered or before is None or not last or last in {row.seal for row in file.rows}:
        return altered
    return [f"{run.verdicts_path} lacks rows that it had at the decision of {before.decided_at}: restore the file"]


def _model(run: Run, side: Side) -> dict[str, str]:
    model = run.info.models[side]
    if model.weights_sha256 is None:
        return {f"{side} revision": model.revision} if model.revision else {}
    folder = Path(model.source)
    if not folder.is_dir():
        # A model of the Hub is in its cache under a name of its own: its revision is what pins it.
        return {f"{side} revision": model.revision} if model.revision else {f"{side} weights": MISSING}
    found = {f"{side} weights": hash_weights(folder), f"{side} config": _sha256(folder / "config.json")}
    if model.generation_config_sha256 is not None:
        found[f"{side} generation config"] = hash_setting(folder, SETTINGS["generation config"])
    template = folder / "chat_template.jinja"
    if model.template_sha256 is not None:
        # A model whose template is in tokenizer_config.json has no file of its own; train.pipeline writes it so.
        found[f"{side} template"] = _sha256(template) if template.exists() else sha256_json(None)
    return found


def _spoken(name: str) -> str:
    """A key of `hash_inputs` as a person knows it."""
    side, _, what = name.partition(" ")
    return f"{side} {SETTINGS.get(what, what)}".strip()


def _sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes; MISSING where it cannot be read."""
    try:
        return sha256_file(path)
    except OSError:
        return MISSING
