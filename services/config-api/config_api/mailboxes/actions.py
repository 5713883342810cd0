"""What one does to a mailbox beside changing it: test, fetch now, pause, resume, read again, retry refused actions.

A connection test is made by a fetcher, which says what it found: nothing is changed, nothing is saved.

One switch is over all mailboxes: off, nothing is fetched and no email is touched, whatever each mailbox says. The
mailboxes keep their own switch: turned on again, those that were paused by themselves stay paused.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from time import time
from typing import Any
from uuid import UUID

import structlog
from pydantic import BaseModel, Field

from config_api.backend import Backend
from config_api.errors import Conflict, Unavailable, not_found
from config_api.mailboxes import SQL, journal, store
from config_api.mailboxes.changes import expect_sound, merged
from config_api.mailboxes.model import MailboxInput, MailboxView
from pipeline.contracts.connection_test import ConnectionTest
from pipeline.contracts.cursor import BackfillCursor
from pipeline.contracts.mail import MailRef
from pipeline.contracts.mail_events import MailCommand, Outcome
from pipeline.contracts.mailbox import Action, Mailbox
from pipeline.contracts.topology import TEST_SUBJECT, fetch_subject
from pipeline.contracts.wire import Envelope, encode
from pipeline.errors import TryLater
from pipeline.jetstream.cursors import BackfillBucket
from pipeline.jetstream.mailboxes import seal
from pipeline.jetstream.requests import NobodyAnswers, request
from pipeline.postgres.connection import Connection, Record

log = structlog.get_logger(__name__)

TIMEOUT = 5.0  # seconds
TEST_TIMEOUT = 20.0  # seconds; a fetcher answers within 15
UNSAVED_ID = "unsaved"
MOST = 5000  # emails that one request retries


class ImapSwitch(BaseModel):
    """Whether anything is fetched at all."""

    enabled: bool = Field(title="Enable IMAP", description="False: every mailbox is paused.")


async def is_on(backend: Backend) -> bool:
    """Whether anything is fetched at all."""
    async with backend.database.connection() as connection:
        return bool(await connection.fetchval(SQL["is_on"]))


async def turn(backend: Backend, *, on: bool, who: str) -> ImapSwitch:
    """Pauses or resumes everything at once; fetchers hear of it within a second."""
    async with backend.database.transaction() as connection:
        if await connection.fetchval(SQL["turn"], on, who) is not None:
            name, text = ("all_resumed", "resumed") if on else ("all_paused", "paused")
            for row in await connection.fetch(SQL["publish_all"]):
                await journal.note(connection, row["id"], name, text=f"{who} {text} all mailboxes", who=who)
    backend.changed.set()
    return ImapSwitch(enabled=on)


async def try_unsaved(backend: Backend, wanted: MailboxInput, *, who: str) -> ConnectionTest:
    """Tries settings that are not saved. Raises Invalid, Unavailable when no fetcher runs."""
    mailbox = Mailbox(id=wanted.id or UNSAVED_ID, version=0, settings=wanted.settings, secrets=wanted.secrets)
    return await _tested(backend, mailbox, who=who)


async def try_saved(
    backend: Backend, mailbox_id: str, changes: Mapping[str, Any] | None = None, *, who: str
) -> ConnectionTest:
    """Tries a saved mailbox, with changes that are not saved (a JSON merge patch).

    Raises NotFound, Invalid, Unavailable.
    """
    saved = await store.secret_of(backend, mailbox_id)
    wanted = merged(saved.settings, saved.secrets, changes or {})
    mailbox = Mailbox(id=mailbox_id, version=0, settings=wanted.settings, secrets=wanted.secrets)
    return await _tested(backend, mailbox, who=who)


async def _tested(backend: Backend, mailbox: Mailbox, *, who: str) -> ConnectionTest:
    expect_sound(mailbox.settings)
    sealed = seal(mailbox, backend.keys).model_dump_json().encode()  # even on the bus the password is encrypted
    try:
        answer = await request(backend.bus.client, TEST_SUBJECT, sealed, timeout=TEST_TIMEOUT)
    except NobodyAnswers:
        raise Unavailable("The connection is tested by a fetcher; start one.", title="No fetcher is running") from None
    tested = ConnectionTest.model_validate_json(answer)
    if not tested.success:
        await _note_failed_test(backend, mailbox, tested, who=who)
    return tested


async def _note_failed_test(backend: Backend, mailbox: Mailbox, tested: ConnectionTest, *, who: str) -> None:
    """In the log, where people look for it; the answer does not wait for a database that is away."""
    text = f"Test Connection failed, as {mailbox.settings.username[:100]}: {tested.summary[:500]}"
    try:
        async with backend.database.transaction() as connection:
            await journal.note_failed_test(connection, mailbox.id, text=text, who=who, category=tested.category)
    except TryLater as error:
        log.warning("failed_test_not_noted", mailbox_id=mailbox.id, dependency=error.dependency)


async def fetch_now(backend: Backend, mailbox_id: str, *, who: str) -> None:
    """The fetcher that holds the mailbox polls at once.

    Raises NotFound, Conflict (it is paused), Unavailable (no fetcher holds it).
    """
    await _expect_enabled(backend, await store.get(backend, mailbox_id))
    await _ask(backend, mailbox_id)
    await _note(backend, mailbox_id, "fetch_requested", f"{who} asked to fetch now", who)


async def pause(backend: Backend, mailbox_id: str, *, who: str) -> MailboxView:
    """The mailbox is left alone; a fetch that runs ends after what it has in hand."""
    return await store.change(backend, mailbox_id, {"enabled": False}, if_version=None, who=who)


async def resume(backend: Backend, mailbox_id: str, *, who: str) -> MailboxView:
    """The mailbox is fetched again."""
    return await store.change(backend, mailbox_id, {"enabled": True}, if_version=None, who=who)


async def backfill(backend: Backend, mailbox_id: str, *, who: str, since: date | None = None) -> None:
    """The folders are read again, within the filters and from that day on, behind the emails that are new.

    Emails that the ledger knows are not stored again. One that is under way starts over. Raises as `fetch_now` does.
    """
    mailbox = await store.get(backend, mailbox_id)
    await _expect_enabled(backend, mailbox)
    for folder in mailbox.all_folders:
        await BackfillBucket(backend.bus.js).ask(mailbox_id, folder, BackfillCursor(since=since))
    text = f"{who} asked to read the folders again" + (f" from {since} on" if since else "")
    await _note(backend, mailbox_id, "backfill_requested", text, who)
    await _ask(backend, mailbox_id)


async def retry_one(backend: Backend, mail_id: str, *, who: str) -> None:
    """The action that the mail server refused is tried again. Raises NotFound, Conflict (there is none to retry)."""
    try:
        wanted = UUID(mail_id)
    except ValueError:
        raise not_found("mail") from None
    async with backend.database.transaction() as connection:
        mailbox_id = await connection.fetchval(SQL["mailbox_of_mail"], wanted)
        if mailbox_id is None:
            raise not_found("mail")
        if not await _retry(connection, await connection.fetch(SQL["failed_actions"], mailbox_id, wanted, 1)):
            text = (
                "Its action did not fail, or its folder was rebuilt, so that the mail is no longer known by its number."
            )
            raise Conflict(text, title="There is nothing to retry")
        await journal.note(
            connection, mailbox_id, "action_retried", text=f"{who} retried the action of an email", who=who
        )


async def retry_all(backend: Backend, mailbox_id: str, *, who: str) -> int:
    """Every failed action of the mailbox is tried again, 5,000 at a time; gives how many. Raises NotFound."""
    await store.get(backend, mailbox_id)
    async with backend.database.transaction() as connection:
        retried = await _retry(connection, await connection.fetch(SQL["failed_actions"], mailbox_id, None, MOST))
        if retried:
            text = f"{who} retried {retried} failed actions"
            await journal.note(connection, mailbox_id, "actions_retried", text=text, who=who)
    return retried


async def _retry(connection: Connection, rows: Sequence[Record]) -> int:
    retry = int(time())
    for row in rows:
        wire = encode(Envelope(_command(row, retry)))
        await connection.execute(SQL["insert_outbox"], wire.subject, wire.headers, wire.payload)
    await connection.execute(SQL["action_is_pending"], [row["mail_id"] for row in rows])
    return len(rows)


def _command(row: Record, retry: int) -> MailCommand:
    mail = MailRef(
        mail_id=row["mail_id"].hex,
        mailbox_id=row["mailbox_id"],
        folder=row["folder"],
        uidvalidity=row["uidvalidity"],
        uid=row["uid"],
    )
    return MailCommand(
        mail=mail,
        outcome=Outcome(row["outcome"]),
        action=Action(row["action"]),
        folder=row["action_target"],
        take=row["take"],
        retry=retry,
    )


async def _expect_enabled(backend: Backend, mailbox: MailboxView) -> None:
    if not mailbox.enabled:
        raise Conflict("Resume it first.", title="The mailbox is paused")
    if not await is_on(backend):
        raise Conflict("Enable IMAP first.", title="All mailboxes are paused")


async def _ask(backend: Backend, mailbox_id: str) -> None:
    try:
        await request(backend.bus.client, fetch_subject(mailbox_id), b"", timeout=TIMEOUT)
    except NobodyAnswers:
        text = "A fetcher that has just started or heard of a change needs some seconds; without one, start one."
        raise Unavailable(text, title="No fetcher holds this mailbox") from None


async def _note(backend: Backend, mailbox_id: str, name: str, text: str, who: str) -> None:
    async with backend.database.transaction() as connection:
        await journal.note(connection, mailbox_id, name, text=text, who=who)
