"""Actions that the mail server refused for good, tried again because a person says so: one, or all of a mailbox."""

from collections.abc import Sequence
from time import time
from uuid import UUID

from config_api.backend import Backend
from config_api.errors import Conflict, not_found
from config_api.mailboxes import journal, store
from config_api.mailboxes.sql import SQL
from pipeline.contracts.mail import MailRef
from pipeline.contracts.mail_events import MailCommand, Outcome
from pipeline.contracts.mailbox import Action
from pipeline.contracts.wire import Envelope, encode
from pipeline.postgres.connection import Connection, Record

MOST = 5000  # mails that one request retries


async def retry_one(backend: Backend, mail_id: str, *, who: str) -> None:
    """The mail's action is tried again. Raises Problem 404, 409 (nothing failed that a retry could help)."""
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
            connection, mailbox_id, "action_retried", text=f"{who} retried the action of a mail", who=who
        )


async def retry_all(backend: Backend, mailbox_id: str, *, who: str) -> int:
    """Every failed action of the mailbox is tried again, 5,000 at a time; gives how many. Raises Problem 404."""
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
