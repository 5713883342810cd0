"""The recorder's stage: facts of the EVENT stream written down, for the ledger and for people."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from parser.outcome import Conclusion, conclude
from parser.storage import outbox
from parser.storage.ledger import command_for, known_mails, write_new_mails
from parser.storage.tables import activity_row, fetch_run_row, mail_row, utc
from pipeline.contracts.events import ActivityLogged, FetchRunFinished
from pipeline.contracts.mail import LineOutcome, PartLine, mail_id_of
from pipeline.contracts.mail_events import MailActed, MailDied, Outcome
from pipeline.contracts.questions import LedgerAnswer, LedgerInquiry
from pipeline.contracts.wire import Envelope, encode
from pipeline.postgres.connection import Connection, Database
from pipeline.postgres.statements import Statements
from pipeline.runtime.stage import Result
from pipeline.telemetry.metrics import MAILS

SQL = Statements.of("parser.storage")


class Recorder:
    """Writes a batch of facts in one transaction; every one of them may come again. Other events are passed over."""

    def __init__(self, database: Database, *, committed: Callable[[], None]) -> None:
        self._database = database
        self._committed = committed

    async def __call__(self, envelopes: Sequence[Envelope]) -> Sequence[Result]:
        """Nothing follows from a fact. Raises TryLater while PostgreSQL is away."""
        events = [envelope.event for envelope in envelopes]
        async with self._database.transaction() as connection:
            failed = await record_deaths(connection, [event for event in events if isinstance(event, MailDied)])
            await record_actions(connection, [event for event in events if isinstance(event, MailActed)])
            runs = [fetch_run_row(event) for event in events if isinstance(event, FetchRunFinished)]
            if runs:
                await connection.execute(SQL["insert_fetch_runs"], runs)
            lines = [activity_row(event) for event in events if isinstance(event, ActivityLogged)]
            if lines:
                await connection.execute(SQL["insert_activities"], lines)
        self._committed()
        MAILS.labels(Outcome.FAILED.value).inc(failed)
        return [[] for _ in envelopes]


async def record_deaths(connection: Connection, events: Sequence[MailDied]) -> int:
    """Mails that died before the parser could write their outcome: failed, with the command that a failed mail gets.

    A mail that has an outcome keeps it, unless it failed and this is a later take of it. Gives how many were written.
    """
    deaths = {event.mail.mail_id: event for event in sorted(events, key=lambda event: event.take)}
    if not deaths:
        return 0
    known = await known_mails(connection, list(deaths))
    superseded = [mail_id for mail_id, before in known.items() if before.is_superseded_by(deaths[mail_id].take)]
    new = {i: (death, died(death)) for i, death in deaths.items() if i not in known or i in superseded}
    if not new:
        return 0
    at = datetime.now(UTC)
    rows = [mail_row(death, conclusion, stored_at=at) for death, conclusion in new.values()]
    added = await write_new_mails(connection, rows, superseded=superseded)
    commands = [command_for(*new[mail_id]) for mail_id in sorted(added)]
    await outbox.put(connection, [encode(Envelope(command)) for command in commands if command is not None])
    return len(added)


def died(event: MailDied) -> Conclusion:
    """The conclusion for a mail whose event died on its way: one line for the whole mail says why."""
    whole = PartLine(path="0", size=event.size, outcome=LineOutcome.REFUSED, reason=event.reason, detail=event.detail)
    return conclude((whole,), {}, event.handling)


async def record_actions(connection: Connection, events: Sequence[MailActed]) -> None:
    """What became of the commands."""
    for event in events:
        reason = None if event.reason is None else event.reason.value
        arguments = (sorted(event.mail_ids), event.action.value, event.result.value, reason, event.detail)
        await connection.execute(SQL["note_action"], *arguments, utc(event.at))


COMMAND_TAKES_S = 3600  # a command that is given and not done for so long may be lost


class Inquiry:
    """Asks the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answer(self, payload: bytes) -> bytes:
        """A `LedgerAnswer` to a `LedgerInquiry`, both as JSON.

        Raises TryLater while PostgreSQL is away, ValidationError for what is no inquiry; then nobody answers.
        """
        asked = LedgerInquiry.model_validate_json(payload)
        mail_ids = {
            mail_id_of(mailbox_id=asked.mailbox_id, folder=asked.folder, uidvalidity=asked.uidvalidity, uid=uid): uid
            for uid in asked.uids
        }
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["settled_mails"], list(mail_ids), COMMAND_TAKES_S)
        settled = {mail_ids[row["mail_id"].hex] for row in rows}
        return LedgerAnswer(unsettled=tuple(u for u in asked.uids if u not in settled)).model_dump_json().encode()
