"""Who did what to which mailbox: a line in the activity log, in the transaction of the change itself."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import JsonValue

from config_api.access.audit import entries
from config_api.access.audit.entries import Changed
from config_api.mailboxes import SQL
from config_api.mailboxes.wording import Change
from pipeline.contracts.events import ActivityLogged, Level
from pipeline.contracts.wire import Envelope, encode
from pipeline.postgres.connection import Connection
from pipeline.postgres.types import storable

SETTINGS = "settings"
IMAP = "imap"


async def note(
    connection: Connection, mailbox_id: str, name: str, *, text: str, who: str, changes: Sequence[Change] = ()
) -> None:
    """Writes the line, its event for those who listen, and one of the audit log. Of a secret it says no more than that
    it changed."""
    data: dict[str, JsonValue] = {"who": who}
    if changes:
        data["fields"] = [change.path for change in changes]
        data["changes"] = [{"name": each.name, "before": each.before, "after": each.after} for each in changes]
    await _write(connection, _line(mailbox_id, SETTINGS, name, text=text, data=data))
    told = [Changed(each.name, each.before, each.after) for each in changes]
    await entries.note(connection, name, text, target=mailbox_id, changes=told)


async def note_failed_test(connection: Connection, mailbox_id: str, *, text: str, who: str, category: str) -> None:
    """Writes a line of the IMAP log: a connection test did not go well."""
    data: dict[str, JsonValue] = {"who": who, "category": category}
    line = _line(mailbox_id, IMAP, "connection_test_failed", text=text, data=data)
    await _write(connection, line.model_copy(update={"level": Level.ERROR}))


def _line(mailbox_id: str, source: str, name: str, *, text: str, data: dict[str, JsonValue]) -> ActivityLogged:
    return ActivityLogged(
        id=uuid4().hex,
        mailbox_id=mailbox_id,
        source=source,
        name=name,
        text=storable(text),
        data=data,
        at=datetime.now(UTC),
    )


async def _write(connection: Connection, line: ActivityLogged) -> None:
    wire = encode(Envelope(line))
    await connection.execute(
        SQL["insert_activity"],
        line.id, line.mailbox_id, line.source, line.name, line.level.value, line.text, line.data, line.at,
    )  # fmt: skip
    await connection.execute(SQL["insert_outbox"], wire.subject, wire.headers, wire.payload)
