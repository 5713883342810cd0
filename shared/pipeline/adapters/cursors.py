"""Cursors in the bucket `cursor`: how far each folder of each mailbox was read."""

from dataclasses import dataclass
from hashlib import sha256

from nats.js import JetStreamContext
from pydantic import ValidationError

from pipeline import topology
from pipeline.adapters.buckets import Conflict, KeyValueBucket
from pipeline.cursor import Cursor
from pipeline.errors import TryLater


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

        Raises TryLater too when somebody changed the cursor since `after`: it was reset, to read the folder anew.
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
