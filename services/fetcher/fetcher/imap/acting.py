"""Marking, moving and deleting mails of the open folder.

UIDs that are no longer there are no error: the work on them was done. Plain EXPUNGE is never sent, as it would remove
what other clients have flagged `\\Deleted`; nor is CLOSE, which does the same.
"""

from collections.abc import Iterable

from fetcher.imap import copying, folders, names, quoting, uidset
from fetcher.imap.answers import Selected
from fetcher.imap.connection import Connection, Reply
from fetcher.imap.faults import category_of
from fetcher.imap.verifying import ensure_gone, ensure_seen

MAX_UIDS_A_COMMAND = 500


async def mark_read(connection: Connection, uids: Iterable[int]) -> None:
    """Flags the mails `\\Seen`."""
    for uid_set in uidset.chunks(uids, max_uids=MAX_UIDS_A_COMMAND):
        await _store(connection, uid_set, "\\Seen")
        await ensure_seen(connection, uid_set)


async def move(connection: Connection, uids: Iterable[int], target: str, *, source: Selected) -> None:
    """Moves the mails of the open folder `source` to the folder `target`, which is created when it is missing."""
    for uid_set in uidset.chunks(uids, max_uids=MAX_UIDS_A_COMMAND):
        target = await _move(connection, uid_set, target, source=source)


async def delete(connection: Connection, uids: Iterable[int], *, source: Selected) -> None:
    """Removes the mails for good where the server can do that for single mails, else flags them `\\Deleted`."""
    trash = await _gmail_trash(connection)
    if trash is not None:
        await move(connection, uids, trash, source=source)
        return
    for uid_set in uidset.chunks(uids, max_uids=MAX_UIDS_A_COMMAND):
        await _remove(connection, uid_set)


async def _move(connection: Connection, uid_set: str, target: str, *, source: Selected) -> str:
    """The target's real name, to be used from now on.

    A move of a mail to where it is would give it a new UID, so that it is fetched again, for ever.
    """
    if names.same(target, source.name):
        return source.name
    if "MOVE" in connection.capabilities:
        before = connection.protocol.mails
        target = await _transfer(connection, "UID MOVE", uid_set, target, source=source)
        if "MOVE" in connection.capabilities and not names.same(target, source.name):
            await ensure_gone(connection, uid_set, before=before)
    if "MOVE" not in connection.capabilities:  # or no longer: it may just have been refused
        left = await copying.to_copy(connection, uid_set, target, source=source)
        target = await _transfer(connection, "UID COPY", left, target, source=source) if left else target
        if not names.same(target, source.name):
            await _remove(connection, uid_set)
    connection.log("info", "moved", {"uids": uid_set[:200], "folder": target})
    return target


async def _transfer(connection: Connection, verb: str, uid_set: str, target: str, *, source: Selected) -> str:
    """MOVE or COPY; gives the target's real name. Nothing is done where that is the open folder, or MOVE is refused."""
    sent = connection.listed.get(target)
    reply = await _patiently(connection, verb, uid_set, quoting.folder(target))
    if verb == "UID MOVE" and reply.status.result == "BAD" and category_of(reply.status) is None:
        connection.refuses("MOVE", reply.status)
        return target
    if not folders.may_be_missing(reply.status):
        reply.required()
        return target
    real = await folders.find(connection, target)
    is_spelled_so = real == target and (sent is not None or connection.listed[target] == quoting.folder(target).wire)
    if is_spelled_so and not folders.is_missing(reply.status):  # the server means something else
        reply.required()
    real = real or await folders.create(connection, target)
    if not names.same(real, source.name):
        (await _patiently(connection, verb, uid_set, quoting.folder(real))).required()
    return real


async def _remove(connection: Connection, uid_set: str) -> None:
    await _store(connection, uid_set, "\\Deleted")
    if "UIDPLUS" in connection.capabilities:
        before = connection.protocol.mails
        (await connection.ask("UID EXPUNGE", uid_set)).required()
        await ensure_gone(connection, uid_set, before=before)
        connection.log("info", "removed", {"uids": uid_set[:200]})
        return
    facts = {
        "uids": uid_set[:200],
        "why": "the server cannot remove single mails (UIDPLUS); they are flagged \\Deleted",
    }
    connection.log("warning", "not_removed", facts)


async def _store(connection: Connection, uid_set: str, flag: str) -> None:
    (await _patiently(connection, "UID STORE", uid_set, "+FLAGS.SILENT", f"({flag})")).required()


async def _patiently(connection: Connection, verb: str, *arguments: quoting.Argument) -> Reply:
    """Once more when another client removed some of the mails meanwhile (RFC 2180 section 4, RFC 5530)."""
    reply = await connection.ask(verb, *arguments)
    if reply.status.code != "EXPUNGEISSUED":
        return reply
    await connection.ask("NOOP")
    return await connection.ask(verb, *arguments)


async def _gmail_trash(connection: Connection) -> str | None:
    """Gmail only archives what is expunged; what is to go must be moved to its trash."""
    if "X-GM-EXT-1" not in connection.capabilities:
        return None
    listed = await folders.list_folders(connection)
    trash = next((folder.name for folder in listed if "\\trash" in folder.attributes), None)
    if trash is None:
        why = "the bin is hidden from IMAP: Gmail keeps deleted mails under All Mail; show the bin in its settings"
        connection.log("warning", "only_archived", {"why": why})
    return trash
