"""Bytes from the server, cut into whole answers, and what they may cost: an iterative reader that counts all it keeps.

An answer is a line, or a line that announces a literal ("{42}"), the literal's bytes, the next line, and so on. The
reader keeps its state between reads, so neither the number of lines in one read nor the size of a literal matters.

A server may be broken or hostile, so everything is counted while it is read, before anything is kept or parsed: bytes
of one line, of one literal, and of all that one command brings. All bounds together keep a session below 64 MB (with
emails up to the default limit), whatever a server sends.
"""

import re
from dataclasses import dataclass
from io import BytesIO

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.tokens import Answer
from pipeline.contracts.connection_test import Category
from pipeline.contracts.limits import KiB, MiB

PART_BYTES = 128  # what a line or a literal costs in memory beside its own bytes
MAX_UNASKED_BYTES = 64 * MiB  # read and dropped: what a large folder's changes by others may take
SLACK_BYTES = 64 * KiB
MIN_BYTES_A_SECOND = KiB  # of one answer
MIN_BYTES_A_SECOND_TOGETHER = 10 * KiB  # of emails that are fetched


@dataclass(frozen=True, slots=True)
class Allowance:
    """In bytes: the longest line, the largest literal, and all lines and literals that are kept for one command."""

    line: int = 64 * KiB
    literal: int = 64 * KiB
    total: int = 256 * KiB


# A SEARCH answer of half a million UIDs is a line of 5 MiB.
_BY_COMMAND = {
    "LIST": Allowance(total=4 * MiB),
    "SEARCH": Allowance(line=5 * MiB, total=6 * MiB),
    "FETCH": Allowance(total=10 * MiB),
}


def allowance_of(command: str) -> Allowance:
    """For a command by its name without UID; all that is not listed is answered in a few short lines."""
    return _BY_COMMAND.get(command, Allowance())


def literals_of(size: int, total: int) -> Allowance:
    """For a FETCH of literals of at most `size` bytes each and about `total` together."""
    return Allowance(literal=size + SLACK_BYTES, total=max(size, total) + MiB)


class Budget:
    """What is left of one command's allowance. Every method raises ImapFault when a bound is crossed."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._kept = 0
        self._unasked = 0

    def line(self, size: int) -> None:
        """A line that has reached this size; it may go on growing."""
        if size > self._allowance.line:
            raise _over(f"a line over {self._allowance.line} bytes")

    def literal(self, size: int) -> None:
        """A literal that was announced."""
        if size > self._allowance.literal:
            raise _over(f"{size} bytes at once (announced), over the limit of {self._allowance.literal}")

    def keep(self, size: int) -> None:
        """A line or a literal of an answer."""
        self._kept += size + PART_BYTES
        if self._kept > self._allowance.total:
            raise _over(f"over {self._allowance.total} bytes for one command")

    def drop(self, size: int, parts: int) -> None:
        """An answer that nobody asked for is not kept after all."""
        cost = size + parts * PART_BYTES
        self._kept = max(0, self._kept - cost)
        self._unasked += cost
        if self._unasked > MAX_UNASKED_BYTES:
            raise _over(f"over {MAX_UNASKED_BYTES} bytes that nobody asked for")


class MinimumRate:
    """An answer that was begun must come on: byte by byte it could take for ever. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._bytes = 0

    def heard(self, size: int, now: float, *, grace_s: float, unfinished: bool) -> None:
        """So many bytes came; `unfinished`: and an answer is still not whole. Raises ImapFault when it is too slow."""
        if not unfinished:
            self._began = None
            return
        if self._began is None:
            self._began, self._bytes = now, 0
        self._bytes += size
        if self._bytes < (now - self._began - grace_s) * MIN_BYTES_A_SECOND:
            detail = f"the server sends an answer at less than {MIN_BYTES_A_SECOND} bytes a second: try again later"
            raise ImapFault(Category.TIMEOUT, detail)


def _over(what: str) -> ImapFault:
    return ImapFault(Category.CONNECTIVITY, f"the server sent {what}: it is broken, or no mail server")


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
