"""Cursors in the bucket `cursor`: how far each folder of each mailbox was read."""

from hashlib import sha256

from nats.js import JetStreamContext
from pydantic import ValidationError

from pipeline import topology
from pipeline.adapters.buckets import KeyValueBucket
from pipeline.cursor import Cursor


class CursorBucket:
    """The cursor by mailbox and folder. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext) -> None:
        self._bucket = KeyValueBucket(js, topology.CURSOR_BUCKET)

    async def get(self, mailbox_id: str, folder: str) -> Cursor | None:
        """The cursor; None for a folder that was never read, or whose cursor cannot be read (it is read anew then)."""
        entry = await self._bucket.get(_key(mailbox_id, folder))
        if entry is None or entry.value is None:
            return None
        try:
            return Cursor.model_validate_json(entry.value)
        except ValidationError:
            return None

    async def put(self, mailbox_id: str, folder: str, cursor: Cursor) -> None:
        """Notes how far the folder was read. Only called when every mail below is confirmed by the broker."""
        await self._bucket.put(_key(mailbox_id, folder), cursor.model_dump_json().encode())

    async def forget(self, mailbox_id: str, folder: str) -> None:
        """The folder will be read from its beginning; what the ledger knows is not stored twice."""
        await self._bucket.delete(_key(mailbox_id, folder))


def _key(mailbox_id: str, folder: str) -> str:
    return f"{mailbox_id}.{sha256(folder.encode()).hexdigest()[:32]}"
