"""What the parser tells the world once a report is committed. Pure."""

from collections.abc import Callable
from datetime import datetime
from itertools import accumulate, islice

from pydantic_core import to_json

from parser.kinds.rows import Json, row_as_json
from parser.storage.reports import StoredReport
from pipeline.contracts.events import ReportStored
from pipeline.contracts.limits import MiB
from pipeline.contracts.report import Record, ReportHeader
from pipeline.contracts.wire import Envelope, Wire, encode

MAX_ROWS_BYTES = 2 * MiB  # the broker takes 8 MB an event
MAX_REPORT_BYTES = 1 * MiB
_IDENTITY = set(ReportHeader.model_fields)

Rows = tuple[Json, ...]
Names = Callable[[Record], Json]


def announcement(
    stored: StoredReport, *, max_rows: int, public_url: str, at: datetime, names: Names | None = None
) -> Wire:
    """The event for third parties (`ReportStored`): the report, its first `max_rows` rows, and the link to all of them.

    With `names` each row has those of its `source`.
    Rows end earlier where they would make the event too large; a header too large for it is left out.
    """
    reading = stored.candidate.reading
    rows = tuple([_row(row, names) for row in islice(reading.rows, max_rows)])
    header = reading.report.model_dump(mode="json", exclude=_IDENTITY)
    link = f"{public_url.rstrip('/')}/api/v1/reports/{stored.candidate.number}"
    wire = encode(Envelope(_event(stored, header, rows, link=link, at=at)))
    if len(wire.payload) <= MAX_REPORT_BYTES:  # as nearly always
        return wire
    bounded = header if len(to_json(header)) <= MAX_REPORT_BYTES else {}
    return encode(Envelope(_event(stored, bounded, _within(MAX_ROWS_BYTES, rows), link=link, at=at)))


def _row(row: Record, names: Names | None) -> Json:
    plain = row_as_json(row)
    if names is not None:
        plain["source"] = names(row)
    return plain


def _event(stored: StoredReport, header: Json, rows: Rows, *, link: str, at: datetime) -> ReportStored:
    candidate = stored.candidate
    report = candidate.reading.report
    return ReportStored.model_construct(  # not validated: these are our own values, and the rows may be many
        id=candidate.number,
        mail_id=candidate.event.mail.mail_id,
        mailbox_id=candidate.event.mail.mailbox_id,
        kind=report.kind,
        org_name=report.org_name,
        report_id=report.report_id,
        domain=report.domain,
        begin=report.begin,
        end=report.end,
        fingerprint=report.fingerprint,
        variant=stored.variant,
        records=report.records,
        messages=report.messages,
        repairs=report.repairs,
        report=header,
        rows=rows,
        rows_complete=len(rows) == len(candidate.reading.rows),
        link=link,
        stored_at=at,
    )


def _within(max_bytes: int, rows: Rows) -> Rows:
    """As many of the first rows as fit."""
    sizes = accumulate(len(to_json(row)) for row in rows)
    return tuple(row for row, size in zip(rows, sizes, strict=True) if size <= max_bytes)
