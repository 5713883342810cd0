"""Marking, moving and deleting emails of the open folder.

An action is done when the mailbox shows it, whatever the server said: one SEARCH checks a whole command's emails, and
none where the server told of every email that went. UIDs that are no longer there are no error: the work on them was
done. Plain EXPUNGE is never sent, as it would remove what other clients have flagged `\\Deleted`; nor is CLOSE, which
does the same.

Where there is no MOVE, the connection may be lost between the copy and the removal. So an email gets a keyword before
it is copied. One that has it at the next try, or is flagged `\\Deleted` (some servers keep no keywords), is looked for
in the target folder by its Message-ID and its size, and is not copied a second time when it is there.
"""

import re
from collections.abc import Iterable, Sequence

from fetcher.imap import folders
from fetcher.imap.grammar import arguments, names, uidset
from fetcher.imap.grammar.answers import FolderStatus, Selected, found_uids
from fetcher.imap.grammar.faults import ImapFault, NotDone, Status, category_of
from fetcher.imap.grammar.fetch_answer import MAX_HEADER_BYTES, Meta, metas
from fetcher.imap.transport.connection import SEARCH, Connection, Reply
from pipeline.contracts.connection_test import Category

MAX_UIDS_A_COMMAND = 500
KEYWORD = "$DmarqMoving"
ITEMS = f"(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]<0.{MAX_HEADER_BYTES}>)"
FETCH = frozenset((b"FETCH",))
_MESSAGE_ID = re.compile(rb"<([!-;=?-~]+)>")


async def mark_read(connection: Connection, uids: Iterable[int]) -> None:
    """Flags the emails `\\Seen`."""
    for uid_set in uidset.chunks(uids, max_uids=MAX_UIDS_A_COMMAND):
        await _store(connection, uid_set, "\\Seen")
        if await _left(connection, uid_set, "UNSEEN"):
            raise NotDone("the server said that the emails are marked read, but they are not")


async def move(connection: Connection, uids: Iterable[int], target: str, *, source: Selected) -> None:
    """Moves the emails of the open folder `source` to the folder `target`, which is created when it is missing."""
    for uid_set in uidset.chunks(uids, max_uids=MAX_UIDS_A_COMMAND):
        target = await _move(connection, uid_set, target, source=source)


async def delete(connection: Connection, uids: Iterable[int], *, source: Selected) -> None:
    """Removes the emails for good where the server can do that for single emails, else flags them `\\Deleted`."""
    trash = await _gmail_trash(connection)
    if trash is not None:
        await move(connection, uids, trash, source=source)
        return
    for uid_set in uidset.chunks(uids, max_uids=MAX_UIDS_A_COMMAND):
        await _remove(connection, uid_set)


async def _move(connection: Connection, uid_set: str, target: str, *, source: Selected) -> str:
    """The target's real name, to be used from now on.

    A move of an email to where it is would give it a new UID, so that it is fetched again, for ever.
    """
    if names.same(target, source.name):
        return source.name
    if "MOVE" in connection.capabilities:
        target = await _move_at_once(connection, uid_set, target, source=source)
    if "MOVE" not in connection.capabilities:  # or no longer: it may just have been refused
        target = await _copy(connection, uid_set, target, source=source)
        if not names.same(target, source.name):
            await _remove(connection, uid_set)
    connection.log("info", "moved", {"uids": uid_set[:200], "folder": target})
    return target


async def _move_at_once(connection: Connection, uid_set: str, target: str, *, source: Selected) -> str:
    """By MOVE. What it only copied, as some servers do, is removed; raises NotDone for what it left."""
    before = connection.protocol.mails
    target, _ = await _transfer(connection, "UID MOVE", uid_set, target, source=source)
    if "MOVE" not in connection.capabilities or names.same(target, source.name):
        return target
    left = await _still_there(connection, uid_set, before=before)
    copied = await _copied_to(connection, sorted(left), target, source=source)
    if copied:
        await _remove(connection, uidset.compress(copied))
    if left - copied:
        raise NotDone("the server said that the emails are moved, but they are still there")
    return target


async def _copy(connection: Connection, uid_set: str, target: str, *, source: Selected) -> str:
    """By COPY, each email once; raises NotDone where the copies are not there."""
    left = await _to_copy(connection, uid_set, target, source=source)
    if not left:
        return target
    before = await _counts(connection, target)
    real, said = await _transfer(connection, "UID COPY", left, target, source=source)
    if not names.same(real, source.name):
        await _ensure_copied(connection, left, real, before=before, said=said.status)
    return real


