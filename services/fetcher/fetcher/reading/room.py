"""Large emails that the object store has no room for: they stay in the mailbox, and hold up no other.

The cursor stays below the first of them, so that they are found at the next look. What was published above it is
remembered meanwhile, or it would be downloaded at each look; after a restart it is once more, which is harmless.
"""

from collections.abc import Iterable

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.fetch_answer import Meta
from fetcher.reading.fetch_run import Batch
from pipeline.contracts.connection_test import Category
from pipeline.contracts.topology import INLINE_CARGO_BYTES

REMEMBERED = 100_000  # UIDs of a folder


def needs_room(size: int) -> bool:
    """Whether an email of so many bytes goes to the object store."""
    return size > INLINE_CARGO_BYTES


def without_room(metas: Iterable[Meta], room: int) -> frozenset[int]:
    """The emails that do not fit into so many bytes of the object store, taken in turn."""
    left, waiting = room, set()
    for meta in metas:
        if not needs_room(meta.size):
            continue
        if meta.size > left:
            waiting.add(meta.uid)
        else:
            left -= meta.size
    return frozenset(waiting)


class Waiting:
    """The emails of one folder that wait for room, and those above the cursor that are published already."""

    def __init__(self) -> None:
        self.uids: set[int] = set()  # that wait, as the run in hand has found them
        self._published: set[int] = set()
        self._cursor = 0

    def begin(self, cursor: int, new: Iterable[int]) -> list[int]:
        """A run begins: gives those of the new UIDs that are to be looked at. A cursor that went back starts again."""
        if cursor < self._cursor:
            self._published.clear()
        self._cursor = cursor
        self._published = {uid for uid in self._published if uid > cursor}
        self.uids.clear()
        return [uid for uid in new if uid not in self._published]

    def hold(self, batch: Batch, *, above: int) -> None:
        """Takes what waits out of a batch that was published, and keeps its cursor below what waits above that UID."""
        batch.downloads = [it for it in batch.downloads if it.meta.uid not in self.uids]
        first = min((uid for uid in self.uids if uid > above), default=None)
        if first is None:
            return
        batch.up_to_uid = min(batch.up_to_uid, first - 1)
        if len(self._published) < REMEMBERED:
            self._published |= {it.meta.uid for it in batch.downloads if it.meta.uid > first}

    @property
    def fault(self) -> ImapFault | None:
        """What the mailbox's status says of it; None where nothing waits."""
        if not self.uids:
            return None
        count = f"{len(self.uids):,} large email{'s wait' if len(self.uids) > 1 else ' waits'}"
        return ImapFault(Category.STORE_FULL, f"the store for large emails is full: {count} for room in the mailbox")
