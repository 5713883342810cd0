"""The status of each mailbox in the bucket `status`: told by the fetcher that holds it, read by whoever shows it."""

from nats.js import JetStreamContext

from pipeline.contracts import topology
from pipeline.contracts.status import MailboxStatus
from pipeline.jetstream.typed_bucket import Json, TypedBucket


class StatusBucket:
    """The statuses by mailbox id. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext) -> None:
        kept_as = Json(MailboxStatus, exclude_computed_fields=True)
        self._bucket = TypedBucket(js, topology.STATUS_BUCKET, kept_as)

    async def get(self, mailbox_id: str) -> MailboxStatus | None:
        """The status; None for a mailbox that no fetcher has told anything about."""
        stored = await self._bucket.get(mailbox_id)
        return None if stored is None else stored.value

    async def put(self, status: MailboxStatus) -> None:
        """Tells the status."""
        await self._bucket.put(status.mailbox_id, status)

    async def all(self) -> dict[str, MailboxStatus]:
        """Every status that can be read, by mailbox id."""
        return {stored.value.mailbox_id: stored.value for stored in await self._bucket.all() if stored.value}

    async def forget(self, mailbox_id: str) -> None:
        """The mailbox is gone."""
        await self._bucket.delete(mailbox_id)
