"""What makes a pair unfit for training: a reason for counting, and a sentence.

Axolotl renders an answer behind a made-up question and then searches the rendered text for it. So an answer that has
white space at its ends, is empty, or stands somewhere in what is put around it, is silently cut at the wrong place.
"""

from __future__ import annotations

from collections.abc import Sequence

from blindside.tables.rows import Message

EMPTY = "empty text"
SAME = "chosen is rejected"
FRAME = "text that Axolotl finds elsewhere"
ORDER = "turns out of order"
_ROLES = frozenset({"system", "user", "assistant", "tool"})
#: What surely stands before an answer: names of roles, and the question that Axolotl makes up.
_AROUND = ("user", "assistant", "[[dummy_message]]")

Problem = tuple[str, str]


def problem_of(messages: Sequence[Message], chosen: str, rejected: str | None) -> Problem | None:
    """The first problem of a row whose texts are stripped; `rejected` is None for an SFT row."""
    found = order_problem(messages)
    if found:
        return found
    answers = {"the answer": chosen} if rejected is None else {"chosen": chosen, "rejected": rejected}
    for name, text in answers.items():
        found = _answer_problem(name, text, is_pair=rejected is not None)
        if found:
            return found
    return (SAME, "chosen and rejected are the same text") if chosen == rejected else None


def _answer_problem(name: str, text: str, *, is_pair: bool) -> Problem | None:
    if not text:
        return EMPTY, f"{name} is empty"
    if text.lower() in _ROLES:
        return FRAME, f"{name} is {text!r}, a role's name, which Axolotl cannot find in the conversation"
    if is_pair and any(text in word for word in _AROUND):
        return FRAME, f"{name} is {text!r}, which Axolotl finds in what it puts before the answer"
    return None


def order_problem(messages: Sequence[Message]) -> Problem | None:
    """An optional system message, then user and assistant in turn; the last is the user's."""
    for message in messages:
        if not message["content"]:
            return EMPTY, f"has an empty {message['role']} message"
        if message["content"].lower() in _ROLES:
            return FRAME, f"has the message {message['content']!r}, a role's name"
    turns = [m["role"] for m in messages]
    turns = turns[1:] if turns[:1] == ["system"] else turns
    if not turns or turns[-1] != "user":
        return ORDER, "the conversation does not end with the user's turn"
    for number, role in enumerate(turns):
        wanted = "user" if number % 2 == 0 else "assistant"
        if role != wanted:
            return ORDER, f"turn {number + 1} is the {role}'s where the {wanted}'s should be"
    return None
