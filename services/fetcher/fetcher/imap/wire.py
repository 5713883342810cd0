"""Bytes from the server, cut into whole answers: an iterative reader that counts all it keeps.

An answer is a line, or a line that announces a literal ("{42}"), the literal's bytes, the next line, and so on. A
reader keeps its state between reads, so neither the number of lines in one read nor the size of a literal matters.
"""

import re
from io import BytesIO

from fetcher.imap.budget import Allowance, Budget
from fetcher.imap.faults import ImapFault
from pipeline.contracts.connection_test import Category

Answer = tuple[bytes, ...]
"""A line, or line, literal, line ...: the odd places are literals. Line breaks and announcements are kept out of it."""

MAX_LITERALS = 16  # in one answer
_LONGEST_ANNOUNCEMENT = 26
_ANNOUNCEMENT = re.compile(rb"~?\{(\d{1,20})\+?\}$")
# Their text is free: a "{5}" at its end announces nothing (RFC 3501 section 7.1).
_STATUS = re.compile(rb"(?:\* )?(?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)
_FETCH = re.compile(rb"\* \d{1,20} FETCH ", re.IGNORECASE)


class AnswerReader:
    """Feed it what was read, then ask for answers until there is none. Raises ImapFault when a bound is crossed.

    `budget` is that of the command that runs. `blank_lines`: how many were skipped inside FETCH answers.
    """

    def __init__(self) -> None:
        self.budget = Budget(Allowance())
        self.blank_lines = 0
        self._buffer = bytearray()
        self._at = 0
        self._scanned = 0
        self._parts: list[bytes] = []
        self._literal: BytesIO | None = None
        self._missing = 0  # bytes of the literal

    @property
    def pending(self) -> bool:
        """Whether bytes are held that belong to no whole answer yet."""
        return len(self._buffer) > self._at or bool(self._parts)

    def feed(self, data: bytes) -> None:
        """Takes what was read."""
        del self._buffer[: self._at]
        self._scanned -= self._at
        self._at = 0
        self._buffer += data

    def answer(self) -> Answer | None:
        """The next whole answer; None when more must be read first."""
        while (part := self._part()) is not None:
            self._parts.append(part)
            if self._literal is None and len(self._parts) % 2:
                whole = tuple(self._parts)
                self._parts.clear()
                return whole
        return None

    def forget(self) -> None:
        """Gives the memory back; for a connection that has ended."""
        self._buffer = bytearray()
        self._at = self._scanned = 0
        self._parts.clear()
        self._literal = None

    def _part(self) -> bytes | None:
        if self._literal is not None:
            return self._rest_of(self._literal)
        line = self._line()
        while line == b"" and self._parts and _FETCH.match(self._parts[0]):  # some put a blank line behind a literal
            self.blank_lines += 1
            line = self._line()
        return line if line is None else self._without_announcement(line)

    def _line(self) -> bytes | None:
        """The next line without its end, which is CRLF, or LF alone from some servers."""
        end = self._buffer.find(b"\n", self._scanned)
        self.budget.line((end if end >= 0 else len(self._buffer)) - self._at)
        if end < 0:
            self._scanned = len(self._buffer)
            return None
        with memoryview(self._buffer) as view:
            line = bytes(view[self._at : end])
        self._at = self._scanned = end + 1
        self.budget.keep(len(line))
        return line.removesuffix(b"\r")

    def _without_announcement(self, line: bytes) -> bytes:
        found = _ANNOUNCEMENT.search(line, max(0, len(line) - _LONGEST_ANNOUNCEMENT)) if line.endswith(b"}") else None
        if found is None or not self._may_hold_a_literal(line):
            return line
        self._missing = int(found[1])
        self.budget.literal(self._missing)
        self.budget.keep(self._missing)
        if len(self._parts) >= 2 * MAX_LITERALS:
            raise ImapFault(Category.CONNECTIVITY, f"the server sent over {MAX_LITERALS} literals in one answer")
        self._literal = BytesIO()
        return line[: found.start()]

    def _may_hold_a_literal(self, line: bytes) -> bool:
        return bool(self._parts) or (line.startswith(b"* ") and not _STATUS.match(line))

    def _rest_of(self, literal: BytesIO) -> bytes | None:
        """The literal when it is whole: `getvalue` gives the bytes that were written, without a second copy."""
        with memoryview(self._buffer) as view:
            self._missing -= (taken := literal.write(view[self._at : self._at + self._missing]))
        self._at = self._scanned = self._at + taken
        if self._missing:
            return None
        self._literal = None
        return literal.getvalue()
