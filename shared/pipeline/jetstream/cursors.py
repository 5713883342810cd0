"""The bucket `cursor`: how far each folder of each mailbox was read, and how far a backfill of it has come."""

from dataclasses import dataclass
from hashlib import sha256

from nats.js import JetStreamContext
from pydantic import ValidationError

from pipeline.contracts import topology
from pipeline.contracts.cursor import BackfillCursor, Cursor
from pipeline.errors import TryLater
from pipeline.jetstream.buckets import Conflict, KeyValueBucket


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A cursor as it is stored. `cursor` None: never read, or not readable. `revision` None: nothing is stored."""

    cursor: Cursor | None
    revision: int | None


class CursorBucket:
    """The cursor by mailbox and folder. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext) -> None:
        self._bucket = KeyValueBucket(js, topology.CURSOR_BUCKET)

    async def get(self, mailbox_id: str, folder: str) -> Bookmark:
        """The cursor as it is now."""
        entry = await self._bucket.get(folder_key(mailbox_id, folder))
        if entry is None or entry.value is None:
            return Bookmark(None, None)
        try:
            return Bookmark(Cursor.model_validate_json(entry.value), entry.revision)
        except ValidationError:
            return Bookmark(None, entry.revision)

    async def put(self, mailbox_id: str, folder: str, cursor: Cursor, *, after: Bookmark) -> Bookmark:
        """Notes how far the folder was read. Only called when every mail below is confirmed by the broker.

        Raises TryLater too when somebody changed the cursor since `after`: it was reset, to read the folder again.
        """
        key, value = folder_key(mailbox_id, folder), cursor.model_dump_json().encode()
        try:
            if after.revision is None:
                return Bookmark(cursor, await self._bucket.create(key, value))
            return Bookmark(cursor, await self._bucket.update(key, value, revision=after.revision))
        except Conflict:
            raise TryLater("cursor", "it was changed by somebody else") from None

    async def forget(self, mailbox_id: str, folder: str) -> None:
        """The folder will be read from its beginning; what the ledger knows is not stored twice."""
        await self._bucket.delete(folder_key(mailbox_id, folder))


def folder_key(mailbox_id: str, folder: str) -> str:
    """The key of a folder, whatever characters are in its name."""
    return f"{mailbox_id}.{sha256(folder.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Underway:
    """A backfill as it is stored."""

    backfill: BackfillCursor
    revision: int


class BackfillBucket:
    """The backfill by mailbox and folder. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext) -> None:
        self._bucket = KeyValueBucket(js, topology.CURSOR_BUCKET)

    async def ask(self, mailbox_id: str, folder: str, backfill: BackfillCursor) -> None:
        """Asks for one, in the place of one that is under way."""
        await self._bucket.put(_key(mailbox_id, folder), backfill.model_dump_json().encode())

    async def get(self, mailbox_id: str, folder: str) -> Underway | None:
        """What is asked for or under way; None when nothing is, or nothing that can be read."""
        entry = await self._bucket.get(_key(mailbox_id, folder))
        if entry is None or entry.value is None:
            return None
        try:
            return Underway(BackfillCursor.model_validate_json(entry.value), entry.revision)
        except ValidationError:
            return None

    async def put(self, mailbox_id: str, folder: str, backfill: BackfillCursor, *, after: Underway) -> Underway:
        """Notes how far it has come. Raises TryLater too when another one was asked for since `after`."""
        try:
            value = backfill.model_dump_json().encode()
            revision = await self._bucket.update(_key(mailbox_id, folder), value, revision=after.revision)
        except Conflict:
            raise TryLater("backfill", "another one was asked for") from None
        return Underway(backfill, revision)

    async def done(self, mailbox_id: str, folder: str, *, after: Underway) -> None:
        """It is finished. Raises TryLater as `put` does."""
        try:
            await self._bucket.delete(_key(mailbox_id, folder), revision=after.revision)
        except Conflict:
            raise TryLater("backfill", "another one was asked for") from None


def _key(mailbox_id: str, folder: str) -> str:
    return f"{folder_key(mailbox_id, folder)}.again"
