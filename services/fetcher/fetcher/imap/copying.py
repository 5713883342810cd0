"""Copying emails exactly once, for servers without MOVE. Between the copy and the removal the connection may be lost.

So an email gets a keyword before it is copied. One that has it at the next try, or is flagged `\\Deleted` (there are
servers that keep no keywords), is looked for in the target folder by its Message-ID and its size, and is not copied a
second time when it is there. A copy counts when the target folder shows it, whatever the server said.
"""

import re
from collections.abc import Iterable, Sequence

from fetcher.imap import folders
from fetcher.imap.grammar import quoting, uidset
from fetcher.imap.grammar.answers import FolderStatus, Selected
from fetcher.imap.grammar.faults import ImapFault, NotDone, Status
from fetcher.imap.grammar.fetch_answer import MAX_HEADER_BYTES, Meta, metas
from fetcher.imap.transport.connection import Connection
from pipeline.contracts.connection_test import Category

KEYWORD = "$DmarqMoving"
ITEMS = f"(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]<0.{MAX_HEADER_BYTES}>)"
FETCH = frozenset((b"FETCH",))
_MESSAGE_ID = re.compile(rb"<([!-;=?-~]+)>")


async def to_copy(connection: Connection, uid_set: str, target: str, *, source: Selected) -> str:
    """Those of the set that an earlier try has not copied to `target` yet; they have the keyword now. "" for none.

    An email without a Message-ID is copied again: rather twice than never. Raises ImapFault.
    """
    begun = await connection.find("UID", uid_set, "OR", "KEYWORD", KEYWORD, "DELETED")
    copied = await copied_to(connection, begun, target, source=source)
    left = uidset.compress(set(uidset.expand(uid_set)) - copied)
    if left:
        # a server that keeps no keywords says NO, or nothing
        await connection.ask("UID STORE", left, "+FLAGS.SILENT", f"({KEYWORD})")
    return left


async def copied_to(connection: Connection, uids: Sequence[int], target: str, *, source: Selected) -> set[int]:
    """Those of the open folder's emails that are in `target` too. The open folder `source` is open again afterwards."""
    if not uids:
        return set()
    wanted = await _metas(connection, uids)
    try:
        if not (await folders.select(connection, target)).mails:
            return set()  # some servers answer NO to a search in an empty folder
        return {meta.uid for meta in wanted if await _is_there(connection, meta)}
    except ImapFault as fault:
        if fault.category is not Category.MAILBOX_NOT_FOUND:
            raise
        return set()
    finally:
        await _select_again(connection, source)


async def counts(connection: Connection, folder: str) -> FolderStatus | None:
    """What the folder holds; None where there is no such folder yet, or where the server does not tell."""
    try:
        return await folders.status_of(connection, folder)
    except ImapFault:
        connection.protocol.ensure_alive()
        return None


async def ensure_copied(
    connection: Connection, uid_set: str, target: str, *, before: FolderStatus | None, said: Status
) -> None:
    """Raises NotDone where a copy that was answered OK left nothing in `target`, so that nothing may be removed.

    COPYUID (RFC 4315) names the copies. Other servers are asked for the folder's counts; emails that are no longer in
    the open folder need no copy.
    """
    if said.code == "COPYUID":
        return
    after = await counts(connection, target)
    if after is None:
        return
    mails, uidnext = (before.mails, before.uidnext or 1) if before else (0, 1)
    grown = max(after.mails - mails, (after.uidnext or 0) - uidnext)
    if grown < len(uidset.expand(uid_set)) and grown < len(await connection.find("UID", uid_set)):
        raise NotDone(f'the server said that the emails are copied to "{target}", but they are not there')


async def _is_there(connection: Connection, meta: Meta) -> bool:
    found = _MESSAGE_ID.search(meta.header)
    if found is None:
        return False
    same_id = await connection.find("HEADER", "MESSAGE-ID", quoting.text(found[1].decode("ascii")))
    return any(other.size == meta.size for other in await _metas(connection, same_id))


async def _select_again(connection: Connection, source: Selected) -> None:
    again = await folders.select(connection, source.name)
    if again.uidvalidity != source.uidvalidity:
        raise ImapFault(Category.CONNECTIVITY, f'the folder "{source.name}" was rebuilt just now: try again later')


async def _metas(connection: Connection, uids: Iterable[int]) -> list[Meta]:
    uid_set = uidset.compress(uids)
    if not uid_set:
        return []
    reply = await connection.ask("UID FETCH", uid_set, ITEMS, wanted=FETCH)
    return list(reply.required().read(metas).values())
