"""Test equipment: the same pair as every format writes it."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]

from blindside.tables.rows import Message


@dataclass(frozen=True)
class Said:
    """A conversation of one or more turns, and two answers."""

    messages: tuple[Message, ...]
    chosen: str
    rejected: str

    @property
    def question(self) -> str:
        return self.messages[-1]["content"]

    @property
    def system(self) -> str:
        return self.messages[0]["content"] if self.messages[0]["role"] == "system" else ""


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def _chat(said: Said, answer: str) -> list[Message]:
    return [*said.messages, assistant(answer)]


def _sharegpt(said: Said, answer: str) -> list[Message]:
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    return [{"from": names[m["role"]], "value": m["content"]} for m in _chat(said, answer)]


def transcript(said: Said, answer: str) -> str:
    names = {"user": "Human", "assistant": "Assistant"}
    return "".join(f"\n\n{names[m['role']]}: {m['content']}" for m in _chat(said, answer))


def _argilla(said: Said) -> dict[str, Any]:
    return {"prompt": said.question, "response-1": said.rejected, "response-2": said.chosen}


def _submitted(*values: Any) -> list[dict[str, Any]]:
    return [{"user_id": f"u{n}", "status": "submitted", "value": value} for n, value in enumerate(values)]


def _nested(name: str, answer: Any) -> Callable[[Said], dict[str, Any]]:
    return lambda said: {
        "id": "r1", "status": "completed", "fields": _argilla(said),
        "responses": {name: _submitted(answer)}, "suggestions": {}, "metadata": {}, "vectors": {},
    }  # fmt: skip


_RANKED_1 = [{"rank": 2, "value": "response-1"}, {"rank": 1, "value": "response-2"}]
Write = Callable[[Said], dict[str, Any]]

#: Of any number of turns, with or without a system message.
CONVERSATIONAL: dict[str, Write] = {
    "messages": lambda s: {
        "messages": list(s.messages), "chosen": assistant(s.chosen), "rejected": assistant(s.rejected),
    },
    "conversation": lambda s: {
        "conversation": list(s.messages), "chosen": assistant(s.chosen), "rejected": assistant(s.rejected),
    },
    "messages, texts": lambda s: {"messages": list(s.messages), "chosen": s.chosen, "rejected": s.rejected},
    "TRL explicit": lambda s: {
        "prompt": list(s.messages), "chosen": [assistant(s.chosen)], "rejected": [assistant(s.rejected)],
    },
    "prompt repeated": lambda s: {
        "messages": list(s.messages), "chosen": _chat(s, s.chosen), "rejected": _chat(s, s.rejected),
    },
    "argilla_chat, TRL implicit": lambda s: {"chosen": _chat(s, s.chosen), "rejected": _chat(s, s.rejected)},
    "ShareGPT's names": lambda s: {"chosen": _sharegpt(s, s.chosen), "rejected": _sharegpt(s, s.rejected)},
    "content as parts": lambda s: {
        "messages": [{"role": m["role"], "content": [{"type": "text", "text": m["content"]}]} for m in s.messages],
        "chosen": s.chosen, "rejected": s.rejected,
    },
}  # fmt: skip

#: One question, and a system message where there is one.
SYSTEM_AND_QUESTION: dict[str, Write] = {
    "chatml.default": lambda s: {
        "system": s.system, "prompt": s.question, "chosen": s.chosen, "rejected": s.rejected,
    },
    "chatml.icr": lambda s: {"system": s.system, "input": s.question, "chosen": s.chosen, "rejected": s.rejected},
    "chatml.intel": lambda s: {"system": s.system, "question": s.question, "chosen": s.chosen, "rejected": s.rejected},
    "old names": lambda s: {
        "system": s.system, "instruction": s.question, "chosen_response": s.chosen, "rejected_response": s.rejected,
    },
    "llama3.ultra": lambda s: {
        "system": s.system, "prompt": s.question,
        "chosen": [user(s.question), assistant(s.chosen)], "rejected": [user(s.question), assistant(s.rejected)],
    },
}  # fmt: skip

#: One question, no system message.
QUESTION: dict[str, Write] = {
    "zephyr.nectar": lambda s: {
        "prompt": f"\n\nHuman: {s.question}\n\nAssistant: ",
        "answers": [
            {"answer": "so-so", "model": "m", "rank": 2}, {"answer": s.rejected, "model": "n", "rank": 3.0},
            {"answer": s.chosen, "model": "o", "rank": 1.0},
        ],
    },
    "UltraFeedback": lambda s: {
        "source": "sharegpt", "instruction": s.question, "models": ["a", "b", "c"],
        "completions": [
            {"model": "a", "response": "so-so", "overall_score": 5.5},
            {"model": "b", "response": s.chosen, "overall_score": 8},
            {"model": "c", "response": s.rejected, "overall_score": 2.0},
        ],
    },
    "UltraFeedback binarized": lambda s: {
        "prompt": s.question, "prompt_id": "x", "score_chosen": 8.0, "score_rejected": 5.0,
        "messages": _chat(s, s.chosen), "chosen": _chat(s, s.chosen), "rejected": _chat(s, s.rejected),
    },
    "Argilla 2, ranking": _nested("preference", ["response-2", "response-1"]),
    "Argilla 2, label": _nested("better", "response_2"),
    "Argilla 2, flat": lambda s: {
        "id": "r1", "status": "completed", **_argilla(s), "better.responses": ["B", "b", "A"],
        "better.responses.users": ["u", "v", "w"], "better.responses.status": ["submitted"] * 3,
    },
    "Argilla 1": lambda s: {**_argilla(s), "preference": _submitted(_RANKED_1)},
}  # fmt: skip

#: Turns of user and assistant, whose texts hold no speaker of a transcript.
TRANSCRIPTS: dict[str, Write] = {
    "HH-RLHF": lambda s: {"chosen": transcript(s, s.chosen), "rejected": transcript(s, s.rejected)},
    "HH-RLHF, prompt apart": lambda s: {
        "prompt": transcript(s, "").removesuffix(" "), "chosen": s.chosen, "rejected": s.rejected,
    },
}  # fmt: skip


def file_of_kind(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as the suffix of `path` says."""
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        return path
    plain = path.with_name(path.name.removesuffix(".gz"))
    with plain.open("w", encoding="utf-8", newline="") as file:
        if plain.suffix == ".json":
            json.dump(rows, file, ensure_ascii=False, indent=1)
        else:
            table = csv.writer(file, delimiter="\t" if plain.suffix == ".tsv" else ",")
            table.writerow(rows[0])
            cells = [[v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in r.values()] for r in rows]
            table.writerows(cells)
    if path != plain:
        path.write_bytes(gzip.compress(plain.read_bytes()))
    return path
