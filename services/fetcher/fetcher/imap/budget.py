"""What a server's answers may cost: bytes of one line, of one literal, and of all that one command brings.

A server may be broken or hostile, so everything is counted while it is read, before anything is kept or parsed. All
bounds together keep a session below 64 MB (with mails up to the default limit), whatever a server sends.
"""

from dataclasses import dataclass

from fetcher.imap.faults import ImapFault
from pipeline.contracts.connection_test import Category
from pipeline.contracts.limits import KiB, MiB

PART_BYTES = 128  # what a line or a literal costs in memory beside its own bytes
MAX_UNASKED_BYTES = 64 * MiB  # read and dropped: what a large folder's changes by others may take
SLACK_BYTES = 64 * KiB


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


def _over(what: str) -> ImapFault:
    return ImapFault(Category.CONNECTIVITY, f"the server sent {what}: it is broken, or no mail server")
