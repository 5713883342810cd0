"""The folders that email is moved to: there before the first email is moved, so that people find them; and whether one
of them is the folder that is read.
"""

import structlog

from fetcher.imap.grammar.answers import FolderStatus, Selected
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.interface import MailSession
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Action, MailboxSettings

log = structlog.get_logger(__name__)


def targets(settings: MailboxSettings) -> tuple[str, ...]:
    """The folders that the settings move email to, each once."""
    actions = (settings.on_processed, settings.on_failed, settings.on_not_a_report)
    return tuple(dict.fromkeys(it.folder for it in actions if it.action is Action.MOVE and it.folder))


async def counted_or_made(session: MailSession, target: str, *, dry_run: bool) -> FolderStatus | None:
    """The folder's counts; None where it is made now, would be but for the dry run, or cannot be counted.

    Raises ImapFault where the server refuses to make it, or the session ends.
    """
    try:
        return await session.status(target)
    except ImapFault as fault:
        if not session.alive:
            raise
        log.debug("target_not_counted", category=fault.category)
        is_missing = fault.category is Category.MAILBOX_NOT_FOUND or fault.code == "CANNOT"  # "/" for another "."
    if is_missing and not dry_run:
        await session.make_folder(target)
    return None


class Targets:
    """The folders of a mailbox's settings that were not seen to be there yet."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._missing = () if settings.dry_run else targets(settings)

    async def make(self, session: MailSession) -> dict[str, ImapFault | None]:
        """Makes those that are missing; by folder why the server refuses, None where it does not.

        One that is refused is tried again by the next call. Raises ImapFault when the server is away or overloaded.
        """
        told: dict[str, ImapFault | None] = {}
        for target in self._missing:
            try:
                await counted_or_made(session, target, dry_run=False)
                told[target] = None
            except ImapFault as fault:
                if not session.alive or fault.category is Category.THROTTLED:
                    raise
                told[target] = fault
        self._missing = tuple(target for target, fault in told.items() if fault is not None)
        return told


ASK = 3  # times, as an email may come in between two questions


def agree(one: FolderStatus, other: FolderStatus) -> bool:
    """Whether these are the counts of one folder; False when nothing was ever in it, which says nothing."""
    same = (one.uidvalidity, one.uidnext, one.mails) == (other.uidvalidity, other.uidnext, other.mails)
    return same and one.uidvalidity is not None and (one.uidnext or 0) > 1


class SameFolder:
    """Whether two names are one folder; remembers which are known to be two.

    A server may ignore case, or show a folder below a second prefix, and IMAP has no way to ask that every server
    knows. But two folders of one account that agree in UIDVALIDITY, in UIDNEXT and in the number of emails are one
    folder, unless both are new: RFC 3501 section 2.3.1.1.
    """

    def __init__(self) -> None:
        self._different: set[tuple[str, str]] = set()

    async def is_same(self, session: MailSession, source: Selected, target: str) -> bool:
        """Whether an email moved from the open folder to `target` stays where it is. Raises ImapFault.

        A target that is spelled exactly as the open folder is no matter: nothing is moved then.
        """
        if target == source.name or (source.name, target) in self._different:
            return False
        try:
            for _ in range(ASK):
                there = await session.status(target)
                if there.uidvalidity != source.uidvalidity:
                    self._different.add((source.name, target))
                    return False
                if agree(there, await session.status(source.name)):
                    return True
        except ImapFault as fault:
            if not session.alive or fault.category is Category.THROTTLED:
                raise
        return False  # there is no such folder yet, or the server does not tell
