"""What a decision is bound to, and what of it is no longer what was judged."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eval.judge.store import read_verdicts
from eval.records import SIDES, Side
from eval.release.decision import Decision
from eval.release.policy import frozen
from eval.run import Run
from train.artifact import hash_weights
from train.files import sha256_json

#: Files of a run that its decision rests on. A study without criteria of its own has no study.json.
FILES = ("prompts.jsonl", "responses.jsonl", "verdicts.csv", "study.json")


def bind(run: Run) -> dict[str, str]:
    """The hashes of everything that the decision on `run` rests on, as they are now; `missing` for what is gone.

    Keys: files by name, `gate.yml`, and for each side `<side> weights` and `<side> template` (of a folder) or
    `<side> revision` (of the Hub). Imported answers pin no model.
    """
    found = {name: _sha256(run.folder / name) for name in FILES if (run.folder / name).exists()}
    found["gate.yml"] = _sha256(frozen(run))
    for side in SIDES:
        found |= _model(run, side)
    return found


def changed(run: Run, decision: Decision) -> list[str]:
    """One line for each thing that is no longer what was judged; none where all is as it was."""
    now = bind(run)
    lines = [
        f"{name} is {'gone' if now.get(name, 'missing') == 'missing' else 'not what it was when this was decided'}"
        for name, then in decision.bound.items()
        if now.get(name, "missing") != then
    ]
    return lines + [f"{name} was not there when this was decided" for name in now if name not in decision.bound]


def changed_since_asked(run: Run) -> list[str]:
    """One line for each model whose files are no longer those that answered, and for a policy that was changed."""
    lines = []
    for side in SIDES:
        model, now = run.info.models[side], _model(run, side)
        for what, then in (("weights", model.weights_sha256), ("template", model.template_sha256)):
            found = now.get(f"{side} {what}")
            if then is not None and found is not None and found != then:
                gone = "are gone" if found == "missing" else "are not those that answered"
                lines.append(f"{side}: the {what} of {model.source} {gone}: serve and judge what is to be released")
    if run.info.policy_sha256 and _sha256(frozen(run)) != run.info.policy_sha256:
        lines.append(f"{frozen(run)} is not the policy that was fixed {run.info.policy_fixed_at}: restore it")
    return lines


def rewritten(run: Run, decision: Decision) -> list[str]:
    """One line where rows that an earlier decision rested on are gone; rows that came since are no matter."""
    seals = [row.seal for row in read_verdicts(run.verdicts_path, run=run.name)]
    then = decision.extra.get("last_seal")
    if not then or then in seals:
        return []
    return [f"{run.verdicts_path} lacks rows that it had at the decision of {decision.decided_at}: restore the file"]


def last_seal(run: Run) -> str:
    """The seal of the last verdict: whoever remembers it can tell whether rows were taken out at the end."""
    rows = read_verdicts(run.verdicts_path, run=run.name)
    return rows[-1].seal if rows else ""


def _model(run: Run, side: Side) -> dict[str, str]:
    model = run.info.models[side]
    if model.weights_sha256 is None:
        return {f"{side} revision": model.revision} if model.revision else {}
    folder = Path(model.source)
    if not folder.is_dir():
        # A model of the Hub lies in its cache under a name of its own: its revision is what pins it.
        return {f"{side} revision": model.revision} if model.revision else {f"{side} weights": "missing"}
    found = {f"{side} weights": hash_weights(folder), f"{side} config": _sha256(folder / "config.json")}
    template = folder / "chat_template.jinja"
    if model.template_sha256 is not None:
        # A model whose template lies in tokenizer_config.json has no file of its own; train.run writes it so.
        found[f"{side} template"] = _sha256(template) if template.exists() else sha256_json(None)
    return found


def _sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes; `missing` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "missing"
