"""Bytes from the server, cut into whole answers: an iterative reader with bounds on all it keeps.

An answer is a line, or a line that announces a literal ("{42}"), the literal's bytes, the next line, and so on. A
reader keeps its state between reads, so neither the number of lines in one read nor the size of a literal matters.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fetcher.imap.faults import ImapFault
from pipeline.connection import Category
from pipeline.limits import MiB

Answer = tuple[bytes, ...]
"""A line, or line, literal, line ...: the odd places are literals. Line breaks and announcements are kept out of it."""

_ANNOUNCEMENT = re.compile(rb"~?\{(\d{1,20})\+?\}$")
# Their text is free: a "{5}" at its end announces nothing (RFC 3501 section 7.1).
_STATUS = re.compile(rb"(?:\* )?(?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one answer may cost. A SEARCH answer of two million UIDs is a line of 16 MiB."""

    max_line_bytes: int = 16 * MiB
    max_literal_bytes: int = 160 * MiB


class AnswerReader:
    """Feed it what was read; it gives the answers that are whole. Raises ImapFault when a bound is crossed."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._buffer = bytearray()
        self._at = 0
        self._scanned = 0
        self._parts: list[bytes] = []
        self._literal_bytes: int | None = None

    @property
    def pending(self) -> bool:
        """Whether bytes are held that belong to no whole answer yet."""
        return bool(self._buffer or self._parts)

    def feed(self, data: bytes) -> Iterator[Answer]:
        """The answers that `data` completes, in order."""
        self._buffer += data
        while (part := self._next_part()) is not None:
            self._parts.append(part)
            if self._literal_bytes is None and len(self._parts) % 2:
                yield tuple(self._parts)
                self._parts.clear()
        del self._buffer[: self._at]
        self._scanned -= self._at
        self._at = 0

    def _next_part(self) -> bytes | None:
        if self._literal_bytes is not None:
            return self._literal(self._literal_bytes)
        end = self._buffer.find(b"\r\n", self._scanned)
        length = (end if end >= 0 else len(self._buffer)) - self._at
        if length > self._bounds.max_line_bytes:
            raise ImapFault(Category.CONNECTIVITY, f"the server sent a line over {self._bounds.max_line_bytes} bytes")
        if end < 0:
            self._scanned = max(len(self._buffer) - 1, self._at)
            return None
        line = bytes(self._buffer[self._at : end])
        self._at = self._scanned = end + 2
        return self._without_announcement(line)

    def _without_announcement(self, line: bytes) -> bytes:
        found = _ANNOUNCEMENT.search(line) if line.endswith(b"}") else None
        if found is None or not self._may_hold_a_literal(line):
            return line
        size = int(found[1])
        if size > self._bounds.max_literal_bytes:
            raise ImapFault(
                Category.CONNECTIVITY,
                f"the server announced {size} bytes at once, over the limit of {self._bounds.max_literal_bytes}",
            )
        self._literal_bytes = size
        return line[: found.start()]

    def _may_hold_a_literal(self, line: bytes) -> bool:
        return bool(self._parts) or (line.startswith(b"* ") and not _STATUS.match(line))

    def _literal(self, size: int) -> bytes | None:
        end = self._at + size
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            literal = bytes(view[self._at : end])
        self._at = self._scanned = end
        self._literal_bytes = None
        return literal
