"""Finds giveaways in an answer: model names, the ids of this run's models, words of the system prompt.

An answer is not suspected for what its prompt says already: a question about Qwen may be answered with its name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from eval.records import Message, Row
from eval.run_info import ModelInfo

#: Stands for what is masked, whatever its length.
BLOCK = "█████"
#: Shorter sentences of a system prompt may be said by chance.
SENTENCE_LETTERS, SENTENCE_IDEOGRAPHS = 25, 10

#: How far from a name the words may be that make it the answer's own.
AROUND = 160
_LETTERS = re.compile("[a-z]+")
#: Of ASCII: letters made small, all else a blank.
_SMALL = bytes(ord(chr(n).lower()) if chr(n).isalpha() else 32 for n in range(128)).ljust(256)
_STEM = re.compile(r"[^\W\d_]+(?=[-\s]?v?\d)")

# Letters next to a name make it another word; Chinese is written without spaces, so only Latin ones count.
_BEFORE, _AFTER = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"
# Of bounded length: in Chinese a version would reach to the end of the sentence, from each name again.
_VERSION = r"(?:[-\s]?v?\d(?:[\w.]{0,40}\w)?)?(?:-[A-Za-z0-9]{1,40}(?:\.\d{1,9}){0,5}){0,9}"
_MADE = r"(?:train|develop|creat|build|built|made|design|programm|engineer|launch|releas|fine-?tun)\w*"
_REST = r"(?:[^.!?\n]|\.(?=\d))"  # of the sentence; the dot of a version ends none
#: Where an answer speaks of itself; NAMES is what it may call itself, or whoever made it.
_OF_ITSELF = (
    r"\b(?:I am|I[’']m|my name is|(?:you can )?call me|you are talking to)\s+(?:called\s+|named\s+)?NAMES",
    r"(?:^|[.!?:\n>*\"“]\s*)As\s+NAMES\s*(?:,|\bI\b|\bmy\b)",
    rf"\bI(?:\s+am|\s+was|[’']m|\s+have been|[’']ve been)\b{_REST}{{0,60}}\b{_MADE}[^.!?\n]{{0,30}}\bby\s+(?:the\s+)?"
    "NAMES",
    r"\b(?:assistant|chatbot|language model|AI model|AI system|LLM)\b[^.!?\n]{0,30}"
    rf"\b(?:{_MADE}\s+by|called|named)\s+NAMES",
    r"(?:我是|我叫|我的名字[是叫])\s*(?:一款|一个|来自)?\s*NAMES",
    r"作为\s*NAMES\s*(?:[，,]|我|的?(?:AI|人工智能|助手|语言模型|大模型))",
    r"我[^。！？\n]{0,20}由\s*NAMES",
    r"由\s*NAMES[^。！？\n]{0,12}(?:开发|研发|训练|推出|打造)[^。！？\n]{0,8}(?:模型|助手|人工智能|AI)",
)
#: Parts of model ids that say nothing of whose they are.
_COMMON = frozenset(
    """base tuned tiny small mini medium large model models chat instruct it dpo sft rlhf lora qlora merged local hf
    gguf awq gptq bnb int4 int8 fp16 bf16 fp8 latest main final best checkpoint step epoch test demo run train output
    outputs export adapter ft finetuned finetune preview beta alpha new old""".split()  # noqa: SIM905
)
_SIZE = re.compile(r"v?\d+(?:\.\d+)*(?:x\d+)?[bmk]?|a\d+b", re.IGNORECASE)


class _List(Row):
    """giveaways.yml."""

    names: tuple[str, ...]
    words: tuple[str, ...]
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Giveaway:
    """What was found: `text[start:end]` of the answer; `core` is the part that must not be in the prompt."""

    core: str
    start: int
    end: int


class Finder:
    """Looks through answers. `models`: those of the run; `phrases`: those of the study."""

    def __init__(self, models: Iterable[ModelInfo] = (), phrases: Iterable[str] = ()) -> None:
        known, ids, parts = _known(), set[str](), set[str]()
        for model in models:
            ids |= _ids(model)
            parts |= _parts(model)
        names = (*known.names, *ids, *(part for part in parts if _is_distinct(part)))
        self._names = _Present(names)
        self._phrases = _Present((*known.phrases, *phrases))
        self._of_itself = _Present((*known.words, *names, *parts))
        looked_for = (self._names, self._phrases, self._of_itself)
        self._letters = frozenset[str]().union(*(one.letters for one in looked_for))
        self._odd = frozenset[str]().union(*(one.odd for one in looked_for))
        self._odd_ascii = frozenset(filter(str.isascii, self._odd))

    def find(self, text: str, messages: Sequence[Message]) -> list[Giveaway]:
        """What gives the model away in its answer to these messages, in the order of the text."""
        found = set(self._all(text, messages))
        if not found:
            return []
        prompt = "\n".join(message.content for message in messages if message.role != "system").casefold()
        new = (one for one in found if not _is_said(one.core.casefold(), prompt))
        return sorted(new, key=lambda one: (one.start, one.end))

    def _all(self, text: str, messages: Sequence[Message]) -> Iterator[Giveaway]:
        yield from self._named(text)
        for message in messages:
            for sentence, pattern in _sentences(message.content) if message.role == "system" else ():
                yield from (Giveaway(sentence, *m.span()) for m in pattern.finditer(text))

    def _named(self, text: str) -> Iterator[Giveaway]:
        words = _words(text)
        if words.isdisjoint(self._letters) and not self._has_odd(text):
            return
        lower = " ".join(text.lower().split())
        for names, version in ((self._names, _VERSION), (self._phrases, "")):
            there = names.of(lower, words)
            if there:
                yield from (Giveaway(m["name"], *m.span()) for m in _anywhere(there, version).finditer(text))
        there = self._of_itself.of(lower, words)
        for start, end in _windows(there, text) if there else ():
            for pattern in _of_itself(there):
                found = (m for m in pattern.finditer(text, start, end) if not m["name"][0].islower())
                yield from (Giveaway(m["name"], *m.span("all")) for m in found)

    def _has_odd(self, text: str) -> bool:
        lower, odd = text.lower(), self._odd_ascii if text.isascii() else self._odd
        return any(name in lower for name in odd)


def _words(text: str) -> frozenset[str]:
    """The words of Latin letters in a text, in lower case."""
    if text.isascii():
        return frozenset(text.encode().translate(_SMALL).decode().split())
    return frozenset(_LETTERS.findall(text.lower()))


def masked(text: str, found: Iterable[Giveaway]) -> str:
    """The answer with a block of always the same length in place of each giveaway."""
    pieces, at = [], 0
    for start, end in _joined((one.start, one.end) for one in found):
        pieces += [text[at:start], BLOCK]
        at = end
    return "".join([*pieces, text[at:]])


def _is_said(core: str, prompt: str) -> bool:
    """Whether a prompt has a name, or without its version (Qwen for Qwen2.5)."""
    stem = _STEM.match(core)
    return core in prompt or (stem is not None and len(stem[0]) >= 4 and stem.end() < len(core) and stem[0] in prompt)


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, those that overlap made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


@lru_cache(maxsize=1)
def _known() -> _List:
    return _List.model_validate(yaml.safe_load(Path(__file__).with_name("giveaways.yml").read_bytes()))


class _Present:
    """Tells which of many names a text may hold: it has few, and only these are looked for in it."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {" ".join(name.lower().split()): name for name in names}
        #: By their first letters, which stand alone in a text that has the name; and those that begin otherwise.
        self._by_letters: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            first = _LETTERS.match(name)
            self._by_letters[first[0] if first else ""].append(name)
        self.letters = frozenset(self._by_letters) - {""}
        #: What the others begin with, up to their first blank.
        self.odd = frozenset(name.split()[0] for name in self._by_letters.get("", ()))

    def of(self, lower: str, words: frozenset[str]) -> tuple[str, ...]:
        """The longest first. `lower`: the text in lower case; `words`: its words of Latin letters."""
        first = (*(self.letters & words), "")
        names = [name for word in first for name in self._by_letters.get(word, ()) if name in lower]
        return tuple(self._names[name] for name in sorted(names, key=lambda name: (-len(name), name)))


