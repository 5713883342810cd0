"""One transaction: the mails of a batch, their documents and reports, and the events that follow from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from parser.announcement import Names, announcement
from parser.documents import Document, ReadMail
from parser.kinds.reading import PARSER_VERSION
from parser.outcome import Conclusion, PartResult, conclude
from parser.storage import outbox
from parser.storage.ledger import command_for, write_mails
from parser.storage.records import Partitions
from parser.storage.reports import Candidate, StoredReports, store_reports
from parser.storage.tables import mail_row, moment
from pipeline.contracts.mail import LineOutcome
from pipeline.contracts.mail_events import Outcome
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope, Wire, encode
from pipeline.errors import Rejected
from pipeline.postgres.connection import Connection, Database
from pipeline.postgres.statements import Statements
from pipeline.telemetry.metrics import MAILS, RECORDS, REPORTS

SQL = Statements.of("parser.storage")

DOCUMENT_COLUMNS = (
    "id",
    "mail_id",
    "path",
    "name",
    "format",
    "size",
    "sha256",
    "bytes",
    "outcome",
    "reason",
    "detail",
    "repairs",
    "report",
    "parser_version",
    "stored_at",
)


@dataclass(frozen=True, slots=True)
class AnnouncementOptions:
    """How much of a report is announced, where the rest is, and how the sources of its rows are named, if at all."""

    max_rows: int = 100
    public_url: str = ""
    names: Names | None = None


@dataclass(frozen=True, slots=True)
class _Mail:
    """A read mail whose documents have their numbers."""

    read: ReadMail
    numbers: tuple[int, ...]

    def candidates(self) -> list[Candidate]:
        return [
            Candidate(number, self.read.event, document.identity, document.reading, document.totals)
            for number, document in zip(self.numbers, self.read.documents, strict=True)
            if document.reading is not None
        ]

    def conclusion(self, results: Mapping[int, PartResult]) -> Conclusion:
        documents = zip(self.numbers, self.read.documents, strict=True)
        by_path = {document.info.path: result_of(document, results.get(number)) for number, document in documents}
        return conclude(self.read.event.lines, by_path, self.read.event.handling)


class Store:
    """Writes read mails. `store` either commits all of a group or nothing."""

    def __init__(self, database: Database, options: AnnouncementOptions) -> None:
        self._database = database
        self._partitions = Partitions(database)
        self._options = options

    async def store(self, mails: Sequence[ReadMail], *, superseded: Sequence[str]) -> list[Conclusion]:
        """How each of the mails ended, committed. `superseded` are the ids of those that failed in an earlier take.

        Raises TryLater, with nothing committed.
        """
        readings = [d.reading for mail in mails for d in mail.documents if d.reading is not None]
        await self._partitions.ensure(moment(reading.report.begin) for reading in readings if len(reading.rows))
        async with self._database.transaction() as connection:
            conclusions, reports = await self._write(connection, mails, superseded=superseded)
        _count(conclusions, reports)
        return conclusions

    async def _write(
        self, connection: Connection, reads: Sequence[ReadMail], *, superseded: Sequence[str]
    ) -> tuple[list[Conclusion], StoredReports]:
        at = datetime.now(UTC)
        mails = await _numbered(connection, reads)
        candidates = [candidate for mail in mails for candidate in mail.candidates()]
        reports = await store_reports(connection, candidates, at=at)
        conclusions = [mail.conclusion(reports.results) for mail in mails]
        ends = list(zip(mails, conclusions, strict=True))
        rows = [mail_row(mail.read.event, conclusion, stored_at=at) for mail, conclusion in ends]
        await write_mails(connection, rows, superseded=superseded)
        documents = [row for mail in mails for row in document_rows(mail.read, mail.numbers, reports.results, at=at)]
        if documents:
            await connection.copy_records_to_table("document", records=documents, columns=DOCUMENT_COLUMNS)
        await outbox.put(connection, self._wires(ends, reports, at=at))
        return conclusions, reports

    def _wires(self, ends: Sequence[tuple[_Mail, Conclusion]], reports: StoredReports, *, at: datetime) -> list[Wire]:
        options = self._options
        commands = [command_for(mail.read.event, conclusion) for mail, conclusion in ends]
        announcements = [
            announcement(report, max_rows=options.max_rows, public_url=options.public_url, at=at, names=options.names)
            for report in reports.new
        ]
        return [*(encode(Envelope(command)) for command in commands if command is not None), *announcements]


def result_of(document: Document, stored: PartResult | None) -> PartResult:
    """The result of a document: what the database said of its report, or why it was refused."""
    if stored is not None:
        return stored
    refusal = document.refusal or Rejected(Reason.BUG)
    return PartResult(LineOutcome.REFUSED, refusal.reason, refusal.detail, salvaged=refusal.salvaged)


def document_rows(
    mail: ReadMail, numbers: Sequence[int], results: Mapping[int, PartResult], *, at: datetime
) -> list[tuple[Any, ...]]:
    """`document`, in the order of `DOCUMENT_COLUMNS`. A duplicate's bytes are those of its original: not kept twice."""
    rows = []
    for number, document in zip(numbers, mail.documents, strict=True):
        info = document.info
        result = result_of(document, results.get(number))
        kept = document.data if document.data and result.outcome is not LineOutcome.DUPLICATE else None
        reason = None if result.reason is None else result.reason.value
        repairs = list(dict.fromkeys((*info.repairs, *result.repairs)))
        row = (number, mail.event.mail.mail_id, info.path, info.name, info.format.value, info.size)
        found = (bytes.fromhex(info.sha256), kept, result.outcome.value, reason, result.detail, repairs, result.report)
        rows.append((*row, *found, PARSER_VERSION, at))
    return rows


async def _numbered(connection: Connection, reads: Sequence[ReadMail]) -> list[_Mail]:
    wanted = sum(len(read.documents) for read in reads)
    numbers = iter([row["id"] for row in await connection.fetch(SQL["take_document_ids"], wanted)] if wanted else [])
    return [_Mail(read, tuple(next(numbers) for _ in read.documents)) for read in reads]


def _count(conclusions: Sequence[Conclusion], reports: StoredReports) -> None:
    for outcome in Outcome:
        MAILS.labels(outcome.value).inc(sum(conclusion.outcome is outcome for conclusion in conclusions))
    for stored in reports.new:
        REPORTS.labels(stored.candidate.reading.report.kind.value).inc()
    RECORDS.inc(reports.records)
