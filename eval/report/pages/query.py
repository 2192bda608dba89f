"""The query of a page's address: all of its state, so that any view can be shared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode

from eval.records import Row

View = Literal["results", "browse", "compare"]
Which = Literal[
    "", "tuned", "base", "tie", "both_bad", "comment", "unjudged", "identical", "unanswered", "giveaway", "skipped"
]
Agreement = Literal["", "alike", "disagreement", "single"]
#: The tuned answer's length over the base's, in the bins of eval.evidence.reviewers.bias.
Length = Literal["", "half", "shorter", "same", "longer", "twice"]
#: Of a verdict, in seconds.
Time = Literal["", "hasty", "short", "middle", "long"]
Expected = Literal["", "any", "broken", "repaired", "passed", "failed"]
Sort = Literal["", "verdicts", "tuned", "base", "ratio", "slow", "comments"]
Show = Literal["formatted", "differences", "raw"]

LONGEST = 200
_MOST_FIELDS = 40
_WORDS = re.compile(r'"([^"]+)"|(\S+)')
#: Free text; what it names need not be there.
_TEXTS = ("q", "category", "reviewer", "tag", "criterion", "trait", "other")


class Query(Row):
    """One address. With `item` it is that item's page, in the list that the other fields describe."""

    view: View = "results"
    #: The earlier run that the compare page holds against this one.
    other: str = ""
    #: Reviewers whose verdicts are left out: "what if".
    without: tuple[str, ...] = ()
    q: str = ""
    category: str = ""
    verdict: Which = ""
    agreement: Agreement = ""
    reviewer: str = ""
    #: "base:too_long"; a criterion as "column=value"; a trait as eval.evidence.signals.traits names it.
    tag: str = ""
    criterion: str = ""
    trait: str = ""
    length: Length = ""
    time: Time = ""
    expect: Expected = ""
    sort: Sort = ""
    #: From 1.
    page: int = 1
    item: str = ""
    show: Show = "formatted"

    @property
    def filtered(self) -> bool:
        return any(getattr(self, name) for name in FILTERS)

    @property
    def words(self) -> tuple[str, ...]:
        """What is searched for: every word must be there, in whatever case; words in quotes as one."""
        return tuple(quoted or word for quoted, word in _WORDS.findall(self.q.casefold()))

    def href(self, **changes: Any) -> str:
        """A link to this address with `changes`; what is as by default is left out."""
        fields = self.model_copy(update=changes).model_dump(exclude_defaults=True)
        return "?" + urlencode(fields, doseq=True)

    def listed(self, **changes: Any) -> str:
        """A link to the list, on its first page unless `changes` says otherwise."""
        return self.href(**{"view": "browse", "item": "", "show": "formatted", "page": 1, **changes})


FILTERS = (
    *("q", "category", "verdict", "agreement", "reviewer", "tag", "criterion", "trait", "length", "time", "expect"),
)


def browse_link(**fields: Any) -> str:
    """A link to Browse with these filters."""
    return Query(view="browse", **fields).href()


def parse_query(address: str) -> Query:
    """The query of an address (`?item=…`). What no link of ours says is read as the default."""
    try:
        pairs = parse_qsl(address.removeprefix("?"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return Query()
    given = dict(pairs)
    text: dict[str, Any] = {name: given[name][:LONGEST].strip() for name in _TEXTS if name in given}
    chosen: dict[str, Any] = {
        name: _one_of(given.get(name, ""), get_args(kinds))
        for name, kinds in (
            *(("verdict", Which), ("agreement", Agreement), ("length", Length), ("time", Time), ("expect", Expected)),
            *(("sort", Sort), ("show", Show)),
        )
    }
    return Query(
        view=_one_of(given.get("view", "browse" if "item" in given else ""), get_args(View)),
        without=tuple(value[:LONGEST] for name, value in pairs if name == "without" and value),
        page=_page(given.get("page", "")),
        item=given.get("item", ""),
        **text,
        **chosen,
    )


def _page(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _one_of(value: str, known: Sequence[Any]) -> Any:
    return value if value in known else known[0]
