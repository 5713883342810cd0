"""The bucket `cursor`: how far each folder of each mailbox was read, and how far a backfill of it has come."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from nats.js import JetStreamContext

from pipeline.contracts import topology
from pipeline.contracts.cursor import BackfillCursor, Cursor
from pipeline.errors import TryLater
from pipeline.jetstream.typed_bucket import Conflict, Json, TypedBucket


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A cursor as it is stored. `cursor` None: never read, or not readable. `revision` None: nothing is stored."""

    cursor: Cursor | None
    revision: int | None


class CursorBucket:
    """The cursor by mailbox and folder. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext) -> None:
        self._bucket = TypedBucket(js, topology.CURSOR_BUCKET, Json(Cursor))

    async def get(self, mailbox_id: str, folder: str) -> Bookmark:
        """The cursor as it is now."""
        stored = await self._bucket.get(folder_key(mailbox_id, folder))
        return Bookmark(None, None) if stored is None else Bookmark(stored.value, stored.revision)

    async def put(self, mailbox_id: str, folder: str, cursor: Cursor, *, after: Bookmark) -> Bookmark:
        """Notes how far the folder was read. Only called when every mail below is confirmed by the broker.

        Raises TryLater too when somebody changed the cursor since `after`: it was reset, to read the folder again.
        """
        with _conflict_waits("cursor", "it was changed by somebody else"):
            revision = await self._bucket.replace(folder_key(mailbox_id, folder), cursor, after=after.revision)
        return Bookmark(cursor, revision)

    async def forget(self, mailbox_id: str, folder: str) -> None:
        """The folder will be read from its beginning; what the ledger knows is not stored twice."""
        await self._bucket.delete(folder_key(mailbox_id, folder))


@dataclass(frozen=True, slots=True)
class Underway:
    """A backfill as it is stored."""

    backfill: BackfillCursor
    revision: int


class BackfillBucket:
    """The backfill by mailbox and folder. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext) -> None:
        self._bucket = TypedBucket(js, topology.CURSOR_BUCKET, Json(BackfillCursor))

    async def ask(self, mailbox_id: str, folder: str, backfill: BackfillCursor) -> None:
        """Asks for one, in the place of one that is under way."""
        await self._bucket.put(_backfill_key(mailbox_id, folder), backfill)

    async def get(self, mailbox_id: str, folder: str) -> Underway | None:
        """What is asked for or under way; None when nothing is, or nothing that can be read."""
        stored = await self._bucket.get(_backfill_key(mailbox_id, folder))
        return None if stored is None or stored.value is None else Underway(stored.value, stored.revision)

    async def put(self, mailbox_id: str, folder: str, backfill: BackfillCursor, *, after: Underway) -> Underway:
        """Notes how far it has come. Raises TryLater too when another one was asked for since `after`."""
        with _conflict_waits("backfill", "another one was asked for"):
            revision = await self._bucket.replace(_backfill_key(mailbox_id, folder), backfill, after=after.revision)
        return Underway(backfill, revision)

    async def done(self, mailbox_id: str, folder: str, *, after: Underway) -> None:
        """It is finished. Raises TryLater as `put` does."""
        with _conflict_waits("backfill", "another one was asked for"):
            await self._bucket.delete(_backfill_key(mailbox_id, folder), after=after.revision)


def folder_key(mailbox_id: str, folder: str) -> str:
    """The key of a folder, whatever characters are in its name."""
    return f"{mailbox_id}.{sha256(folder.encode()).hexdigest()[:32]}"


def _backfill_key(mailbox_id: str, folder: str) -> str:
    return f"{folder_key(mailbox_id, folder)}.again"


@contextmanager
def _conflict_waits(what: str, why: str) -> Iterator[None]:
    """Whoever changed the entry meanwhile is right: read it and try again."""
    try:
        yield
    except Conflict:
        raise TryLater(what, why) from None
