"""The two errors that decide how an event ends, and what a refusal comes to. Any other out of a handler is a bug.

PipelineError
├── Rejected    no retry can help: the event becomes a dead letter
└── TryLater    a dependency is away: the event is kept and tried again, as long as it takes
    └── StoreFull   the object store has no room: the same, and what needs none goes on meanwhile
"""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Self

from pydantic import ValidationError

from pipeline.contracts.reasons import Reason

MAX_DESCRIPTION_LENGTH = 500
EXIT_BAD_SETTINGS = 78  # EX_CONFIG of sysexits.h
EXIT_FAILED = 1


class PipelineError(Exception):
    """Base of the errors that the runtime understands."""


class Rejected(PipelineError):
    """Never retry: the event goes to DEAD with this reason.

    `salvaged` is what could still be seen in a document that was refused, by name; bounded, and for eyes only.
    """

    def __init__(self, reason: Reason, detail: str = "", *, salvaged: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{reason}: {detail or reason.text}")
        self.reason = reason
        self.detail = detail
        self.salvaged = dict(salvaged or {})


@dataclass(frozen=True, slots=True)
class Dead:
    """Never again: to the dead letters. `salvaged` is what could still be seen of what was refused."""

    reason: Reason
    detail: str
    salvaged: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, refusal: Rejected) -> Self:
        """The verdict on what was refused."""
        return cls(refusal.reason, refusal.detail, refusal.salvaged)


class TryLater(PipelineError):
    """A dependency ("postgres", "nats", "imap") is away or full: keep the event and try again."""

    def __init__(self, dependency: str, detail: str = "") -> None:
        super().__init__(f"{dependency} is not available: {detail}")
        self.dependency = dependency
        self.detail = detail


class StoreFull(TryLater):
    """The object store has no room for bytes of this size: what needs no room there goes on meanwhile."""


def leaves(error: BaseException) -> list[BaseException]:
    """The errors inside an exception group, however nested; the error itself when it is none."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in leaves(inner)]


def decisive(error: BaseException) -> BaseException:
    """The one error of a group that decides: a bug before a refusal, a refusal before a wait."""
    return max(leaves(error), key=_weight)


def described(error: BaseException) -> str:
    """An error for logs and dead letters: its type, text and place, on one bounded line.

    A validation error's text would quote what was validated, so only the fields are named.
    """
    text = _fields(error) if isinstance(error, ValidationError) else str(error)
    if isinstance(error, PipelineError):
        return text[:MAX_DESCRIPTION_LENGTH]
    return f"{type(error).__name__}: {text[:300]}{_place(error)}"[:MAX_DESCRIPTION_LENGTH]


def _weight(error: BaseException) -> int:
    if isinstance(error, TryLater):
        return 0
    return 1 if isinstance(error, Rejected) else 2


def _fields(error: ValidationError) -> str:
    wrong = [f"{'.'.join(map(str, e['loc']))} ({e['type']})" for e in error.errors(include_input=False)]
    return f"{error.title}: {', '.join(wrong)}"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return "".join(f" < {PurePath(f.filename).name}:{f.lineno}" for f in reversed(frames))
