"""A mailbox stays with its account: another account may number its mails alike, which would pass for known."""

from config_api.mailboxes.sql import SQL
from config_api.problem import FieldError, invalid
from pipeline.adapters.postgres import Connection
from pipeline.mailbox import MailboxSettings

ANOTHER = (
    "Mails of the saved user name were fetched through this mailbox. Add a new mailbox for another user name; reports"
    " that come a second time are known by what they say."
)


async def expect_same(connection: Connection, mailbox_id: str, before: MailboxSettings, after: MailboxSettings) -> None:
    """Raises Problem 422 for another user name once a mail of this mailbox is in the ledger."""
    if before.username.casefold() == after.username.casefold():
        return
    if await connection.fetchval(SQL["has_mails"], mailbox_id):
        raise invalid(FieldError(field="username", text=ANOTHER))
