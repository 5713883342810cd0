"""Reconciliation: now and then the folder is compared with the ledger, and what the ledger does not know is fetched.

The cursor moves only over emails that the broker has confirmed, so that there should be nothing to find. This finds
what a broker that lost its disk, or a restored database, has forgotten.
"""

import asyncio

import structlog
from pydantic import ValidationError

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.interface import MailSession
from fetcher.journal import Journal
from fetcher.reading.fetch_run import Run
from fetcher.reading.filters import STRAIN, criteria_for, matching, windows
from pipeline.contracts.cursor import Cursor
from pipeline.contracts.mailbox import Filters
from pipeline.contracts.questions import MAX_UIDS, LedgerAnswer, LedgerInquiry
from pipeline.contracts.topology import LEDGER_SUBJECT
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.lag import in_flight
from pipeline.jetstream.requests import NobodyAnswers, request
from pipeline.telemetry.metrics import RECONCILED_MAILS

log = structlog.get_logger(__name__)

ANSWER_S = 20.0
NOT_NOW_S = 60.0  # until the next try, when nobody answers or emails are on their way


class Reconciliation:
    """Of one mailbox, folder by folder, `every_s` seconds apart; 0: never."""

    def __init__(self, bus: Bus, journal: Journal, *, every_s: float) -> None:
        self._bus = bus
        self._journal = journal
        self._every_s = every_s
        self._due: dict[str, float] = {}  # loop time by folder

    async def unsettled(self, session: MailSession, run: Run, cursor: Cursor) -> list[int]:
        """The UIDs up to the cursor that must be fetched once more, rising; mostly none. The folder is open.

        Only when it is due, and when no email of the mailbox is on its way to the ledger. Raises ImapFault.
        """
        now = asyncio.get_running_loop().time()
        if not self._every_s or now < self._due.setdefault(run.folder, now + self._every_s) or not cursor.last_uid:
            return []
        self._due[run.folder] = now + min(NOT_NOW_S, self._every_s)
        try:
            found = await self._compared(session, run, cursor)
        except (TryLater, NobodyAnswers, ValidationError) as error:
            log.info("not_reconciled", mailbox_id=run.mailbox.id, folder=run.folder, why=type(error).__name__)
            return []
        except ImapFault as fault:
            if fault.category in STRAIN:  # not once more in a minute
                self._due[run.folder] = now + self._every_s
            raise
        self._due[run.folder] = now + self._every_s
        return found

    async def _compared(self, session: MailSession, run: Run, cursor: Cursor) -> list[int]:
        if await in_flight(self._bus.js, run.mailbox.id):
            raise TryLater("ledger", "mails are on their way")
        everything = criteria_for(Filters(), now=run.started_at, up_to_uid=cursor.last_uid)
        uids: list[int] = []
        for window in windows(await session.search(everything)):
            uids += sorted(await matching(session.search, run.mailbox.settings.filters, window, now=run.started_at))
        found: list[int] = []
        for start in range(0, len(uids), MAX_UIDS):
            found += await self._asked(run, cursor, uids[start : start + MAX_UIDS])
        facts = {"folder": run.folder, "compared": len(uids), "fetched_again": len(found)}
        self._journal.imap(run.mailbox.id, "warning" if found else "debug", "reconciled", facts)
        RECONCILED_MAILS.labels(run.mailbox.id).inc(len(found))
        return found

    async def _asked(self, run: Run, cursor: Cursor, uids: list[int]) -> tuple[int, ...]:
        asked = LedgerInquiry(
            mailbox_id=run.mailbox.id, folder=run.folder, uidvalidity=cursor.uidvalidity, uids=tuple(uids)
        )
        payload = asked.model_dump_json().encode()
        answer = await request(self._bus.client, LEDGER_SUBJECT, payload, timeout=ANSWER_S)
        return LedgerAnswer.model_validate_json(answer).unsettled
