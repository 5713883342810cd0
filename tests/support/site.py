"""The whole pipeline in a test: services as processes on real servers, and a look at what they made of the mails."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.topology import fetch_subject
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.cursors import CursorBucket
from pipeline.jetstream.requests import request
from tests.support.client import bus, dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User
from tests.support.services import Services, services

TIMEOUT = 90.0  # seconds
PIPELINE = ("parser", "extractor", "fetcher")


@dataclass(frozen=True, slots=True)
class Site:
    """Running servers and services. Rows are asked for by mailbox, so that tests can share a site."""

    dovecot: Dovecot
    nats_url: str
    database_url: str
    services: Services

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Inspector"]:
        """Connections of the test's own to broker and database."""
        async with bus(self.nats_url) as opened:
            database = await asyncpg.connect(self.database_url)
            try:
                yield Inspector(self, opened, database)
            finally:
                await database.close()


@dataclass(frozen=True, slots=True)
class Inspector:
    """What a test does from outside, and what it sees."""

    site: Site
    bus: Bus
    database: "asyncpg.Connection[asyncpg.Record]"

    async def work_for(self, user: User, **settings: Any) -> Mailbox:
        """The pipeline works for this user's mailbox from now on."""
        mailbox = dovecot_mailbox(self.site.dovecot, user, **settings)
        await put_mailbox(self.bus, mailbox)
        return mailbox

    async def read_again(self, mailbox: Mailbox) -> None:
        """Has the folder read from its beginning."""
        await CursorBucket(self.bus.js).forget(mailbox.id, mailbox.settings.folder)
        await request(self.bus.client, fetch_subject(mailbox.id), b"", timeout=10)

    async def value(self, query: str, *arguments: object) -> int:
        """The one number that the query gives."""
        return int(await self.database.fetchval(query, *arguments) or 0)

    async def until(self, wanted: int, query: str, *arguments: object) -> None:
        """Returns when the query gives this number. Raises TimeoutError when it never does."""
        found = -1
        try:
            async with asyncio.timeout(TIMEOUT):
                while (found := await self.value(query, *arguments)) != wanted:  # noqa: ASYNC110 nobody tells
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{query} gives {found} instead of {wanted}") from None

    async def until_done(self, mailbox: Mailbox, mails: int) -> None:
        """Returns when so many mails of the mailbox are in the ledger and nothing is left to do with them."""
        done = "SELECT count(*) FROM mail WHERE mailbox_id = $1 AND action_state <> 'pending'"
        await self.until(mails, done, mailbox.id)

    async def until_runs(self, mailbox: Mailbox, seen: int) -> None:
        """Returns when the mailbox's fetch runs have seen so many mails together."""
        await self.until(seen, "SELECT sum(seen) FROM fetch_run WHERE mailbox_id = $1", mailbox.id)

    async def outcomes(self, mailbox: Mailbox) -> dict[str, int]:
        """Mails by outcome."""
        rows = await self.database.fetch(
            "SELECT outcome, count(*) FROM mail WHERE mailbox_id = $1 GROUP BY 1", mailbox.id
        )
        return {row["outcome"]: row["count"] for row in rows}

    async def action_states(self, mailbox: Mailbox) -> dict[str, int]:
        """Mails by what became of their action."""
        rows = await self.database.fetch(
            "SELECT action_state, count(*) FROM mail WHERE mailbox_id = $1 GROUP BY 1", mailbox.id
        )
        return {row["action_state"]: row["count"] for row in rows}

    async def figures(self, mailbox: Mailbox) -> tuple[int, int, int]:
        """Reports, records and messages that the mailbox's mails brought; the records are counted one by one."""
        row = await self.database.fetchrow(FIGURES, mailbox.id)
        assert row is not None
        return int(row["reports"]), int(row["records"]), int(row["messages"])


FIGURES = """
WITH theirs AS (
    SELECT report.* FROM report JOIN document ON document.id = report.id JOIN mail ON mail.mail_id = document.mail_id
    WHERE mail.mailbox_id = $1
)
SELECT count(*) AS reports, coalesce(sum(message_count), 0) AS messages,
    (SELECT count(*) FROM record JOIN theirs ON record.report = theirs.id AND record.begin = theirs.begin)
    + (SELECT coalesce(sum(record_count), 0) FROM theirs WHERE kind <> 'aggregate') AS records
FROM theirs
"""


@contextmanager
def running_site(dovecot: Dovecot, *, nats_url: str, database_url: str, logs: Path) -> Iterator[Site]:
    """The pipeline's services, running and ready inside the block."""
    with services(*PIPELINE, nats_url=nats_url, database_url=database_url, logs=logs) as started:
        yield Site(dovecot, nats_url, database_url, started)
