"""The connection test: signs in, lists the folders and counts the emails. It never touches an email.

Only LIST and STATUS are sent, so no flag can change and nothing can be removed; where STATUS leaves out what polling
needs EXAMINE, which opens a folder for reading only. A folder that emails are to be moved to is made where it is
missing (CREATE), but not in a dry run. config-api asks over the bus, and any fetcher may answer.
"""

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import islice

import structlog
from pydantic import ValidationError

from fetcher.acting.targets import agree, counted_or_made, targets
from fetcher.imap.grammar.answers import FolderStatus
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.names import Folder
from fetcher.imap.interface import MailSession, SignIn
from fetcher.imap.transport.account import Deadlines
from pipeline.contracts.connection_test import Category, ConnectionTest
from pipeline.contracts.mailbox import MailboxSettings
from pipeline.contracts.topology import TEST_SUBJECT
from pipeline.counting import plural
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.mailboxes import SealedMailbox, unseal
from pipeline.jetstream.requests import serving
from pipeline.secrets import BadSecretKey, Keyring

log = structlog.get_logger(__name__)

OVERALL_S = 15.0
MAX_NAMES = 1000
MAX_NAME = 255  # characters; a longer one cannot be set
_DEADLINES = Deadlines(connect_s=10, quiet_s=10, command_s=12)

QUEUE = "fetcher"  # any fetcher may answer

SignInWithin = Callable[[Deadlines], Awaitable[MailSession]]
"""Gives a signed-in session that keeps to these deadlines. Raises ImapFault."""


async def try_connection(settings: MailboxSettings, sign_in: SignInWithin) -> ConnectionTest:
    """What happens when these settings are used now, within 15 seconds."""
    try:
        async with asyncio.timeout(OVERALL_S):
            return await _tried(settings, sign_in)
    except ImapFault as fault:
        failure = _failure(fault.category, fault.detail, step=fault.step)
        return failure.model_copy(update={"fingerprint": fault.fingerprint})
    except TimeoutError:
        return _failure(Category.TIMEOUT, f"{settings.host} did not finish answering within {OVERALL_S:.0f} seconds")


async def _tried(settings: MailboxSettings, sign_in: SignInWithin) -> ConnectionTest:
    async with await sign_in(_DEADLINES) as session:
        names = _names(await session.folders())
        counts = []
        for folder in settings.all_folders:
            try:
                counts.append(await _counted(session, folder))
            except ImapFault as fault:
                return _failure(fault.category, _without_folder(folder, names, fault), names)
        twice = await _moved_onto_itself(session, settings, counts)
    if twice is not None:
        return _failure(Category.MAILBOX_NOT_FOUND, twice, names)
    return _success(settings, counts, names)


def _names(folders: Iterable[Folder]) -> tuple[str, ...]:
    """Of the folders that can be chosen; the answer must fit into one event."""
    names = (found.name for found in folders if found.selectable and len(found.name) <= MAX_NAME)
    return tuple(islice(names, MAX_NAMES))


async def _counted(session: MailSession, folder: str) -> FolderStatus:
    """The folder's counts. Where STATUS tells no UIDVALIDITY, the folder is looked into, as polling will do."""
    status = await session.status(folder)
    if status.uidvalidity is None:
        await session.examine(folder)
    return status


async def _moved_onto_itself(
    session: MailSession, settings: MailboxSettings, counts: Sequence[FolderStatus]
) -> str | None:
    """What is wrong with the folders that email is moved to, if one of them is a folder that is read."""
    for target in targets(settings):
        there = await counted_or_made(session, target, dry_run=settings.dry_run)
        if there is None:
            continue
        for folder, count in zip(settings.all_folders, counts, strict=True):
            if folder == target or agree(there, count):
                return (
                    f'mail is moved to "{target}", which is the folder "{folder}" that is read: choose another folder'
                )
    return None


def _success(settings: MailboxSettings, counts: list[FolderStatus], names: tuple[str, ...]) -> ConnectionTest:
    number, unread = sum(count.mails for count in counts), sum(count.unread for count in counts)
    server, emails = f"{settings.host}:{settings.port}", plural(number, "email")
    places = ", ".join(f'"{folder}"' for folder in settings.all_folders)
    return ConnectionTest(
        success=True,
        summary=f"Signed in to {server} as {settings.username}: {emails} in {places}, {unread} unread.",
        message_count=number,
        unread_count=unread,
        folders=names,
        category=Category.OK,
    )


def _without_folder(folder: str, names: tuple[str, ...], fault: ImapFault) -> str:
    if fault.category is not Category.MAILBOX_NOT_FOUND:
        return fault.detail
    alike = difflib.get_close_matches(folder, [name for name in names if name != folder], n=1)
    hint = f'; did you mean "{alike[0]}"?' if alike else ""
    said = f' The server said: "{fault.said}"' if fault.said else ""
    return f'signed in, but there is no folder "{folder}"{hint}{said}'


