"""Regular expressions by RE2: a search takes time in proportion to the text, so no answer can hang it."""

from __future__ import annotations

#: Bytes that one compiled pattern may take; a larger one is refused.
_MEMORY = 1 << 20


class Pattern:
    """A pattern to search texts for. Raises ValueError, with the reason, for one that RE2 does not take."""

    def __init__(self, source: str) -> None:
        import re2  # here, since most prompts ask for no pattern

        options = re2.Options()
        options.max_mem, options.log_errors, options.never_capture = _MEMORY, False, True
        try:
            self._compiled = re2.compile(_utf8(source), options)
        except re2.error as error:
            reason = error.args[0].decode("utf-8", "replace")
            raise ValueError(
                f"is not a regular expression of RE2 ({reason}), which has no look-around and no back-references"
            ) from None

    def found_in(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text."""
        return self._compiled.search(_utf8(text)) is not None


def _utf8(text: str) -> bytes:
    """Half a surrogate pair, which JSON can escape, is a character like any other."""
    return text.encode("utf-8", "surrogatepass")
