"""Commands that agree, done in the mailbox as one IMAP command, and the event that tells what became of them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from fetcher.acting.refusals import Senseless
from fetcher.acting.same_folder import SameFolder
from fetcher.departed import Departed
from fetcher.imap import ImapFault, ImapSession, Selected
from fetcher.reading.position import was_rewound
from pipeline.contracts.connection_test import Category
from pipeline.contracts.cursor import is_of, server_uidvalidity
from pipeline.contracts.events import ActResult, MailActed, MailCommand
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from pipeline.contracts.trace import named
from pipeline.jetstream.cursors import CursorBucket
from pipeline.telemetry.metrics import ACTED_MAILS

log = structlog.get_logger(__name__)

Job = tuple[str, int, Action, str | None]
"""Folder, uidvalidity, action, target folder: commands that agree in these are one IMAP command."""

MAX_DETAIL = 500  # characters


class Jobs:
    """Does those of one mailbox."""

    def __init__(self, mailbox_id: str, cursors: CursorBucket, departed: Departed) -> None:
        self._mailbox_id = mailbox_id
        self._cursors = cursors
        self._departed = departed
        self._same_folder = SameFolder()

    async def do(self, session: ImapSession, job: Job, commands: Sequence[MailCommand]) -> MailActed:
        """Does the commands, if the folder's UIDs are still those of the emails. Raises ImapFault."""
        selected = await session.select(job[0])
        if not await self._are_these(session, selected, job):
            return acted(job, commands, ActResult.FAILED, reason=Reason.UIDVALIDITY_CHANGED)
        await self._act(session, selected, job, [command.mail.uid for command in commands])
        return acted(job, commands, ActResult.DONE)

    async def _act(self, session: ImapSession, selected: Selected, job: Job, uids: Sequence[int]) -> None:
        folder, uidvalidity, action, target = job
        if action is Action.MARK_READ:
            await session.mark_read(uids)
            return
        if action is Action.MOVE and target is not None:
            if await self._same_folder.is_same(session, selected, target):
                raise Senseless(f'"{target}" is the folder "{folder}" under another name: mail moved there comes back')
            await session.move(uids, target)
        elif action is Action.DELETE:
            await session.delete(uids)
        self._departed.left(folder, uidvalidity, uids)

    async def _are_these(self, session: ImapSession, selected: Selected, job: Job) -> bool:
        """Whether the UIDs are those of the emails that were fetched. Raises ImapFault while that is not known."""
        folder, uidvalidity, *_ = job
        if server_uidvalidity(selected.uidvalidity) != server_uidvalidity(uidvalidity):
            return False
        cursor = (await self._cursors.get(self._mailbox_id, folder)).cursor
        if cursor is None or not is_of(cursor, selected.uidvalidity):
            return True
        if await was_rewound(session, cursor):
            raise ImapFault(Category.CONNECTIVITY, f'the folder "{folder}" was rewound and is not read again yet')
        return cursor.uidvalidity == uidvalidity


def skipped(job: Job, commands: Sequence[MailCommand]) -> MailActed:
    """What would have been done, were it not for the dry run."""
    *_, action, target = job
    would = action.value.replace("_", " ") + (f' to "{target}"' if target else "")
    return acted(job, commands, ActResult.SKIPPED, detail=f"dry run: would {would}")


def acted(
    job: Job, commands: Sequence[MailCommand], result: ActResult, *, reason: Reason | None = None, detail: str = ""
) -> MailActed:
    """The result of these commands, of which there is at least one; it is counted and logged."""
    folder, _, action, target = job
    mailbox_id = commands[0].mail.mailbox_id
    ACTED_MAILS.labels(mailbox_id, action, result).inc(len(commands))
    log.info("acted", mailbox_id=mailbox_id, action=action, result=result, reason=reason, **named(commands))
    return MailActed(
        mailbox_id=mailbox_id,
        folder=folder,
        action=action,
        target=target,
        result=result,
        mail_ids=tuple(command.mail.mail_id for command in commands),
        reason=reason,
        detail=detail[:MAX_DETAIL],
        at=datetime.now(UTC),
    )
