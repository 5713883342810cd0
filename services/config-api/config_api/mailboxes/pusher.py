"""Keeps the bus's mailboxes as the database has them: each change at once, and everything compared now and then.

The database is the truth. A change is marked as published in the transaction that holds its row locked while the bus
is told, so that two processes never tell an older version after a newer one.
"""

import asyncio

import structlog

from config_api.backend import Backend
from config_api.mailboxes import SQL
from pipeline.errors import TryLater
from pipeline.jetstream.mailboxes import MailboxBucket, SealedMailbox
from pipeline.runtime.retry import pause

log = structlog.get_logger(__name__)

LOOK_EVERY = 2.0  # seconds; another process may have made a change and ended before it told
COMPARE_EVERY = 60.0  # seconds
AFTER_FAULT = 1.0  # seconds


class Pusher:
    """Tells the bus what the database says."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._compare_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until told to stop."""
        changed = self._backend.changed
        while not stopping.is_set():
            changed.clear()
            try:
                await self._compare_if_due()
                await self._push()
            except TryLater as error:
                self._compare_at = 0.0  # whoever was away may have forgotten something
                log.debug("mailboxes_not_published", dependency=error.dependency, detail=error.detail[:200])
                await pause(stopping, AFTER_FAULT)
                continue
            await pause(changed, LOOK_EVERY)

    async def _push(self) -> None:
        bucket = MailboxBucket(self._backend.bus.js, self._backend.keys)
        async with self._backend.database.transaction() as connection:
            rows = await connection.fetch(SQL["unpublished"])
            if not rows:
                return
            is_on = await connection.fetchval(SQL["is_on"])
            for row in rows:
                if row["is_deleted"]:
                    await bucket.delete(row["id"])
                else:
                    await bucket.put(_as_fetched(SealedMailbox.model_validate(dict(row)), is_on=is_on))
            await connection.execute(SQL["note_published"], [row["id"] for row in rows])
        self._backend.changed.set()  # there may be more
        for row in rows:
            log.info("mailbox_published", mailbox_id=row["id"], version=row["version"], deleted=row["is_deleted"])

    async def _compare_if_due(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._compare_at:
            return
        bucket = MailboxBucket(self._backend.bus.js, self._backend.keys)
        known = await bucket.versions()
        async with self._backend.database.transaction() as connection:
            wanted = {row["id"]: row["version"] for row in await connection.fetch(SQL["versions"])}
            differing = [mailbox_id for mailbox_id, version in wanted.items() if known.get(mailbox_id) != version]
            await connection.execute(SQL["publish_again"], differing)
        for mailbox_id in known.keys() - wanted.keys():
            await bucket.delete(mailbox_id)
        self._compare_at = now + COMPARE_EVERY


def _as_fetched(sealed: SealedMailbox, *, is_on: bool) -> SealedMailbox:
    """What the fetchers hear: while the switch over all mailboxes is off, none of them is enabled."""
    if is_on:
        return sealed
    return sealed.model_copy(update={"settings": sealed.settings.model_copy(update={"enabled": False})})
