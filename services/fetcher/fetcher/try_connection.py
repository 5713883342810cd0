"""The connection test: signs in, lists the folders and counts the mails. It never changes the mailbox.

Only LIST and STATUS are sent: no folder is opened, so no flag can change and nothing can be removed.
"""

import asyncio
import difflib

from fetcher.imap import Account, Deadlines, FolderStatus, ImapFault, ImapSession, ProtocolLog
from fetcher.recovery import recovery_steps
from pipeline.connection import Category, ConnectionTest
from pipeline.mailbox import MailboxSettings

OVERALL_S = 15.0
_DEADLINES = Deadlines(connect_s=10, quiet_s=10, command_s=12)


async def try_connection(settings: MailboxSettings, *, secret: str, log: ProtocolLog) -> ConnectionTest:
    """What happens when these settings are used now, within 15 seconds. `secret`: password or access token."""
    account = Account.of(settings, secret=secret, deadlines=_DEADLINES)
    try:
        async with asyncio.timeout(OVERALL_S):
            return await _tried(account, settings.folder, log)
    except ImapFault as fault:
        return _failure(fault.category, fault.detail)
    except TimeoutError:
        return _failure(Category.TIMEOUT, f"{settings.host} did not finish answering within {OVERALL_S:.0f} seconds")


async def _tried(account: Account, folder: str, log: ProtocolLog) -> ConnectionTest:
    async with await ImapSession.open(account, log=log) as session:
        names = tuple(found.name for found in await session.folders() if found.selectable)
        try:
            counts = await session.status(folder)
        except ImapFault as fault:
            return _failure(fault.category, _without_folder(folder, names, fault), names)
    return _success(account, folder, counts, names)


def _success(account: Account, folder: str, counts: FolderStatus, names: tuple[str, ...]) -> ConnectionTest:
    mails = "1 mail" if counts.mails == 1 else f"{counts.mails} mails"
    return ConnectionTest(
        success=True,
        summary=f'Signed in to {account.host} as {account.username}: {mails} in "{folder}", {counts.unread} unread.',
        message_count=counts.mails,
        unread_count=counts.unread,
        folders=names,
        category=Category.OK,
    )


def _without_folder(folder: str, names: tuple[str, ...], fault: ImapFault) -> str:
    if fault.category is not Category.MAILBOX_NOT_FOUND:
        return fault.detail
    alike = difflib.get_close_matches(folder, names, n=1)
    hint = f'; did you mean "{alike[0]}"?' if alike else ""
    return f'signed in, but there is no folder "{folder}"{hint}'


def _failure(category: Category, detail: str, names: tuple[str, ...] = ()) -> ConnectionTest:
    return ConnectionTest(
        success=False,
        summary=detail[:1].upper() + detail[1:],
        folders=names,
        category=category,
        recovery_steps=recovery_steps(category),
    )
