"""What a reader is given beside the bytes, and what it gives back; and the version of the readers."""

from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self

from parser.kinds.notes import Change
from parser.kinds.rows import RowSpool
from pipeline.contracts.limits import Limits
from pipeline.contracts.report import Report

PARSER_VERSION = "2"  # grows when a document would be read differently, so that a reparse makes sense


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the outside of a document says; a fall-back where the inside is silent, never trusted over it.

    `file_name` is "receiver!policy-domain!begin!end.xml" in the specification, `from_domain` the domain of the mail's
    From address.
    """

    file_name: str = ""
    from_domain: str = ""

    @property
    def receiver(self) -> str:
        """The report's sender by the file name, or "" where the name is not of the specified form."""
        parts = self.file_name.split("!")
        return parts[0].strip() if len(parts) >= 4 else ""

    @property
    def policy_domain(self) -> str:
        """The policy domain by the file name, or ""."""
        parts = self.file_name.split("!")
        return parts[1].strip() if len(parts) >= 4 else ""


class SampleKept(StrEnum):
    """How much of the reported mail a failure report keeps. It holds personal data and, at times, malware."""

    HEADERS = "headers"  # the header only, local parts of addresses hashed
    WHOLE = "whole"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a document is to be read: within which limits, with which hints, and how much of a reported mail is kept."""

    limits: Limits = field(default_factory=Limits)
    hints: Hints = field(default_factory=Hints)
    sample_kept: SampleKept = SampleKept.HEADERS


@dataclass(frozen=True, slots=True)
class Reading:
    """A report as read: its header model, and its rows beside it (none but for an aggregate report).

    `changes` tells of the repairs which values they changed, of very many the first ones.

    Close it (or use it in a `with` block) when the rows have been used.
    """

    report: Report
    rows: RowSpool = field(default_factory=RowSpool)
    changes: tuple[Change, ...] = ()

    def close(self) -> None:
        """Free the rows."""
        self.rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
