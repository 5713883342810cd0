"""Moving on a server without MOVE: copied first, then removed. Between the two the connection may be lost.

So a mail gets a keyword before it is copied. One that has it when its turn comes again is looked for in the target
folder, by its Message-ID and its size, and is not copied a second time when it is there.
"""

import re
from collections.abc import Iterable, Sequence

from fetcher.imap import folders, quoting, uidset
from fetcher.imap.answers import Selected, found_uids
from fetcher.imap.connection import Connection
from fetcher.imap.faults import ImapFault
from fetcher.imap.fetch_answer import MAX_HEADER_BYTES, Meta, metas
from pipeline.contracts.connection_test import Category

KEYWORD = "$DmarqMoving"
ITEMS = f"(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]<0.{MAX_HEADER_BYTES}>)"
SEARCH, FETCH = frozenset((b"SEARCH", b"ESEARCH")), frozenset((b"FETCH",))
_MESSAGE_ID = re.compile(rb"<([!-;=?-~]+)>")


async def to_copy(connection: Connection, uid_set: str, target: str, *, source: Selected) -> str:
    """Those of the set that an earlier try has not copied to `target` yet; they have the keyword now. "" for none.

    A mail without a Message-ID is copied again: rather twice than never. Raises ImapFault.
    """
    begun = await _search(connection, "UID", uid_set, "KEYWORD", KEYWORD)
    copied = await _found_in(connection, await _metas(connection, begun), target, source=source) if begun else set()
    left = uidset.compress(set(uidset.expand(uid_set)) - copied)
    if left:
        # a server that keeps no keywords says NO, or nothing; it has only this hole left
        await connection.ask("UID STORE", left, "+FLAGS.SILENT", f"({KEYWORD})")
    return left


async def _found_in(connection: Connection, begun: Sequence[Meta], target: str, *, source: Selected) -> set[int]:
    try:
        await folders.select(connection, target)
        return {meta.uid for meta in begun if await _is_there(connection, meta)}
    except ImapFault as fault:
        if fault.category is not Category.MAILBOX_NOT_FOUND:
            raise
        return set()
    finally:
        await _select_again(connection, source)


async def _is_there(connection: Connection, meta: Meta) -> bool:
    found = _MESSAGE_ID.search(meta.header)
    if found is None:
        return False
    same_id = await _search(connection, "HEADER", "MESSAGE-ID", quoting.text(found[1].decode("ascii")))
    return any(other.size == meta.size for other in await _metas(connection, same_id))


async def _select_again(connection: Connection, source: Selected) -> None:
    again = await folders.select(connection, source.name)
    if again.uidvalidity != source.uidvalidity:
        raise ImapFault(Category.CONNECTIVITY, f'the folder "{source.name}" was rebuilt just now: try again later')


async def _search(connection: Connection, *keys: quoting.Argument) -> list[int]:
    reply = await connection.ask("UID SEARCH", *keys, wanted=SEARCH)
    return reply.required().read(found_uids)


async def _metas(connection: Connection, uids: Iterable[int]) -> list[Meta]:
    uid_set = uidset.compress(uids)
    if not uid_set:
        return []
    reply = await connection.ask("UID FETCH", uid_set, ITEMS, wanted=FETCH)
    return list(reply.required().read(metas).values())
