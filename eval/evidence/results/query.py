"""What a page's address asks for. The address is the whole state of the pages, so any of them can be shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode

from eval.records import Row

Which = Literal[
    "", "tuned", "base", "tie", "both_bad", "disagreement", "comment", "unjudged", "identical", "unanswered", "giveaway"
]
Show = Literal["formatted", "differences", "raw"]

LONGEST = 200
_MOST_FIELDS = 20


class Query(Row):
    """One address. With `item` it is that item's page, in the list that the other fields describe."""

    view: Literal["results", "browse"] = "results"
    q: str = ""
    category: str = ""
    verdict: Which = ""
    reviewer: str = ""
    #: From 1.
    page: int = 1
    item: str = ""
    show: Show = "formatted"

    @property
    def filtered(self) -> bool:
        return bool(self.q or self.category or self.verdict or self.reviewer)

    @property
    def words(self) -> tuple[str, ...]:
        """What is searched for: every word must be there, in whatever case."""
        return tuple(self.q.casefold().split())

    def href(self, **changes: Any) -> str:
        """A link to this address with `changes`; what is as by default is left out."""
        fields = self.model_copy(update=changes).model_dump(exclude_defaults=True)
        return "?" + urlencode(fields)

    def listed(self, **changes: Any) -> str:
        """A link to the list, on its first page unless `changes` says otherwise."""
        return self.href(**{"view": "browse", "item": "", "show": "formatted", "page": 1, **changes})


def parse(address: str) -> Query:
    """The query of an address (`?item=…`). What no link of ours says is read as the default."""
    try:
        given = dict(parse_qsl(address.removeprefix("?"), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return Query()
    text = {name: given[name][:LONGEST].strip() for name in ("q", "category", "reviewer") if name in given}
    return Query(
        view="browse" if given.get("view") == "browse" or "item" in given else "results",
        verdict=_one_of(given.get("verdict", ""), get_args(Which)),
        page=_page(given.get("page", "")),
        item=given.get("item", ""),
        show=_one_of(given.get("show", ""), get_args(Show)),
        **text,
    )


def _page(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _one_of(value: str, known: Sequence[Any]) -> Any:
    return value if value in known else known[0]
