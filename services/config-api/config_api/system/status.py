"""The state of the whole: every mail that was fetched is in the ledger with one outcome, or on its way there."""

from collections import Counter

from config_api.web.shapes import Count, Row
from pipeline.contracts.mail_events import Outcome
from pipeline.contracts.topology import BLOB_STREAM, COMMAND, DEAD, EXTRACT, MAIL, STREAMS, Stream
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.lag import blob_store, holding
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements

STATUS = Statements.of("config_api.system", "status.sql")

ON_THEIR_WAY = (MAIL.name, EXTRACT.name)


class Mails(Row):
    """fetched = imported + duplicate + failed + not_a_report + in_flight. `skipped` are those of `not_a_report` whose
    format is switched off.

    `commands_pending`: mails whose command is given and not done. `commands_failed`: those the mail server refused.
    """

    fetched: Count
    imported: Count
    duplicate: Count
    failed: Count
    not_a_report: Count
    skipped: Count
    in_flight: Count
    commands_pending: Count
    commands_failed: Count


class StreamState(Row):
    """What a stream holds, and how full it is (0 to 1); a full work queue makes those before it wait.

    `OBJ_blob` is the store of large emails and documents, its `events` their pieces: while it has less than an eighth
    left, large emails wait in their mailbox.
    """

    name: str
    events: Count
    fullness: float


class Outbox(Row):
    """Events that are committed and not published yet; the age of the oldest in seconds. Counted up to 100,000."""

    events: Count
    age_seconds: float


class Status(Row):
    """`commands` wait for their mailbox; `dead_letters` wait for somebody to look."""

    mails: Mails
    commands: Count
    dead_letters: Count
    outbox: Outbox
    streams: list[StreamState]


async def status(database: Database, bus: Bus) -> Status:
    """The figures of this moment. Raises TryLater.

    The bus is asked first: a mail that reaches the ledger meanwhile is counted twice rather than not at all.
    """
    streams = [*[await _stream(bus, stream) for stream in STREAMS], await _blobs(bus)]
    held = {stream.name: stream.events for stream in streams}
    async with database.connection() as connection:
        rows = await connection.fetch(STATUS["outcomes"])
        skipped = await connection.fetchval(STATUS["skipped"])
        outbox = await connection.fetchrow(STATUS["outbox"])
    ends = [(row["outcome"], row["action_state"], row["mails"]) for row in rows]
    return Status(
        mails=_mails(ends, skipped=skipped, in_flight=sum(held[name] for name in ON_THEIR_WAY)),
        commands=held[COMMAND.name],
        dead_letters=held[DEAD.name],
        outbox=Outbox(events=outbox["rows"], age_seconds=outbox["age"]) if outbox else Outbox(events=0, age_seconds=0),
        streams=streams,
    )


async def _stream(bus: Bus, stream: Stream) -> StreamState:
    held = await holding(bus.js, stream)
    return StreamState(name=stream.name, events=held.events, fullness=round(held.fullness, 4))


async def _blobs(bus: Bus) -> StreamState:
    store = await blob_store(bus.js)
    return StreamState(name=BLOB_STREAM, events=store.pieces, fullness=round(store.fullness, 4))


def _mails(rows: list[tuple[str, str, int]], *, skipped: int, in_flight: int) -> Mails:
    outcomes: Counter[str] = Counter()
    commands: Counter[str] = Counter()
    for outcome, action_state, mails in rows:
        outcomes[outcome] += mails
        commands[action_state] += mails
    return Mails(
        fetched=outcomes.total() + in_flight,
        in_flight=in_flight,
        skipped=skipped,
        commands_pending=commands["pending"],
        commands_failed=commands["failed"],
        **{outcome.value: outcomes[outcome.value] for outcome in Outcome},
    )
