"""Why an answer won: comments grouped by side and tag, and recurring phrases."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from eval.records import Outcome, Verdict
from eval.report.pages.query import browse_link
from eval.report.pages.snapshot import Snapshot
from eval.report.pages.study_words import side_tag
from eval.report.pages.words import Words

#: Comments shown of a group, phrases of a group, and in how many comments a phrase must be.
SHOWN, PHRASES, AGAIN = 4, 8, 2
#: Of a long comment, as much is searched for phrases; and so many comments of a group.
_LOOKED_AT, _MOST = 600, 5_000
#: A phrase has at most so many characters: what is longer is no word of any language.
_LONGEST = 60
_LATIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]{2,}")
#: They make no phrase at its beginning or end.
_STOP = frozenset(
    re.findall(
        r"\S+",
        "a an and are as at be but by for from had has have he her his i in is it its of on or she so than "
        "that the their them there they this to was we were which while with you your very answer answers one "
        "both b 的 是 和 在 也 都 很 不 一个 这个 回答",
    )
)
_TITLES: tuple[tuple[Outcome, str], ...] = (
    ("tuned", "Tuned was better"),
    ("base", "Base was better"),
    ("both_bad", "Both were bad"),
    ("tie", "A tie"),
)


@dataclass(frozen=True)
class Remark:
    """One comment and the prompt that it is on."""

    text: str
    item: str
    reviewer: str


@dataclass(frozen=True)
class Group:
    """Comments of one kind; `phrases` are (phrase, comments with it, link)."""

    title: str
    kind: str
    href: str
    comments: tuple[Remark, ...]
    total: int
    phrases: tuple[tuple[str, int, str], ...]
    tagged: bool


def comment_groups(snapshot: Snapshot, say: Words) -> tuple[Group, ...]:
    """By verdict, then by side and tag; a group without a comment is left out."""
    by_outcome: dict[str, list[Verdict]] = defaultdict(list)
    by_tag: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in snapshot.counted:
        if not verdict.comment.strip():
            continue
        by_outcome[verdict.outcome].append(verdict)
        for side, tags in (("base", verdict.tags_base), ("tuned", verdict.tags_tuned)):
            for tag in tags:
                by_tag[side, tag].append(verdict)
    found = [
        _group(say(title), outcome, by_outcome[outcome], {"verdict": outcome})
        for outcome, title in _TITLES
        if by_outcome[outcome]
    ]
    for (side, tag), rows in sorted(by_tag.items(), key=lambda one: -len(one[1])):
        title = side_tag(snapshot.study, side, tag, say)
        found.append(_group(title, side, rows, {"tag": f"{side}:{tag}"}))
    return tuple(found)


def phrases(comments: Sequence[str]) -> list[tuple[str, int]]:
    """Runs of one to four words (two to six Chinese characters) that are in AGAIN comments or more, the commonest
    first; a part of a longer phrase that is as common is left out."""
    counts = Counter(phrase for comment in comments[:_MOST] for phrase in set(_runs(comment[:_LOOKED_AT])))
    again = sorted(
        ((n, phrase) for phrase, n in counts.items() if n >= AGAIN), key=lambda one: (-one[0], -len(one[1]), one[1])
    )
    kept: list[tuple[str, int]] = []
    for n, phrase in again[: 20 * PHRASES]:
        if len(kept) < PHRASES and not any(phrase in other and m >= n for other, m in kept):
            kept.append((phrase, n))
    return kept


def _group(title: str, kind: str, rows: Sequence[Verdict], where: dict[str, str]) -> Group:
    distinct = {row.comment.strip(): row for row in rows}
    longest = sorted(distinct.values(), key=lambda row: -min(len(row.comment), 200))
    return Group(
        tagged="tag" in where,
        title=title,
        kind=kind,
        href=browse_link(**where, sort="comments"),
        comments=tuple(Remark(row.comment, row.item, row.reviewer) for row in longest[:SHOWN]),
        total=len(rows),
        phrases=tuple(
            (phrase, n, browse_link(**where, q=f'"{phrase}"')) for phrase, n in phrases([row.comment for row in rows])
        ),
    )


def _runs(comment: str) -> Iterator[str]:
    for clause in re.split(r"[.,;:!?。，；：！？、\n]+", comment.casefold()):
        yield from _of(_LATIN.findall(_HAN.sub(" ", clause)), " ", 1)
    for run in _HAN.findall(comment):
        yield from _of(list(run), "", 2, 6)


def _of(words: Sequence[str], between: str, least: int, most: int = 4) -> Iterator[str]:
    for size in range(least, most + 1):
        for at in range(len(words) - size + 1):
            part = words[at : at + size]
            phrase = between.join(part)
            if part[0] not in _STOP and part[-1] not in _STOP and _tells(part) and len(phrase) <= _LONGEST:
                yield phrase


def _tells(part: Iterable[str]) -> bool:
    return any(len(word) > 2 or not word.isascii() for word in part)