def _failure(category: Category, detail: str, names: tuple[str, ...] = (), *, step: str = "") -> ConnectionTest:
    return ConnectionTest(
        success=False,
        summary=detail[:1].upper() + detail[1:],
        folders=names,
        category=category,
        recovery_steps=recovery_steps(category, first=step),
    )


def answering_tests(bus: Bus, keys: Keyring, sign_in: SignIn) -> AbstractAsyncContextManager[None]:
    """Answers while the context lasts."""

    async def answer(payload: bytes) -> bytes:
        return (await _tested(payload, keys, sign_in)).model_dump_json().encode()

    return serving(bus.client, TEST_SUBJECT, answer, queue=QUEUE)


async def _tested(payload: bytes, keys: Keyring, sign_in: SignIn) -> ConnectionTest:
    try:
        mailbox = unseal(SealedMailbox.model_validate_json(payload), keys)
    except (BadSecretKey, ValidationError) as error:
        log.warning("connection_test_unreadable", error=type(error).__name__)
        return ConnectionTest(
            success=False,
            summary="The fetcher cannot read the saved password: it has another DMARQ_SECRET_KEY than config-api.",
            category=Category.AUTHENTICATION,
            recovery_steps=("Give every service the same DMARQ_SECRET_KEY.", "Enter the password again and save."),
        )

    def within(deadlines: Deadlines) -> Awaitable[MailSession]:
        return sign_in(mailbox.settings, mailbox.secrets, log=_to_debug_log, deadlines=deadlines)

    return await try_connection(mailbox.settings, within)


def _to_debug_log(level: str, name: str, facts: Mapping[str, object]) -> None:
    log.debug(name, level=level, **facts)


_LOGS = "If it still fails, open the activity and log pages: they show what the server answered."

_STEPS: dict[Category, tuple[str, ...]] = {
    Category.OK: (),
    Category.AUTHENTICATION: (
        "Check the user name: most providers want the whole e-mail address.",
        "Type the password again; when you copy it, leave no space at its ends.",
        "If the account uses two-step verification, create an app password with the provider and enter that.",
        "Make sure that IMAP access is switched on in the account's settings with the provider.",
        "Microsoft 365 and Google Workspace may refuse passwords altogether: then choose the sign-in method OAuth 2.",
        _LOGS,
    ),
    Category.AUTH_EXPIRED: (
        "With OAuth 2, sign in with the provider again: the button on the mailbox's page, or dmarq mailbox authorize.",
        "If the password has expired, change it with the provider and enter the new one.",
        "Ask the administrator whether the consent for this application was withdrawn.",
        _LOGS,
    ),
    Category.CONNECTIVITY: (
        "Check the host name for typing errors, and the port: 993 for TLS, 143 for STARTTLS.",
        "Make sure that a firewall lets this machine connect to that host and port.",
        "See whether the provider reports a disturbance, and try again in a few minutes.",
        _LOGS,
    ),
    Category.TLS: (
        "Check that port and security fit: 993 with TLS, 143 with STARTTLS.",
        "Use the host name that the server's certificate is issued for, not an IP address or an alias.",
        "For a server with an internal or self-made certificate, paste its CA certificate (PEM).",
        "If the certificate has expired, ask the administrator of the mail server to renew it.",
        "Do not switch verification off, but for a short test in a network you trust.",
        _LOGS,
    ),
    Category.MAILBOX_NOT_FOUND: (
        "Choose the folder from the list that the connection test shows, spelled exactly like that.",
        "A folder below another is written with the server's separator, such as Reports/DMARC or INBOX.DMARC.",
        "A shared folder must be shared with this account and visible over IMAP.",
        _LOGS,
    ),
    Category.PERMISSIONS: (
        "Make sure that IMAP access is switched on for the account, by you or the administrator.",
        "Give the account the rights to read, to flag, to delete and to create in the folders that are used.",
        "Check that the account's quota is not used up.",
        _LOGS,
    ),
    Category.THROTTLED: (
        "Wait some minutes: the provider limits how often or how much this account may read.",
        "Close other mail programs that use the account; many providers allow about ten connections.",
        "Set a longer poll interval.",
        _LOGS,
    ),
    Category.TIMEOUT: (
        "Check host and port: a wrong port often takes the connection but never answers.",
        "Make sure that a firewall lets this machine connect; many drop connections silently.",
        "If the port expects TLS from the start (993), choose TLS; if it expects STARTTLS (143), choose that.",
        "Try again later, in case the server is busy.",
        _LOGS,
    ),
    Category.STORE_FULL: (
        "Wait: the oldest refused emails are thrown away to make room, and what waits is fetched within a minute.",
        "Look at the page Needs attention, and discard the dead letters that nobody needs.",
        "See whether the extractor and the parser work: what they have done with is removed.",
        _LOGS,
    ),
}


def recovery_steps(category: Category, *, first: str = "") -> tuple[str, ...]:
    """The steps in the order to try them; none for `ok`. `first`: the one that helps for certain."""
    return (first, *_STEPS[category]) if first else _STEPS[category]
