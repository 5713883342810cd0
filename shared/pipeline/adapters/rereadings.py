"""Rereadings in the bucket `cursor`, beside the cursors: what is to be read anew, and how far that has come."""

from dataclasses import dataclass

from nats.js import JetStreamContext
from pydantic import ValidationError

from pipeline import topology
from pipeline.adapters.buckets import Conflict, KeyValueBucket
from pipeline.adapters.cursors import folder_key
from pipeline.errors import TryLater
from pipeline.rereading import Rereading


@dataclass(frozen=True, slots=True)
class Underway:
    """A rereading as it is stored."""

    rereading: Rereading
    revision: int


class RereadingBucket:
    """The rereading by mailbox and folder. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext) -> None:
        self._bucket = KeyValueBucket(js, topology.CURSOR_BUCKET)

    async def ask(self, mailbox_id: str, folder: str, rereading: Rereading) -> None:
        """Asks for one, in the place of one that is under way."""
        await self._bucket.put(_key(mailbox_id, folder), rereading.model_dump_json().encode())

    async def get(self, mailbox_id: str, folder: str) -> Underway | None:
        """What is asked for or under way; None when nothing is, or nothing that can be read."""
        entry = await self._bucket.get(_key(mailbox_id, folder))
        if entry is None or entry.value is None:
            return None
        try:
            return Underway(Rereading.model_validate_json(entry.value), entry.revision)
        except ValidationError:
            return None

    async def put(self, mailbox_id: str, folder: str, rereading: Rereading, *, after: Underway) -> Underway:
        """Notes how far it has come. Raises TryLater too when another one was asked for since `after`."""
        try:
            value = rereading.model_dump_json().encode()
            revision = await self._bucket.update(_key(mailbox_id, folder), value, revision=after.revision)
        except Conflict:
            raise TryLater("rereading", "another one was asked for") from None
        return Underway(rereading, revision)

    async def done(self, mailbox_id: str, folder: str, *, after: Underway) -> None:
        """It is finished. Raises TryLater as `put` does."""
        try:
            await self._bucket.delete(_key(mailbox_id, folder), revision=after.revision)
        except Conflict:
            raise TryLater("rereading", "another one was asked for") from None


def _key(mailbox_id: str, folder: str) -> str:
    return f"{folder_key(mailbox_id, folder)}.again"
