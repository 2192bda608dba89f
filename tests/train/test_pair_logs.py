"""Logs of thumbs, edits, choices and votes become pairs; every row is in a pair or counted by its reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.train.pair_formats import assistant, user
from train.errors import PairsError
from train.pairs.choices import from_choices
from train.pairs.convert import Tally
from train.pairs.feedback import from_feedback
from train.pairs.pair import Pair
from train.pairs.source import read_pairs


def log(folder: Path, *rows: Any) -> Path:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def thumb(prompt: str, answer: str, said: Any, who: str) -> dict[str, Any]:
    return {"prompt": prompt, "answer": answer, "thumb": said, "user": who, "time": "2026-01-31T12:00:00Z"}


def paired(path: Path) -> list[tuple[str, str, str]]:
    rows = [row for row in read_pairs(path) if isinstance(row, Pair)]
    return [(row.messages[-1]["content"], row.chosen, row.rejected) for row in rows]


def feedback(folder: Path, *rows: Any) -> tuple[Tally, list[str]]:
    said: list[str] = []
    tally = from_feedback(log(folder, *rows), folder / "pairs.jsonl", say=said.append)
    return tally, said


def test_up_is_paired_with_down_on_the_same_prompt_and_the_rest_is_counted(tmp_path: Path) -> None:
    tally, said = feedback(
        tmp_path,
        thumb("Capital of Croatia?", "Zagreb.", "up", "ann"),
        thumb("Capital of Croatia?", "Split.", "down", "bob"),
        thumb("Capital of Croatia?", "Zagreb.", 1, "bob"),
        thumb("Liked only", "Yes.", True, "ann"),
        thumb("Disliked only", "No.", "👎", "ann"),
        thumb("Divided", "Hm.", "up", "ann"),
        thumb("Divided", "Hm.", "down", "bob"),
        thumb("Changed", "Well.", "up", "ann"),
        thumb("Changed", "Well.", "down", "ann"),
        thumb("Changed", "Better.", "up", "ann"),
        thumb("Changed", "Spare.", "up", "ann"),
        thumb("What?", "So.", "perhaps", "ann"),
    )
    assert paired(tmp_path / "pairs.jsonl") == [
        ("Capital of Croatia?", "Zagreb.", "Split."),
        ("Changed", "Better.", "Well."),
    ]
    assert dict(tally.excluded) == {
        "no answer to this prompt was disliked": 1,
        "no answer to this prompt was liked": 1,
        "as many like the answer as dislike it": 2,
        "the same user rated the answer differently later": 1,
        "every answer on the other side is already in a pair": 1,
        "malformed": 1,
    }
    assert said[-1] == "12 rows of the log: 5 are in pairs, 7 are not"
    (first, _) = (json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines())
    assert first["source"] == {"kind": "thumbs", "up": [1, 3], "down": [2]}


def test_an_edit_is_chosen_over_what_it_mended(tmp_path: Path) -> None:
    tally, _ = feedback(
        tmp_path,
        {"prompt": "Why?", "answer": "Becuase.", "edit": "Because."},
        {"messages": [user("And how?"), assistant("So so.")], "corrected": "So."},
        {"prompt": "Why?", "answer": "Because.", "edit": " Because. "},
    )
    assert paired(tmp_path / "pairs.jsonl") == [("Why?", "Because.", "Becuase."), ("And how?", "So.", "So so.")]
    assert dict(tally.excluded) == {"the edit changes nothing": 1}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("pq"), st.sampled_from("abc"), st.sampled_from(["up", "down", "?"]), st.sampled_from("xyz")
        )
    )
)
def test_every_row_of_a_log_is_in_a_pair_or_counted(rows: list[tuple[str, str, str, str]], tmp_path: Path) -> None:
    rows = [*rows, ("one more", "a", "up", "x"), ("one more", "b", "down", "x")]
    tally, _ = feedback(tmp_path, *(thumb(*row) for row in rows))
    lines = (tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    used = Counter(
        n for line in lines for n in [*json.loads(line)["source"]["up"], *json.loads(line)["source"]["down"]]
    )
    assert max(used.values()) == 1
    assert len(rows) == tally.read == len(used) + tally.excluded.total()


def test_a_log_without_a_pair_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(
        PairsError, match=r"gives no pair \(1 no answer to this prompt was disliked\); nothing was written"
    ):
        feedback(tmp_path, thumb("Why?", "Because.", "up", "ann"))
    assert not (tmp_path / "pairs.jsonl").exists()


def choices(folder: Path, *rows: Any) -> Tally:
    return from_choices(log(folder, *rows), folder / "pairs.jsonl", say=lambda line: None)


@pytest.mark.parametrize("choice", ["b", "right", "model_b", "2", 2])
def test_a_choice_names_the_better_answer(choice: Any, tmp_path: Path) -> None:
    tally = choices(
        tmp_path,
        {"prompt": "Why?", "a": "No.", "b": "Because.", "choice": choice},
        {"prompt": "Why?", "a": "No.", "b": "Because.", "choice": "tie"},
        {"prompt": "Why?", "a": "No.", "b": "Because.", "choice": "both_bad"},
        {"prompt": "Why?", "a": "No.", "b": "No. ", "choice": "a"},
        {"prompt": "Why?", "a": "No.", "b": "Because.", "choice": "c"},
        {"prompt": "Why?", "a": "No.", "choice": "a"},
    )
    assert paired(tmp_path / "pairs.jsonl") == [("Why?", "Because.", "No.")]
    assert dict(tally.excluded) == {"tie": 1, "both bad": 1, "the answers are the same": 1, "malformed": 2}
    assert tally.read == 6


def state(*texts: str, system: str = "", examples: int = 0) -> dict[str, Any]:
    said = [["Human", "example"], ["Assistant", "reply"]] * examples
    said += [["Human" if n % 2 == 0 else "Assistant", text] for n, text in enumerate(texts)]
    name = {"template_name": "vicuna_v1.1", "system_message": system, "roles": ["Human", "Assistant"]}
    return {**name, "messages": said, "offset": 2 * examples, "conv_id": "c1", "model_name": "m"}


def vote(kind: str, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {"tstamp": 1700000000.5, "type": kind, "models": ["", ""], "states": [left, right], "ip": "127.0.0.1"}


def test_fastchats_votes_become_pairs(tmp_path: Path) -> None:
    two = ("Hi", "Hello.", "Why?")
    tally = choices(
        tmp_path,
        {"tstamp": 1.0, "type": "chat", "model": "m", "state": state("Hi", "Hello.")},
        vote("leftvote", state("Why?", "Because."), state("Why?", "No.")),
        vote(
            "rightvote", state(*two, "No.", system="Be kind.", examples=1), state(*two, "Because.", system="Be kind.")
        ),
        vote("tievote", state("Why?", "Because."), state("Why?", "No.")),
        vote("bothbad_vote", state("Why?", "Because."), state("Why?", "No.")),
        vote("leftvote", state("Hi", "Hello.", "Why?", "Because."), state("Hi", "Hey.", "Why?", "No.")),
        vote("leftvote", state("Why?"), state("Why?", "No.")),
        {"tstamp": 1.0, "type": "leftvote", "states": [state("Why?", "A.")]},
    )
    assert paired(tmp_path / "pairs.jsonl") == [("Why?", "Because.", "No.")] * 2
    assert dict(tally.excluded) == {"no vote": 1, "tie": 1, "both bad": 1, "conflicting prefixes": 1, "malformed": 2}
    (_, second) = [row for row in read_pairs(tmp_path / "pairs.jsonl") if isinstance(row, Pair)]
    assert second.messages == (
        {"role": "system", "content": "Be kind."}, user("Hi"), assistant("Hello."), user("Why?"),
    )  # fmt: skip
    assert "127.0.0.1" not in (tmp_path / "pairs.jsonl").read_text(encoding="utf-8")
