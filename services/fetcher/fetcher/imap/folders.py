"""Folders: listed, counted, opened, created. Nothing here changes a mail."""

import re
from functools import partial

from fetcher.imap import answers, names, quoting
from fetcher.imap.answers import Folder, FolderStatus, Namespace, Selected
from fetcher.imap.connection import Connection
from fetcher.imap.faults import ImapFault, category_of, fault_of_status
from fetcher.imap.status import Status
from pipeline.connection import Category

_STATUS_ITEMS = "(MESSAGES UNSEEN UIDVALIDITY UIDNEXT)"


async def list_folders(connection: Connection) -> tuple[Folder, ...]:
    """All folders of the account, in the server's order."""
    special = ("RETURN", "(SPECIAL-USE)") if {"SPECIAL-USE", "LIST-EXTENDED"} <= connection.capabilities else ()
    reply = (await connection.ask("LIST", '""', '"*"', *special, wanted=frozenset((b"LIST",)))).required()
    return reply.read(answers.folders)


async def status_of(connection: Connection, name: str) -> FolderStatus:
    """The counts of a folder, without opening it. Raises ImapFault (mailbox_not_found) if there is none."""
    status, found = await _status(connection, name)
    real = await _meant(connection, name, status)
    if real is not None:
        status, found = await _status(connection, real)
    if not status.ok:
        raise fault_of_status(status, otherwise=Category.MAILBOX_NOT_FOUND)
    if found is None:
        raise ImapFault(Category.CONNECTIVITY, f'the server tells nothing of the folder "{name}"')
    return found


async def select(connection: Connection, name: str) -> Selected:
    """Opens a folder for reading and changing. Raises ImapFault (mailbox_not_found) if there is none.

    Never EXAMINE, which leaves the library in the wrong state; no CLOSE either, which would remove mails that others
    have flagged `\\Deleted`: a folder is left by opening the next one, or by LOGOUT (RFC 3501 section 6.3.1).
    """
    status, found = await _select(connection, name)
    real = await _meant(connection, name, status)
    if real is not None:
        status, found = await _select(connection, real)
    if found is None:
        raise fault_of_status(status, otherwise=await _likely(connection, name, status))
    return found


async def find(connection: Connection, name: str) -> str | None:
    """The real name of the folder that `name` means; None when there is none."""
    return names.existing(name, await list_folders(connection), await _own_namespace(connection))


async def create(connection: Connection, name: str) -> str:
    """Creates the folder and subscribes to it; gives its real name. Raises ImapFault when the server refuses it."""
    created = names.to_create(name, await _own_namespace(connection))
    reply = await connection.ask("CREATE", quoting.folder(created))
    if not reply.status.ok and not _says_it_exists(reply.status):
        fault = fault_of_status(reply.status, otherwise=Category.PERMISSIONS)
        raise ImapFault(fault.category, f'the folder "{created}" cannot be created; {fault.detail}', code=fault.code)
    connection.log("info", "folder_created", {"folder": created})
    await connection.ask("SUBSCRIBE", quoting.folder(created))  # only for the comfort of mail readers
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


async def _likely(connection: Connection, name: str, status: Status) -> Category:
    """What a refusal that nobody understands is about: a folder that is listed is there, and the trouble may pass."""
    if category_of(status) is not None:
        return Category.MAILBOX_NOT_FOUND
    return Category.MAILBOX_NOT_FOUND if await find(connection, name) is None else Category.CONNECTIVITY


async def _status(connection: Connection, name: str) -> tuple[Status, FolderStatus | None]:
    wanted = frozenset((b"STATUS",))
    reply = await connection.ask("STATUS", quoting.folder(name), _STATUS_ITEMS, wanted=wanted)
    return reply.status, reply.read(answers.folder_status) if reply.status.ok else None


async def _select(connection: Connection, name: str) -> tuple[Status, Selected | None]:
    reply = await connection.ask("SELECT", quoting.folder(name), wanted=frozenset((b"OK", b"EXISTS")))
    if not reply.status.ok:
        connection.protocol.signed_in()
        return reply.status, None
    connection.protocol.folder_opened()
    read_only = reply.status.code == "READ-ONLY"
    return reply.status, reply.read(partial(answers.selected, name, read_only=read_only))


async def _meant(connection: Connection, name: str, status: Status) -> str | None:
    """Another name to try, when the server knows no folder of this one."""
    if not is_missing(status):
        return None
    real = await find(connection, name)
    return None if real == name else real


async def _own_namespace(connection: Connection) -> Namespace | None:
    if "NAMESPACE" not in connection.capabilities:
        return None
    reply = await connection.ask("NAMESPACE", wanted=frozenset((b"NAMESPACE",)))
    return reply.read(answers.namespace) if reply.status.ok else None
