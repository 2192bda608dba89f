"""A study's texts for reviewers: one for every language, or one per language."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from eval.records import Row

Language = Literal["en", "zh"]


class LocalizedText(Row):
    """A text for reviewers; a language that is missing is said in English."""

    en: str = Field(min_length=1)
    zh: str = ""

    @model_validator(mode="before")
    @classmethod
    def _one_string(cls, value: Any) -> Any:
        return {"en": str(value)} if isinstance(value, str | int | float) and not isinstance(value, bool) else value

    def say(self, language: Language) -> str:
        return (self.zh if language == "zh" else "") or self.en


class Label(LocalizedText):
    """Words for a value of a scale or for a tag, and what is meant by them. Without words, the page has its own."""

    en: str = ""
    description: LocalizedText | None = None

    def describe(self, language: Language) -> str:
        return self.description.say(language) if self.description else ""
