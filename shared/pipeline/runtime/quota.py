"""Which refused mail goes when more is kept than may be; pure."""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A dead letter: its number (from the oldest), mailbox, sender, size with all bytes, and when it died (UTC).

    `stored`: those of its bytes that are in the object store.
    """

    number: int
    mailbox_id: str
    sender: str
    size: int
    at: datetime
    stored: int = 0


def superfluous(kept: Iterable[Kept], *, max_bytes: int, not_before: datetime | None) -> list[int]:
    """Numbers of those that are too old (None: none is) or too much, in the order in which they should go.

    While there is too much, the oldest of the sender goes that has the most bytes: whoever floods loses only what is
    their own.
    """
    ordered = sorted(kept, key=lambda each: each.number)
    gone = [each.number for each in ordered if not_before is not None and each.at < not_before]
    by_sender: dict[str, deque[Kept]] = defaultdict(deque)
    for each in ordered:
        if not_before is None or each.at >= not_before:
            by_sender[each.sender].append(each)
    held = {sender: sum(each.size for each in theirs) for sender, theirs in by_sender.items()}
    total = sum(held.values())
    while total > max_bytes:
        sender = max(held, key=lambda name: held[name])
        oldest = by_sender[sender].popleft()
        held[sender] -= oldest.size
        total -= oldest.size
        gone.append(oldest.number)
        if not by_sender[sender]:
            del held[sender]
    return gone


def in_the_way(kept: Iterable[Kept], *, room: int) -> list[int]:
    """Numbers of those that go for the object store to have so many bytes more room, in the order of `superfluous`."""
    stored = [replace(each, size=each.stored) for each in kept if each.stored]
    return superfluous(stored, max_bytes=max(sum(each.size for each in stored) - room, 0), not_before=None)
