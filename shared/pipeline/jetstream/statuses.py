"""The status of each mailbox in the bucket `status`: told by the fetcher that holds it, read by whoever shows it."""

from nats.js import JetStreamContext
from pydantic import ValidationError

from pipeline.contracts import topology
from pipeline.contracts.status import MailboxStatus
from pipeline.jetstream.buckets import Entry, KeyValueBucket


class StatusBucket:
    """The statuses by mailbox id. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext) -> None:
        self._bucket = KeyValueBucket(js, topology.STATUS_BUCKET)

    async def get(self, mailbox_id: str) -> MailboxStatus | None:
        """The status; None for a mailbox that no fetcher has told anything about."""
        entry = await self._bucket.get(mailbox_id)
        return None if entry is None else _read(entry)

    async def put(self, status: MailboxStatus) -> None:
        """Tells the status."""
        await self._bucket.put(status.mailbox_id, status.model_dump_json(exclude_computed_fields=True).encode())

    async def all(self) -> dict[str, MailboxStatus]:
        """Every status that can be read, by mailbox id."""
        found = (_read(entry) for entry in await self._bucket.entries())
        return {status.mailbox_id: status for status in found if status is not None}

    async def forget(self, mailbox_id: str) -> None:
        """The mailbox is gone."""
        await self._bucket.delete(mailbox_id)


def _read(entry: Entry) -> MailboxStatus | None:
    try:
        return MailboxStatus.model_validate_json(entry.value or b"")
    except ValidationError:
        return None
