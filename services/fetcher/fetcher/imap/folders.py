"""Folders: listed, counted, opened, created. Nothing here changes an email."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from fetcher.imap.grammar import answers, arguments, names
from fetcher.imap.grammar.answers import FolderStatus, Selected
from fetcher.imap.grammar.faults import ImapFault, Status, category_of, fault_of_status
from fetcher.imap.grammar.names import Folder, Namespace
from fetcher.imap.transport.connection import Connection
from pipeline.contracts.connection_test import Category

T = TypeVar("T")
LIST, STATUS = frozenset((b"LIST",)), frozenset((b"STATUS",))
_STATUS_ITEMS = "(MESSAGES UNSEEN UIDVALIDITY UIDNEXT)"


async def list_folders(connection: Connection) -> tuple[Folder, ...]:
    """All folders of the account, in the server's order."""
    special = {"SPECIAL-USE", "LIST-EXTENDED"} <= connection.capabilities
    reply = await connection.ask("LIST", '""', '"*"', *(("RETURN", "(SPECIAL-USE)") if special else ()), wanted=LIST)
    if special and not reply.status.ok:
        refused, reply = reply.status, await connection.ask("LIST", '""', '"*"', wanted=LIST)
        if reply.status.ok:
            connection.refuses("LIST-EXTENDED", refused)
    found = reply.required().read(names.folders)
    connection.listed = {folder.name: folder.wire for folder in reversed(found)}  # the first of two counts
    return found


async def status_of(connection: Connection, name: str) -> FolderStatus:
    """The counts of a folder, without opening it. Raises ImapFault (mailbox_not_found) if there is none."""
    found = await _by_real_name(connection, name, partial(_status, connection))
    if found is None:
        raise ImapFault(Category.CONNECTIVITY, f'the server tells nothing of the folder "{name}"')
    return found


async def select(connection: Connection, name: str, *, read_only: bool = False) -> Selected:
    """Opens a folder, for reading and changing unless `read_only`. Raises ImapFault (mailbox_not_found) if there is
    none.

    No CLOSE follows, which would remove emails that others have flagged `\\Deleted`: a folder is left by opening the
    next one, or by LOGOUT (RFC 3501 section 6.3.1).
    """
    found = await _by_real_name(connection, name, partial(_select, connection, "EXAMINE" if read_only else "SELECT"))
    if found is None:
        detail = f'the server does not tell UIDVALIDITY of "{name}", without which emails cannot be told apart'
        raise ImapFault(Category.CONNECTIVITY, detail)
    return found


async def find(connection: Connection, name: str) -> str | None:
    """The real name of the folder that `name` means; None when there is none."""
    listed = await list_folders(connection)
    return names.existing(name, listed, await _own_namespace(connection, listed))


async def create(connection: Connection, name: str) -> str:
    """Creates the folder and subscribes to it; gives its real name. Raises ImapFault when the server refuses it."""
    created = names.to_create(name, await _own_namespace(connection, None))
    reply = await connection.ask("CREATE", arguments.folder(created))
    if not reply.status.ok and not _says_it_exists(reply.status):
        fault = fault_of_status(reply.status, otherwise=Category.PERMISSIONS)
        raise ImapFault(fault.category, f'the folder "{created}" cannot be created; {fault.detail}', code=fault.code)
    connection.log("info", "folder_created", {"folder": created})
    await connection.ask("SUBSCRIBE", arguments.folder(created))  # only for the comfort of mail readers
    return created


def is_missing(status: Status) -> bool:
    """Whether a NO means that there is no such folder: "/" in a name may just be the wrong separator (CANNOT)."""
    if status.ok:
        return False
    fault = fault_of_status(status, otherwise=Category.CONNECTIVITY)
    return fault.category is Category.MAILBOX_NOT_FOUND or fault.code == "CANNOT"


def may_be_missing(status: Status) -> bool:
    """Whether a NO can mean that: not every server says so with a code, or in words that are known."""
    return status.result == "NO" and (is_missing(status) or (not status.code and category_of(status) is None))


def _says_it_exists(status: Status) -> bool:
    """Servers that know no response codes say it in words: "Mailbox already exists"."""
    return status.code == "ALREADYEXISTS" or re.search(r"\b(already )?exists\b", status.text, re.IGNORECASE) is not None


async def _by_real_name(
    connection: Connection, name: str, ask: Callable[[str], Awaitable[tuple[Status, T | None]]]
) -> T | None:
    """What `ask` finds out about the folder, by another name of it where the server knows none of this one."""
    status, found = await ask(name)
    is_there = names.same(name, "INBOX")
    if may_be_missing(status):
        sent = connection.listed.get(name, arguments.folder(name).wire)
        real = await _found(connection, name, status)
        is_there = is_there or real is not None
        if real is not None and connection.listed[real] != sent:
            status, found = await ask(real)
    if not status.ok:
        raise fault_of_status(status, otherwise=Category.CONNECTIVITY if is_there else Category.MAILBOX_NOT_FOUND)
    return found


async def _found(connection: Connection, name: str, status: Status) -> str | None:
    """The folder's real name. What the server said of the folder counts more than that it does not list any."""
    try:
        return await find(connection, name)
    except ImapFault as fault:
        connection.protocol.ensure_alive()
        connection.log("info", "not_listed", {"folder": name, "text": status.text, "why": fault.detail})
        return None


async def _status(connection: Connection, name: str) -> tuple[Status, FolderStatus | None]:
    reply = await connection.ask("STATUS", arguments.folder(name), _STATUS_ITEMS, wanted=STATUS)
    return reply.status, reply.read(answers.folder_status) if reply.status.ok else None


async def _select(connection: Connection, command: str, name: str) -> tuple[Status, Selected | None]:
    reply = await connection.ask(command, arguments.folder(name), wanted=frozenset((b"OK", b"EXISTS")))
    if not reply.status.ok:
        connection.protocol.signed_in()
        return reply.status, None
    connection.protocol.folder_opened()
    read_only = reply.status.code == "READ-ONLY"
    found = reply.read(partial(answers.selected, name, read_only=read_only))
    return reply.status, found or await _told_by_status(connection, name, read_only=read_only)


async def _told_by_status(connection: Connection, name: str, *, read_only: bool) -> Selected | None:
    """The same by STATUS, which some servers tell more; None where it has no UIDVALIDITY either."""
    _, told = await _status(connection, name)
    if told is None or told.uidvalidity is None:
        return None
    return Selected(name, told.uidvalidity, told.uidnext, told.mails, read_only)


async def _own_namespace(connection: Connection, listed: tuple[Folder, ...] | None) -> Namespace | None:
    if "NAMESPACE" in connection.capabilities:
        reply = await connection.ask("NAMESPACE", wanted=frozenset((b"NAMESPACE",)))
        own = reply.read(names.namespace) if reply.status.ok else None
        if own is not None:
            return own
        connection.refuses("NAMESPACE", reply.status)
    return names.guessed(await list_folders(connection) if listed is None else listed)
