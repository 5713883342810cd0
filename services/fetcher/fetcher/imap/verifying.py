"""Whether what the server said OK to was done: an action is done when the mailbox shows it.

One SEARCH for a whole command's mails, and none where the server told of every mail that went.
"""

from fetcher.imap import uidset
from fetcher.imap.answers import found_uids
from fetcher.imap.connection import Connection
from fetcher.imap.faults import ImapFault
from pipeline.contracts.connection_test import Category

SEARCH = frozenset((b"SEARCH", b"ESEARCH"))


async def ensure_gone(connection: Connection, uid_set: str, *, before: int | None) -> None:
    """Raises ImapFault when a mail of the set is still in the open folder, which held `before` (None: unknown)."""
    now = connection.protocol.mails
    if before is not None and now is not None and before - now >= len(uidset.expand(uid_set)):
        return
    await _ensure_none(connection, uid_set, "the server said that the mails are gone, but they are still there")


async def ensure_seen(connection: Connection, uid_set: str) -> None:
    """Raises ImapFault when a mail of the set is still unread."""
    await _ensure_none(
        connection, uid_set, "the server said that the mails are marked read, but they are not", "UNSEEN"
    )


async def _ensure_none(connection: Connection, uid_set: str, detail: str, *keys: str) -> None:
    if connection.protocol.mails == 0:
        return
    reply = await connection.ask("UID SEARCH", "UID", uid_set, *keys, wanted=SEARCH)
    if reply.status.ok and set(uidset.expand(uid_set)).intersection(reply.read(found_uids)):
        raise ImapFault(Category.CONNECTIVITY, detail)
