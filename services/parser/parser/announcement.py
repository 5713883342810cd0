"""What the parser tells the world once a report is committed. Pure."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate, islice
from typing import Any

from pydantic_core import to_json

from parser.line import row_as_json
from parser.reports import StoredReport
from pipeline.events import ReportStored
from pipeline.limits import MiB
from pipeline.report import ReportHeader

MAX_ROWS_BYTES = 2 * MiB  # the broker takes 8 MB an event
MAX_REPORT_BYTES = 1 * MiB
_IDENTITY = frozenset(ReportHeader.model_fields)


def announcement(stored: StoredReport, *, max_rows: int, public_url: str, at: datetime) -> ReportStored:
    """The event for third parties: the report with its first `max_rows` rows, and the link to all of them.

    Rows end earlier where they would make the event too large; a header too large for it is left out.
    """
    candidate = stored.candidate
    report = candidate.reading.report
    rows = _within(MAX_ROWS_BYTES, [row_as_json(row) for row in islice(candidate.reading.rows, max_rows)])
    header = report.model_dump(mode="json", exclude=set(_IDENTITY))
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
        report=header if len(to_json(header)) <= MAX_REPORT_BYTES else {},
        rows=rows,
        rows_complete=len(rows) == len(candidate.reading.rows),
        link=f"{public_url.rstrip('/')}/api/v1/reports/{candidate.number}",
        stored_at=at,
    )


def _within(max_bytes: int, rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """As many of the first rows as fit; in most reports that is all of them, which one look at their sum tells."""
    if len(to_json(rows)) <= max_bytes:
        return tuple(rows)
    sizes = accumulate(len(to_json(row)) for row in rows)
    return tuple(row for row, size in zip(rows, sizes, strict=True) if size <= max_bytes)