def _windows(names: tuple[str, ...], text: str) -> list[tuple[int, int]]:
    """The parts of a text around these names: where it may speak of itself."""
    found = (match.span() for match in _anywhere(names, _VERSION).finditer(text))
    return _joined((max(0, start - AROUND), end + AROUND) for start, end in found)


@lru_cache(maxsize=4096)
def _anywhere(names: tuple[str, ...], version: str) -> re.Pattern[str]:
    """Any of the names, each as a word of its own."""
    return re.compile(f"{_BEFORE}(?P<name>{_either(names)}){version}{_AFTER}", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _of_itself(names: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    one = f"(?P<all>(?P<name>{_either(names)}){_VERSION}){_AFTER}"
    return tuple(re.compile(there.replace("NAMES", one), re.IGNORECASE | re.MULTILINE) for there in _OF_ITSELF)


def _either(names: Iterable[str]) -> str:
    return "|".join(r"\s+".join(map(re.escape, name.split())) for name in names)


def _ids(model: ModelInfo) -> set[str]:
    """The ids of a model, where they are more than one common word."""
    given = {model.name, model.source, str(model.served.get("model_id") or "")}
    whole = {one.strip("/ ") for one in given} | {one.rstrip("/").rsplit("/", 1)[-1] for one in given}
    return {one for one in whole if len(one) >= 5 and re.search(r"[-_/\d]", one)}


def _parts(model: ModelInfo) -> set[str]:
    """What an id is made of: zebra, Zebra2 and acme of acme/Zebra2-7B-chat."""
    found = re.split(r"[/\s_-]+", f"{model.name} {model.source} {model.served.get('model_id') or ''}")
    stems = [re.sub(r"[\d.]+$", "", part) for part in found]
    return {
        part
        for part in (*found, *stems)
        if len(part) >= 3 and part.lower() not in _COMMON and not _SIZE.fullmatch(part) and re.search(r"[^\W\d]", part)
    }


def _is_distinct(part: str) -> bool:
    """Whether a part of an id is no word of a language: letters with digits, as in Zebra2."""
    return len(part) >= 4 and re.search(r"\d", part) is not None and re.search(r"[^\W\d]{2}", part) is not None


@lru_cache(maxsize=1024)
def _sentences(prompt: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The sentences of a system prompt that nobody says by chance, with any white space between the words."""
    parts = (part.strip().rstrip(".!?。！？") for part in re.split(r"(?<=[.!?。！？])\s*|\n+", prompt))
    return tuple((part, re.compile(_either([part]), re.IGNORECASE)) for part in parts if _is_long(part))


def _is_long(sentence: str) -> bool:
    ideographs = len(re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", sentence))
    return ideographs >= SENTENCE_IDEOGRAPHS or len(sentence) >= SENTENCE_LETTERS
