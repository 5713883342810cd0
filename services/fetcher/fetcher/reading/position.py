"""Where reading a folder starts: at its cursor, unless the folder was rebuilt or rewound; and what is odd about it.

A new UIDVALIDITY means that every UID is another email's, so that the folder is read again. There are servers that make
one up at each SELECT, or whenever another machine of theirs answers: reading everything at every poll would help
nobody. Then the first one is held on to as long as UIDs only grow, and the mailbox's status says so.

A folder that was restored from a backup gives UIDs once more. That shows in UIDNEXT, until new emails have passed the
cursor; then it shows in the latest email that was fetched, whose UID belongs to another one. A UIDNEXT that an email
in the folder contradicts is not believed, nor is a folder that seems to be restored again and again, as where one of
several machines lags behind.
"""

import asyncio
from collections import defaultdict

from fetcher.imap.grammar.answers import Selected
from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.grammar.faults import ImapFault, Withheld
from fetcher.imap.interface import MailSession
from fetcher.journal import Journal
from fetcher.reading.fetch_run import Run
from pipeline.contracts.connection_test import Category
from pipeline.contracts.cursor import Cursor, is_of, is_rewound, start_of
from pipeline.jetstream.cursors import Bookmark, CursorBucket

REBUILDS = 2  # within a day; a folder that is rebuilt more often has no UIDVALIDITY that means anything
DAY_S = 24 * 3600.0
SAID_FOR_S = 3600.0


class Positions:
    """In the folders of one mailbox."""

    def __init__(self, cursors: CursorBucket, journal: Journal) -> None:
        self._cursors = cursors
        self._journal = journal
        self._rebuilt: dict[str, list[float]] = defaultdict(list)  # loop times by folder
        self._replaced: dict[str, list[float]] = defaultdict(list)  # loop times by folder
        self._rewound: dict[str, float] = {}  # loop time by folder

    async def open(self, session: MailSession, run: Run) -> tuple[Cursor, Bookmark]:
        """Opens the folder. Gives where reading starts, and what is stored about it; `run` learns what is odd.

        Raises ImapFault; TryLater while the broker is away.
        """
        selected = await session.select(run.folder)
        stored = await self._cursors.get(run.mailbox.id, run.folder)
        before = stored.cursor
        uidvalidity = selected.uidvalidity
        if before is not None and not is_of(before, uidvalidity) and await self._is_unstable(session, run, selected):
            uidvalidity = before.uidvalidity
            run.complaint, run.untouched = _unstable(run.folder), True
        filters = run.mailbox.settings.filters
        rewound = before is not None and is_of(before, uidvalidity) and await self._rewinds(session, run, before)
        start = start_of(before, uidvalidity=uidvalidity, filters=filters, rewound=rewound)
        if rewound:
            stored = await self._cursors.put(run.mailbox.id, run.folder, start, after=stored)  # acting must know
        if self._rewound.get(run.folder, 0.0) > asyncio.get_running_loop().time():
            run.complaint = run.complaint or _rewound(run.folder)
        return start, stored

    async def _rewinds(self, session: MailSession, run: Run, before: Cursor) -> bool:
        """Whether the folder was rewound. Where that seems so again and again, the server is not believed for a day."""
        if not await was_rewound(session, before):
            return False
        now = asyncio.get_running_loop().time()
        self._rewound[run.folder] = now + SAID_FOR_S
        recent = [at for at in self._replaced[run.folder] if at > now - DAY_S]
        if len(recent) >= REBUILDS:
            return False
        self._replaced[run.folder] = [*recent, now]
        facts = {"folder": run.folder, "read_up_to_uid": before.last_uid}
        self._journal.imap(run.mailbox.id, "warning", "folder_rewound", facts)
        return True

    async def _is_unstable(self, session: MailSession, run: Run, selected: Selected) -> bool:
        """Whether this new UIDVALIDITY means nothing. A folder that is opened once more gives the same one."""
        now = asyncio.get_running_loop().time()
        recent = [at for at in self._rebuilt[run.folder] if at > now - DAY_S]
        again = await session.select(run.folder)
        if again.uidvalidity != selected.uidvalidity or len(recent) >= REBUILDS:
            return True
        self._rebuilt[run.folder] = [*recent, now]
        facts = {"folder": run.folder, "uidvalidity": selected.uidvalidity}
        self._journal.imap(run.mailbox.id, "warning", "folder_rebuilt", facts)
        return False


async def was_rewound(session: MailSession, cursor: Cursor) -> bool:
    """Whether the open folder gives UIDs up to the cursor once more, or has given them. Raises ImapFault."""
    return is_rewound(cursor, await _uidnext(session, cursor)) or await _is_other_email(session, cursor)


async def _is_other_email(session: MailSession, cursor: Cursor) -> bool:
    """Whether the UID of the latest email that was fetched is another email's now. Raises ImapFault.

    An email that is no longer there says nothing; nor does a server that tells another date each time it is asked.
    """
    landmark = cursor.landmark
    if landmark is None:
        return False
    try:
        told = [meta.internal_date for _ in range(2) for meta in await session.fetch_meta([landmark.uid])]
    except Withheld:
        return False
    return len(told) == 2 and None not in told and told[0] == told[1] != landmark.received_at


async def _uidnext(session: MailSession, cursor: Cursor) -> int | None:
    """The next UID in the open folder; None where nobody tells, or where an email that is there has it already."""
    if not cursor.last_uid or session.selected is None:
        return None
    uidnext = await _said_uidnext(session, session.selected)
    if uidnext is None or not is_rewound(cursor, uidnext):
        return uidnext
    return None if await session.search(Criteria(after_uid=uidnext - 1)) else uidnext


async def _said_uidnext(session: MailSession, selected: Selected) -> int | None:
    """What the server says of it. Where SELECT is silent, as Courier's is, STATUS tells; None: nobody does."""
    if selected.uidnext is not None:
        return selected.uidnext
    try:
        return (await session.status(selected.name)).uidnext
    except ImapFault:
        if not session.alive:
            raise
        return None


def _unstable(folder: str) -> ImapFault:
    detail = (
        f'the server gives the folder "{folder}" another UIDVALIDITY each time it is opened, so that emails cannot be'
        " told apart for sure: new ones are read, but none is marked, moved or deleted"
    )
    return ImapFault(Category.CONNECTIVITY, detail)


def _rewound(folder: str) -> ImapFault:
    detail = f'the server uses numbers (UIDs) of the folder "{folder}" again, as after a restore: it was read again'
    return ImapFault(Category.CONNECTIVITY, detail)
