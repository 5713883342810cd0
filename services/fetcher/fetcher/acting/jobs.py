"""Commands that agree, done in the mailbox as one IMAP command, what a refusal of it means, and the event that tells
what became of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from fetcher.acting.targets import SameFolder
from fetcher.departed import Departed
from fetcher.imap.grammar.answers import Selected
from fetcher.imap.grammar.faults import ImapFault, NotDone
from fetcher.imap.interface import MailSession
from fetcher.reading.position import was_rewound
from pipeline.contracts.connection_test import Category
from pipeline.contracts.cursor import is_of, server_uidvalidity
from pipeline.contracts.mail_events import ActResult, MailActed, MailCommand
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from pipeline.contracts.trace import named
from pipeline.jetstream.cursors import CursorBucket
from pipeline.telemetry.metrics import ACTED_MAILS

CANNOT_CHANGE = frozenset((Category.PERMISSIONS, Category.MAILBOX_NOT_FOUND))
FINAL_AFTER = 3  # refusals that cannot change by themselves
NOT_DONE_FINAL_AFTER = 5  # times that the server says OK and does nothing: each one may leave another copy
FIRST_DELAY = 1.0
GROWTH = 4.0
LONGEST_DELAY = 900.0
GIVE_UP_AFTER_S = 24 * 3600.0  # of refusals that may pass
_FULL = re.compile(r"over ?quota|quota (is )?exceeded|mailbox (is )?full|disk full|no space", re.IGNORECASE)


class Senseless(ImapFault):
    """An action that must not be done, whatever the server says; no later try helps."""

    def __init__(self, detail: str) -> None:
        super().__init__(Category.PERMISSIONS, detail)


@dataclass(slots=True)
class _Trouble:
    fault: ImapFault
    since: float
    refusals: int = 0
    not_before: float = 0.0
    is_final: bool = False


class Refusals:
    """What the refusals of one mailbox's actions mean: to be tried again, with growing delay, or final; pure.

    Servers refuse for many reasons and name few of them. So an unknown refusal passes until it has lasted for a day; a
    full mailbox is waited for as long as it takes. What cannot change by itself (a folder that is not there, a right
    that is missing) is final when the server has said it again and again, and so is an OK after which nothing was done.

    An action is known by any key. Times are seconds of one clock. Nothing is kept over a restart.
    """

    def __init__(self) -> None:
        self._troubles: dict[object, _Trouble] = {}

    def wait_s(self, key: object, now: float) -> float:
        """Seconds until this may be tried again; 0 for now."""
        trouble = self._troubles.get(key)
        return max(0.0, trouble.not_before - now) if trouble and not trouble.is_final else 0.0

    def refused(self, key: object, fault: ImapFault, now: float) -> float | None:
        """Notes one more refusal; the seconds to wait before the next try, None when there is to be none."""
        trouble = self._troubles.get(key)
        if trouble is None or trouble.is_final:
            trouble = self._troubles[key] = _Trouble(fault, since=now)
        trouble.fault = fault
        trouble.refusals += 1
        if _is_final(trouble, now):
            trouble.is_final = True
            return None
        delay = min(FIRST_DELAY * GROWTH ** min(trouble.refusals - 1, 10), LONGEST_DELAY)
        delay = max(delay, min(fault.wait_s, LONGEST_DELAY))
        trouble.not_before = now + delay
        return delay

    def done(self, key: object) -> None:
        """The server has done it."""
        self._troubles.pop(key, None)

    @property
    def complaint(self) -> ImapFault | None:
        """The latest refusal of what is not done yet, for the mailbox's status."""
        return next((trouble.fault for trouble in reversed(self._troubles.values())), None)


def is_full(fault: ImapFault) -> bool:
    """Whether the mailbox has no room: that ends when somebody makes some."""
    return fault.code == "OVERQUOTA" or _FULL.search(fault.said or fault.detail) is not None


def _is_final(trouble: _Trouble, now: float) -> bool:
    if isinstance(trouble.fault, Senseless):
        return True
    if is_full(trouble.fault):
        return False
    if isinstance(trouble.fault, NotDone):
        return trouble.refusals >= NOT_DONE_FINAL_AFTER
    if trouble.fault.category in CANNOT_CHANGE:
        return trouble.refusals >= FINAL_AFTER
    return now - trouble.since >= GIVE_UP_AFTER_S


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

    async def do(self, session: MailSession, job: Job, commands: Sequence[MailCommand]) -> MailActed:
        """Does the commands, if the folder's UIDs are still those of the emails. Raises ImapFault."""
        selected = await session.select(job[0])
        if not await self._are_these(session, selected, job):
            return acted(job, commands, ActResult.FAILED, reason=Reason.UIDVALIDITY_CHANGED)
        await self._act(session, selected, job, [command.mail.uid for command in commands])
        return acted(job, commands, ActResult.DONE)

    async def _act(self, session: MailSession, selected: Selected, job: Job, uids: Sequence[int]) -> None:
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

    async def _are_these(self, session: MailSession, selected: Selected, job: Job) -> bool:
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
