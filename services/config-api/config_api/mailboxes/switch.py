"""One switch over all mailboxes: off, nothing is fetched and no email is touched, whatever each mailbox says.

The mailboxes keep their own switch: turned on again, those that were paused by themselves stay paused.
"""

from pydantic import BaseModel, Field

from config_api.backend import Backend
from config_api.mailboxes import journal
from config_api.mailboxes.sql import SQL


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
