"""Who did what to which mailbox: a line in the activity log, in the transaction of the change itself."""

from datetime import UTC, datetime
from uuid import uuid4

from pydantic import JsonValue

from config_api.mailboxes.sql import SQL
from pipeline.contracts.events import ActivityLogged
from pipeline.contracts.wire import Envelope, encode
from pipeline.postgres.connection import Connection

SOURCE = "settings"


async def note(
    connection: Connection, mailbox_id: str, name: str, *, text: str, who: str, fields: tuple[str, ...] = ()
) -> None:
    """Writes the line and, for those who listen, its event. `fields` names what changed; values stay out."""
    data: dict[str, JsonValue] = {"who": who}
    if fields:
        data["fields"] = list(fields)
    line = ActivityLogged(
        id=uuid4().hex,
        mailbox_id=mailbox_id,
        source=SOURCE,
        name=name,
        text=text,
        data=data,
        at=datetime.now(UTC),
    )
    wire = encode(Envelope(line))
    await connection.execute(
        SQL["insert_activity"],
        line.id, line.mailbox_id, line.source, line.name, line.level.value, line.text, line.data, line.at,
    )  # fmt: skip
    await connection.execute(SQL["insert_outbox"], wire.subject, wire.headers, wire.payload)
