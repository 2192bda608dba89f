"""Findings of a survey, each with what to fix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from blindside.tables import turns
from blindside.tables.rows import MALFORMED
from blindside.words import counted
from train.pairs.check import FEW, MANY
from train.pairs.problems import EMPTY, FRAME, ORDER, SAME
from train.pairs.survey import scan as kinds
from train.pairs.survey.scan import Occurrences, ScanResult
from train.pairs.survey.secrets import EMAIL
from train.resources.findings import Finding

ENOUGH = 1_000
#: From this share on, one of the answers is always the longer one as far as training can tell.
ALWAYS = 0.9
_FIX = "`--fix` leaves them out"

#: Reasons that stop a training, and their remedies; any other reason that rows were left out for is one as well.
_REMEDIES = {
    MALFORMED: f"fix the rows, or {_FIX}",
    turns.CONFLICT: f"both answers must answer the same conversation; fix them, or {_FIX}",
    EMPTY: f"write the text, or {_FIX}",
    SAME: f"a pair needs a better and a worse answer; {_FIX}",
    FRAME: f"Axolotl would train on the wrong part of the conversation; {_FIX}",
    kinds.NOT_FOUND: f"Axolotl would train on the wrong part of the conversation; {_FIX}",
    ORDER: f"user and assistant must take turns, the user last; fix them, or {_FIX}",
    kinds.REFUSED: f"fix the conversations, or {_FIX}",
    kinds.CONTRADICTION: "the same answers are preferred in both directions; `--fix` leaves out both",
    kinds.SPACE: "Axolotl cuts such answers at the wrong place; `--fix` removes it",
    kinds.ASKED: f"a model that was trained on a question cannot be judged by it; {_FIX}",
    kinds.NEARLY_ASKED: f"a model that was trained on a question cannot be judged by it; {_FIX}",
}
_NOTES = {
    kinds.DUPLICATE: f"a repeated pair weighs twice; {_FIX} except the first",
    kinds.NEAR: "check whether they add anything new; `--fix --drop-near` leaves them out",
    kinds.THINKING: "it is trained on as part of the answer; remove it if only the answer should be learned",
    kinds.MARKS: "the model's own template is added around it; remove it if it is not part of the text",
    kinds.UNREAD: "name a column with `--field` if it should be read",
    kinds.TOO_LONG: "Axolotl drops them by default; raise sequence_len if memory allows it",
}


def findings(look: ScanResult, *, evaluation: int | None = None) -> list[Finding]:
    """All that is to be said of a look. `evaluation`: how many evaluation prompts were held against it."""
    found = [_size(look), *_left_out(look), *_secrets(look)]
    found += [_note(name, look.seen[name]) for name in _NOTES if name in look.seen]
    if look.usable:
        found += [_lengths(look), _turns(look), _languages(look)]
    found += list(_tokens(look))
    if evaluation is not None and not ({kinds.ASKED, kinds.NEARLY_ASKED} & look.seen.keys()):
        found.append(Finding("evaluation", "ok", f"none of its {evaluation} prompts is in it, exactly or nearly"))
    return found


def is_passed(findings: list[Finding]) -> bool:
    return not any(one.level == "fail" for one in findings)


def _size(look: ScanResult) -> Finding:
    n = look.usable
    found = f"{counted(look.rows, 'row')}, {counted(n, 'usable pair')}"
    if not n:
        return Finding("rows", "fail", found, "there is nothing to train on")
    if n < FEW:
        return Finding("rows", "warn", found, f"{FEW} to {ENOUGH:,} are the least for DPO; fewer over-fit easily")
    if n < ENOUGH:
        return Finding("rows", "warn", found, f"{ENOUGH:,} and more are better; watch the held-out pairs")
    if n > MANY:
        return Finding("rows", "warn", found, f"over {MANY:,} more pairs rarely help, and training takes long")
    return Finding("rows", "ok", found)


def _left_out(look: ScanResult) -> Iterator[Finding]:
    for name, seen in sorted(look.seen.items(), key=lambda item: -item[1].count):
        if name in _NOTES or name == kinds.SECRET:
            continue
        yield Finding(name, "fail", _where(seen), _REMEDIES.get(name, _FIX), (seen.example,) if seen.example else ())


def _note(name: str, seen: Occurrences) -> Finding:
    return Finding(name, "warn", _where(seen), _NOTES[name], (seen.example,) if seen.example else ())


def _where(seen: Occurrences) -> str:
    lines = ", ".join(str(line) for line in sorted(seen.lines))
    more = ", …" if seen.count > len(seen.lines) else ""
    return f"{counted(seen.count, 'row')} (line {lines}{more})"


def _secrets(look: ScanResult) -> Iterator[Finding]:
    for kind, seen in sorted(look.secrets.items()):
        if kind == EMAIL:
            yield Finding(kind, "warn", _where(seen), "check whether the model may learn and repeat them")
        else:
            yield Finding(kind, "fail", _where(seen), f"revoke the key if it is real; {_FIX}")


def _lengths(look: ScanResult) -> Finding:
    chosen, rejected = np.frombuffer(look.chosen_lengths, "u4"), np.frombuffer(look.rejected_lengths, "u4")
    differ = int((chosen != rejected).sum())
    longer = int((chosen > rejected).sum())
    share = longer / differ if differ else 0.5
    found = (
        f"chosen is longer in {longer} of {len(chosen)} pairs; medians {np.median(chosen):.0f} and "
        f"{np.median(rejected):.0f} characters"
    )
    if differ >= 20 and not 1 - ALWAYS < share < ALWAYS:
        way = "longer" if share >= ALWAYS else "shorter"
        return Finding("lengths", "warn", found, f"chosen is nearly always the {way} one: it will teach {way} answers")
    return Finding("lengths", "ok", found)


def _turns(look: ScanResult) -> Finding:
    parts = [f"{count} with {turns}" for turns, count in sorted(look.turns.items())]
    return Finding("user's turns", "ok", ", ".join(parts[:6]) + (", …" if len(parts) > 6 else ""))


def _languages(look: ScanResult) -> Finding:
    total = look.languages.total()
    parts = [f"{name} {count / total:.0%}" for name, count in look.languages.most_common(6)]
    return Finding("languages", "ok", ", ".join(parts))


def _tokens(look: ScanResult) -> Iterator[Finding]:
    tokens = look.tokens
    if tokens is None:
        yield Finding("tokens", "ok", "not counted: give a recipe")
    elif tokens.error:
        yield Finding("tokens", "warn", f"not counted: {tokens.error}", "make the recipe's base model readable")
    elif tokens.pairs:
        middle, most, longest = tokens.quantiles
        about = "about " if tokens.estimated else ""
        sums = f"{tokens.prompt:,} in prompts, {tokens.chosen:,} in chosen, {tokens.rejected:,} in rejected"
        spread = f"prompt and longer answer: median {middle}, 95% below {most}, longest {longest}"
        yield Finding("tokens", "ok", f"{about}{sums}; {spread}")
