"""The outbox: events that are committed together with the facts they tell, and published afterwards by the relay."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.contracts.wire import Wire
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements

SQL = Statements.of("parser.storage")

COLUMNS = ("subject", "headers", "payload")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events in the outbox, counted up to a hundred thousand, and the age of the oldest in seconds."""

    rows: int
    age: float


async def put(connection: Connection, wires: Sequence[Wire]) -> None:
    """Adds the events, in the caller's transaction."""
    if not wires:
        return
    rows = [(wire.subject, wire.headers, wire.payload) for wire in wires]
    await connection.copy_records_to_table("outbox", records=rows, columns=COLUMNS)


async def take(connection: Connection, limit: int) -> list[Wire]:
    """Takes the oldest events out, in the caller's transaction: they come back when it is rolled back.

    What another relay holds at this moment is passed over.
    """
    rows = sorted(await connection.fetch(SQL["take_from_outbox"], limit), key=lambda row: int(row["id"]))
    return [Wire(row["subject"], row["headers"], row["payload"]) for row in rows]


async def waiting(connection: Connection) -> Waiting:
    """How much waits."""
    row = await connection.fetchrow(SQL["count_outbox"])
    return Waiting(int(row["rows"]), float(row["age"])) if row else Waiting(0, 0.0)
