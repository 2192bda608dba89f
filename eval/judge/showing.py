"""What the browser sends and what it is shown: the words that the page and a sitting speak with each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from eval.judge import blinding
from eval.judge.cells import LONGEST
from eval.judge.forms import Filled, Form, Notice, Place
from eval.judge.study import Language, Mode
from eval.records import Pair, Response, Row, Side

#: What the page's field takes; a longer one that came into the file by hand is kept.
LONGEST_COMMENT = 4000

_Short = Annotated[str, Field(max_length=200)]
Act = Literal["hello", "sit", "show", "vote", "skip", "undo", "edit", "recent", "leave"]


class Action(Row):
    """What the browser sends.

    `hello`: the page was opened; `sit`: a name was given; `show`: the same again; `recent`: the list of one's own last
    verdicts; `edit`: one of them (`edit` is its key); `leave`: out of an edit, or, without one, the page is closed.
    """

    act: Act
    reviewer: str = Field(default="", max_length=400)
    nonce: str = Field(default="", max_length=100)
    choice: blinding.Choice | Literal["up", "down"] | None = None
    comment: str = Field(default="", max_length=LONGEST)
    #: name -> left, right or tie; "name.left" and "name.right" -> a value of the scale.
    criteria: dict[_Short, _Short] = Field(default_factory=dict, max_length=200)
    tags: dict[Place, tuple[_Short, ...]] = Field(default_factory=dict)
    edit: str = Field(default="", max_length=100)
    language: Language = "en"
    #: Whether the page marks where the answers differ.
    differences: bool = False


@dataclass(frozen=True)
class Recent:
    """One of the reviewer's own verdicts: `choice` in places (left, right, tie, both_bad, up, down)."""

    key: str
    snippet: str
    choice: str
    judged_at: str


@dataclass(frozen=True)
class View:
    """What to show. In the state "ask": `pair` and `left`, or in thumbs `answer`; giveaways are masked already.

    `saved`: a row was written. `keep`: nothing was written, so the page keeps what was typed where the pair is the
    same. `judged` and `total` count what this reviewer judged, and that together with what is still open to them.
    """

    state: Literal["welcome", "ask", "done", "none", "broken"]
    nonce: str
    reviewer: str = ""
    judged: int = 0
    total: int = 0
    skipped: int = 0
    mode: Mode = "compare"
    pair: Pair | None = None
    left: Side = "base"
    answer: Response | None = None
    comment: str = ""
    filled: Filled = field(default_factory=Filled)
    form: Form | None = None
    #: The k-th of n pairs for practice, whose verdicts are not recorded; 0 for a real one.
    practice: int = 0
    practices: int = 0
    recent: tuple[Recent, ...] = ()
    editing: bool = False
    notice: Notice | None = None
    saved: bool = False
    keep: bool = False
    can_undo: bool = False
