"""The errors of the evaluation stages.

BlindsideError            what a person can fix: one sentence with the remedy, exit status 1
├── InputError            a file or value that was given to us is wrong (names file, line, field)
├── RunError              a run folder is missing, incomplete, or belongs to other models
├── EngineError           a server does not answer, or answers what we cannot use
│   ├── EngineUnreachable nobody listens, or the time ran out
│   │   ├── TimedOut         no answer came within the time that a request may take
│   │   └── ConnectionBroke  a connection ended before the answer was complete
│   ├── EngineOverloaded  429: ask again later
│   └── EngineRejected    the request itself was refused; asking again will not help
├── NotSaved              a verdict could not be put on disk; the page keeps it
├── ReleaseError          a run may not be released, or the Hub did not take it as it was sent
├── StaleInputs           what was judged is not what lies here now; exit status 3, and nothing is decided
└── ParityFailed          a server does not serve what was saved; exit status 3
"""

from __future__ import annotations

from pathlib import Path

from blindside.errors import BlindsideError as BlindsideError


class InputError(BlindsideError):
    """A file or a value given by the user cannot be used."""

    def __init__(self, problem: str, *, path: Path | str | None = None, line: int | None = None) -> None:
        where = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(where + problem)
        self.path = path
        self.line = line


class RunError(BlindsideError):
    """A run folder is missing, incomplete, or belongs to something else."""


class EngineError(BlindsideError):
    """A server answered with an error, or with something that is not an answer.

    `status` is the HTTP status where there was one.
    """

    #: What the server itself said, where its words are not the whole of the sentence.
    server_message: str = ""

    def __init__(self, problem: str, *, status: int | None = None) -> None:
        super().__init__(problem)
        self.status = status


class EngineUnreachable(EngineError):
    """Nobody listens, the connection broke, or the time ran out: worth another try."""


class TimedOut(EngineUnreachable):
    """The time that a request may take ran out: a busy server may be quicker the next time."""


class ConnectionBroke(EngineUnreachable):
    """A connection that stood ended before the answer was complete: asking again may help."""


class EngineOverloaded(EngineError):
    """The server is full (429): worth another try, after `retry_after` seconds where it said so."""

    def __init__(self, problem: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(problem, status=status)
        self.retry_after = retry_after


class EngineRejected(EngineError):
    """The server refused this very request (4xx): another try will be refused too."""


class NotSaved(BlindsideError):
    """A verdict is not on disk; whoever gave it must be told, and may give it again."""


class ParityFailed(BlindsideError):
    """A server serves other weights, another template or other end tokens than the saved model has."""


class StaleInputs(BlindsideError):
    """A model, a policy or a verdict is no longer what it was when people judged."""


class ReleaseError(BlindsideError):
    """A run may not be released, or the Hub did not take what was sent, or holds something else."""
