"""The messages between the page and a session: actions in, views out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from eval.judge.csv_codec import LONGEST
from eval.judge.page.practice_feedback import Feedback
from eval.judge.study.forms import FilledForm, Form, Notice, Place
from eval.judge.study.localized import Language
from eval.judge.study.study import Mode
from eval.records import Pair, Response, Row, Side

#: What the page's field takes; a longer one that came into the file by hand is kept.
LONGEST_COMMENT = 4000

_Short = Annotated[str, Field(max_length=200)]
Act = Literal["hello", "sit", "show", "vote", "skip", "undo", "edit", "recent", "flag", "leave", "ahead"]
#: What the page's buttons choose, over all modes.
Choice = Literal["left_much", "left", "tie", "both_bad", "right", "right_much", "up", "down"]


class Action(Row):
    """What the browser sends.

    `hello`: the page was opened; `sit`: a name was given; `show`: the same again; `recent`: the list of one's own
    verdicts; `edit`: one of them (`edit` is its key); `flag`: mark one of them, or without a key the pair on the page,
    or take the mark off; `leave`: out of an edit, or, without one, the page is closed; `ahead`: the pair that comes
    next, to have it ready.
    """

    act: Act
    reviewer: str = Field(default="", max_length=400)
    nonce: str = Field(default="", max_length=100)
    choice: Choice | None = None
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
    """One of the reviewer's own verdicts: `choice` in places (Choice). `flagged`: to be looked at again."""

    key: str
    snippet: str
    choice: str
    judged_at: str
    comment: str = ""
    flagged: bool = False


@dataclass(frozen=True)
class View:
    """What to show. In the state "ask": `pair` and `left`, or in thumbs `answer`; giveaways are masked already.

    `saved`: a row was written. `keep`: nothing was written, so the page keeps what was typed where the pair is the
    same. `judged` counts what this reviewer judged, and `total` is their target, which never shrinks.
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
    filled: FilledForm = field(default_factory=FilledForm)
    form: Form | None = None
    #: The k-th of n pairs for practice, whose verdicts are not recorded; 0 for a real one.
    practice: int = 0
    practices: int = 0
    feedback: Feedback | None = None
    #: Markdown, in the reviewer's language.
    instructions: str = ""
    #: The choice that was given before an undo, or that an edit is about to change.
    earlier: str = ""
    #: Median seconds of the reviewer's last verdicts; 0 before there are some.
    pace: float = 0.0
    flagged: bool = False
    flags: int = 0
    recent: tuple[Recent, ...] = ()
    editing: bool = False
    notice: Notice | None = None
    saved: bool = False
    keep: bool = False
    can_undo: bool = False
