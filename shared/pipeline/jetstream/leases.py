"""Leases: at most one fetcher holds a mailbox; a dead or hung holder loses it when the lease's time is over."""

from contextlib import suppress
from dataclasses import dataclass

from nats.js import JetStreamContext

from pipeline.contracts import topology
from pipeline.jetstream.typed_bucket import Conflict, Text, TypedBucket

RENEW_EVERY = topology.LEASE_BUCKET.max_age / 3  # seconds


@dataclass(frozen=True, slots=True)
class Lease:
    """The proof of holding a mailbox: its revision must be the current one to renew it."""

    mailbox_id: str
    holder: str
    revision: int


class LeaseBucket:
    """Takes, renews and gives back leases. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext) -> None:
        self._bucket = TypedBucket(js, topology.LEASE_BUCKET, Text())

    async def take(self, mailbox_id: str, *, holder: str) -> Lease | None:
        """The lease, or None while somebody else holds it. Holders have different names, for one gets its own back."""
        try:
            revision = await self._bucket.replace(mailbox_id, holder, after=None)
        except Conflict:
            return await self._taken_back(mailbox_id, holder=holder)
        return Lease(mailbox_id, holder, revision)

    async def renew(self, lease: Lease) -> Lease | None:
        """The renewed lease, or None when it was lost."""
        try:
            revision = await self._bucket.replace(lease.mailbox_id, lease.holder, after=lease.revision)
        except Conflict:
            return None
        return Lease(lease.mailbox_id, lease.holder, revision)

    async def give_back(self, lease: Lease) -> None:
        """Lets another fetcher take the mailbox at once; harmless when the lease was lost meanwhile."""
        with suppress(Conflict):
            await self._bucket.delete(lease.mailbox_id, after=lease.revision)

    async def _taken_back(self, mailbox_id: str, *, holder: str) -> Lease | None:
        """A holder's own lease, which it could not give back or whose renewal was confirmed too late."""
        stored = await self._bucket.get(mailbox_id)
        if stored is None or stored.value != holder:
            return None
        return await self.renew(Lease(mailbox_id, holder, stored.revision))
