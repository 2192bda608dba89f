"""Tokens of pairs as Axolotl counts them, and answers that it would not find. Runs in .venv-train:

    python -P -m train.pairs.survey.tokens < (a line with a TokenRequest, then lines [line, messages, chosen, rejected])

prints a TokenCounts as JSON. What it cannot do at all is reported in `error`.
"""

from __future__ import annotations

import json
import os
import sys
from array import array
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO, Any

from blindside.sandbox import MEGABYTES, LimitExceeded, forked, limit_memory, limit_time
from train.pairs.survey.protocol import BATCH_ROWS, BATCH_SECONDS, EVERY, EXACT, SHOWN, TokenCounts, TokenRequest

_OWN = "tokenizer_default"
_MARK = "Q7mark"
#: A template that changes answers (as some take a model's thoughts out) is rendered for each; others once.
_TRICKY = "<think>a</think>\n\nb  <|c|>\n{{ d }} &amp; Ünïcode"
_DUMMY = {"role": "user", "content": "[[dummy_message]]"}
_PROBES = (
    [{"role": "user", "content": _TRICKY}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": _TRICKY}, {"role": "user", "content": "b"}],
)
Row = tuple[int, list[dict[str, str]], str, str]


class _Counter:
    def __init__(self, asked: TokenRequest) -> None:
        self.limit = asked.sequence_len
        self.tokenizer = _tokenizer(asked)
        self.template = _template(asked, self.tokenizer)
        # Once in a copy of this process: a template without end is reported here, and never rendered in this one.
        try:
            forked(lambda: [self._answer(_MARK), *map(self._prompt, _PROBES)])
        except LimitExceeded as error:
            raise ValueError(f"the chat template {error}") from None
        before, _, self.behind = self._answer(_MARK).partition(_MARK)
        self.before = before
        self.plain = self._answer(_TRICKY) == f"{before}{_TRICKY}{self.behind}"
        self.longest, self.most = array("I"), 0
        self.found = TokenCounts()
        self._use_compiled()

    def _answer(self, text: str) -> str:
        turns = [_DUMMY, {"role": "assistant", "content": text}]
        return str(self.tokenizer.apply_chat_template(turns, chat_template=self.template, tokenize=False))

    def _prompt(self, messages: list[dict[str, str]]) -> str:
        given: dict[str, Any] = {"chat_template": self.template, "tokenize": False, "add_generation_prompt": True}
        return str(self.tokenizer.apply_chat_template(messages, **given))

    def _use_compiled(self) -> None:
        """Render by the compiled template, ten times faster, where that gives what transformers gives."""
        from transformers.utils.chat_template_utils import _compile_jinja_template

        compiled, special = _compile_jinja_template(self.template), self.tokenizer.special_tokens_map

        def fast(messages: list[dict[str, str]]) -> str:
            values = {"messages": messages, "tools": None, "documents": None, "add_generation_prompt": True}
            return str(compiled.render(**values, **special))

        if all(fast(probe) == self._prompt(probe) for probe in _PROBES):
            self._prompt = fast  # type: ignore[method-assign]

    def add(self, rows: list[Row]) -> None:
        whole = [row for row in rows if self._is_found(row)]
        prompts = self._render(whole)
        kept = [(row, prompt, self._weight()) for row, prompt in zip(whole, prompts, strict=True) if prompt is not None]
        kept = [one for one in kept if one[2] or self._may_be_long(*one[:2])]
        texts = [text for row, prompt, _ in kept for text in (prompt, *self._targets(row))]
        lengths = iter(self._lengths(texts))
        for row, _, weight in kept:
            prompt, chosen, rejected = next(lengths), next(lengths), next(lengths)
            self.most = max(self.most, prompt + max(chosen, rejected))
            if weight:
                self.longest.append(prompt + max(chosen, rejected))
            self.found.prompt += weight * prompt
            self.found.chosen += weight * chosen
            self.found.rejected += weight * rejected
            if self.limit and prompt + max(chosen, rejected) > self.limit:
                self.found.too_long += 1
                self.found.first_too_long += [row[0]] if len(self.found.first_too_long) < SHOWN else []

    def _weight(self) -> int:
        """For how many pairs the next one stands in the sums; 0: it is not counted there."""
        self.found.pairs += 1
        if self.found.pairs <= EXACT:
            return 1
        self.found.estimated = True
        return 0 if self.found.pairs % EVERY else EVERY

    def _may_be_long(self, row: Row, prompt: str) -> bool:
        """No token is shorter than a byte, so most rows are known to be short enough without counting."""
        longest = max(len(row[2].encode()), len(row[3].encode())) + len(self.behind.encode())
        return 0 < self.limit < len(prompt.encode()) + longest

    def _is_found(self, row: Row) -> bool:
        """Whether Axolotl's search for each answer hits the answer, and not what stands before it."""
        for text in row[2:]:
            rendered = f"{self.before}{text}{self.behind}" if self.plain else self._answer(text)
            at = rendered.find(text)
            if at < 0 or at != (len(self.before) if self.plain else self._own_place(rendered, text)):
                self.found.not_found.append(row[0])
                return False
        return True

    def _own_place(self, rendered: str, text: str) -> int:
        return len(self.before) if rendered.startswith(self.before) else rendered.rfind(text)

    def _render(self, rows: list[Row]) -> list[str | None]:
        done: list[str | None] = []
        for line, messages, _, _ in rows:
            try:
                done.append(self._prompt(messages))
            except Exception as error:  # noqa: BLE001  (templates raise what they like)
                done.append(None)
                self.found.refused.append(line)
                self.found.refused_why = self.found.refused_why or str(error).splitlines()[0][:200]
        return done

    def _targets(self, row: Row) -> Iterator[str]:
        for text in row[2:]:
            rendered = f"{text}{self.behind}" if self.plain else self._answer(text)
            yield rendered[rendered.find(text) :].rstrip()

    def _lengths(self, texts: list[str]) -> list[int]:
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return [len(ids) for ids in self.tokenizer(texts, add_special_tokens=False)["input_ids"]]
        return [len(one) for one in backend.encode_batch_fast(texts, add_special_tokens=False)]

    def result(self) -> TokenCounts:
        import numpy as np

        if self.longest:
            middle, high = np.quantile(np.frombuffer(self.longest, "u4"), (0.5, 0.95))
            self.found.quantiles = [int(middle), int(high), self.most]
        return self.found


def _tokenizer(asked: TokenRequest) -> Any:
    for name in ("torch", "torchao", "sklearn"):  # seconds each to import, and a tokenizer needs none of them
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes it look absent
    import transformers

    transformers.utils.logging.set_verbosity_error()
    kind = getattr(transformers, asked.tokenizer_type or "AutoTokenizer")
    return kind.from_pretrained(asked.tokenizer, revision=asked.revision)


def _template(asked: TokenRequest, tokenizer: Any) -> str:
    """The template that Axolotl would take. Its package is not imported, which takes many seconds."""
    choice = asked.chat_template or _OWN
    own = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None
    if choice == "jinja" and asked.chat_template_jinja:
        file = Path(asked.chat_template_jinja)
        return file.read_text(encoding="utf-8") if file.is_file() else asked.chat_template_jinja
    if choice.startswith(_OWN):
        if own is not None:
            return own
        choice = choice.removeprefix(_OWN).removeprefix("_fallback_")
    package = find_spec("axolotl")
    folder = (
        Path(((package and package.submodule_search_locations) or ["."])[0]) / "utils" / "chat_templates" / "templates"
    )
    file = folder / f"{choice}.jinja"
    if not choice or not file.is_file():
        raise ValueError(f"there is no chat template {choice or 'in the tokenizer'!r}; set chat_template in the recipe")
    return file.read_text(encoding="utf-8")


def _rows(lines: IO[bytes]) -> Iterator[list[Row]]:
    while batch := [json.loads(line) for line in islice(lines, BATCH_ROWS)]:
        yield batch


def main() -> int:
    out = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no answer
    lines = sys.stdin.buffer
    asked = TokenRequest(**json.loads(lines.readline()))
    try:
        counter = _Counter(asked)
    except Exception as error:  # noqa: BLE001  (what a broken tokenizer raises is not ours to know)
        counted = TokenCounts(error=(str(error).strip().splitlines() or [type(error).__name__])[0][:300])
    else:
        limit_memory(4 * MEGABYTES)
        for batch in _rows(lines):
            limit_time(BATCH_SECONDS)
            counter.add(batch)
        counted = counter.result()
    with os.fdopen(out, "w") as file:
        json.dump(vars(counted), file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
