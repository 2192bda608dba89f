"""Chooses the probes: a few conversations of the run, and a few raw texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from eval.records import Message, Prompt

Chat = list[dict[str, str]]

#: Characters of the longest conversation and of the longest text: enough places for a misread rope to show.
LONGEST = 3000
#: Tokens that are generated for a conversation, for a text, and for one more conversation where no answer ended.
CHAT_TOKENS, TEXT_TOKENS, END_TOKENS = 24, 16, 96
#: Added to the run's own prompts, because its answer ends soon.
SHORT = Prompt(id="a short answer", messages=(Message(role="user", content="Answer with one word: yes."),))
PROSE = (
    "The harbour was quiet that morning. Two fishermen mended a net beside the old customs house, and a girl in a red "
    "coat counted the gulls on the roof: seventeen, then eighteen. Nobody had told her that the ferry was late, and "
    "she would not have minded; the water had the colour of slate, and she had never seen so many birds at once."
)
MIXED = (
    "def area(r: float) -> float:\n    return 3.14159 * r**2  # Ünïcode, čaša, 東京, 🙂\n\n"
    "| n | 2^n |\n|---|---|\n| 10 | 1024 |\n"
)


@dataclass(frozen=True)
class Probe:
    """A conversation, or a raw text; the other one is empty. `tokens` are generated at most."""

    name: str
    chat: Chat = field(default_factory=list)
    text: str = ""
    tokens: int = TEXT_TOKENS

    def to_its_end(self) -> Probe:
        """The same with as many tokens as an answer gets to show how it ends."""
        return replace(self, tokens=max(self.tokens, END_TOKENS))


def choose_probes(prompts: Sequence[Prompt], *, tokens: int = CHAT_TOKENS, quick: bool = False) -> list[Probe]:
    """Conversations: the shortest, the middle and the longest, one of several messages, a short answer. Four texts.

    `quick`: the shortest and the short answer, and one text: every check is made, of less.
    """
    by_length = sorted(prompts, key=_length)
    fitting = [prompt for prompt in by_length if _length(prompt) <= LONGEST] or by_length[:1]
    chosen = [fitting[0], fitting[len(fitting) // 2], fitting[-1]] if fitting else []
    chosen += [prompt for prompt in fitting if len(prompt.messages) > 1][:1]
    unique = list({prompt.id: prompt for prompt in [*chosen[: 1 if quick else None], SHORT]}.values())
    chats = [Probe(one.id, [message.model_dump() for message in one.messages], tokens=tokens) for one in unique]
    own = [prompt.messages[-1].content for prompt in by_length]
    texts = {
        "prose": PROSE,
        "a prompt as text": own[len(own) // 2][:LONGEST] if own else "",
        "code and symbols": MIXED,
        "a long text": "\n".join([PROSE, *own])[:LONGEST],
    }
    raw = [Probe(name, text=text) for name, text in texts.items() if text.strip()]
    return chats + raw[: 1 if quick else None]


def _length(prompt: Prompt) -> int:
    return sum(len(message.content) for message in prompt.messages)