async def _transfer(
    connection: Connection, verb: str, uid_set: str, target: str, *, source: Selected
) -> tuple[str, Reply]:
    """MOVE or COPY; gives the target's real name. Nothing is done where that is the open folder, or MOVE is refused."""
    sent = connection.listed.get(target)
    reply = await _unless_expunged(connection, verb, uid_set, arguments.folder(target))
    if verb == "UID MOVE" and reply.status.result == "BAD" and category_of(reply.status) is None:
        connection.refuses("MOVE", reply.status)
        return target, reply
    if not folders.may_be_missing(reply.status):
        return target, reply.required()
    real = await folders.find(connection, target)
    is_spelled_so = real == target and (sent is not None or connection.listed[target] == arguments.folder(target).wire)
    if is_spelled_so and not folders.is_missing(reply.status):  # the server means something else
        reply.required()
    real = real or await folders.create(connection, target)
    if names.same(real, source.name):
        return real, reply
    return real, (await _unless_expunged(connection, verb, uid_set, arguments.folder(real))).required()


async def _remove(connection: Connection, uid_set: str) -> None:
    await _store(connection, uid_set, "\\Deleted")
    if "UIDPLUS" in connection.capabilities:
        before = connection.protocol.mails
        (await connection.ask("UID EXPUNGE", uid_set)).required()
        if await _still_there(connection, uid_set, before=before):
            raise NotDone("the server said that the emails are removed, but they are still there")
        connection.log("info", "removed", {"uids": uid_set[:200]})
        return
    why = "the server cannot remove single emails (UIDPLUS); they are flagged \\Deleted"
    connection.log("warning", "not_removed", {"uids": uid_set[:200], "why": why})


async def _still_there(connection: Connection, uid_set: str, *, before: int | None) -> set[int]:
    """Those of the set that are still in the open folder, which held `before` emails (None: unknown)."""
    now = connection.protocol.mails
    if before is not None and now is not None and before - now >= len(uidset.expand(uid_set)):
        return set()
    return await _left(connection, uid_set)


async def _left(connection: Connection, uid_set: str, *keys: str) -> set[int]:
    """Those of the set that the server still finds, with these search keys; none where it cannot search."""
    if connection.protocol.mails == 0:
        return set()
    reply = await connection.ask("UID SEARCH", "UID", uid_set, *keys, wanted=SEARCH)
    return set(uidset.expand(uid_set)).intersection(reply.read(found_uids)) if reply.status.ok else set()


async def _store(connection: Connection, uid_set: str, flag: str) -> None:
    (await _unless_expunged(connection, "UID STORE", uid_set, "+FLAGS.SILENT", f"({flag})")).required()


async def _unless_expunged(connection: Connection, verb: str, *words: arguments.Argument) -> Reply:
    """Once more when another client removed some of the emails meanwhile (RFC 2180 section 4, RFC 5530)."""
    reply = await connection.ask(verb, *words)
    if reply.status.code != "EXPUNGEISSUED":
        return reply
    await connection.ask("NOOP")
    return await connection.ask(verb, *words)


async def _gmail_trash(connection: Connection) -> str | None:
    """Gmail only archives what is expunged; what is to go must be moved to its trash."""
    if "X-GM-EXT-1" not in connection.capabilities:
        return None
    listed = await folders.list_folders(connection)
    trash = next((folder.name for folder in listed if "\\trash" in folder.attributes), None)
    if trash is None:
        why = "the bin is hidden from IMAP: Gmail keeps deleted emails under All Mail; show the bin in its settings"
        connection.log("warning", "only_archived", {"why": why})
    return trash


async def _to_copy(connection: Connection, uid_set: str, target: str, *, source: Selected) -> str:
    """Those of the set that an earlier try has not copied to `target` yet; they have the keyword now. "" for none.

    An email without a Message-ID is copied again: rather twice than never. Raises ImapFault.
    """
    begun = await connection.find("UID", uid_set, "OR", "KEYWORD", KEYWORD, "DELETED")
    copied = await _copied_to(connection, begun, target, source=source)
    left = uidset.compress(set(uidset.expand(uid_set)) - copied)
    if left:  # a server that keeps no keywords says NO, or nothing
        await connection.ask("UID STORE", left, "+FLAGS.SILENT", f"({KEYWORD})")
    return left


async def _copied_to(connection: Connection, uids: Sequence[int], target: str, *, source: Selected) -> set[int]:
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


async def _counts(connection: Connection, folder: str) -> FolderStatus | None:
    """What the folder holds; None where there is no such folder yet, or where the server does not tell."""
    try:
        return await folders.status_of(connection, folder)
    except ImapFault:
        connection.protocol.ensure_alive()
        return None


async def _ensure_copied(
    connection: Connection, uid_set: str, target: str, *, before: FolderStatus | None, said: Status
) -> None:
    """Raises NotDone where a copy that was answered OK left nothing in `target`, so that nothing may be removed.

    COPYUID (RFC 4315) names the copies. Other servers are asked for the folder's counts; emails that are no longer in
    the open folder need no copy.
    """
    if said.code == "COPYUID":
        return
    after = await _counts(connection, target)
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
    same_id = await connection.find("HEADER", "MESSAGE-ID", arguments.text(found[1].decode("ascii")))
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
