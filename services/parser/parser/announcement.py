"""What the parser tells the world once a report is committed. Pure."""

from datetime import datetime
from itertools import islice

from parser.line import row_as_json
from parser.reports import StoredReport
from pipeline.events import ReportStored
from pipeline.report import ReportHeader

_IDENTITY = frozenset(ReportHeader.model_fields)


def announcement(stored: StoredReport, *, max_rows: int, public_url: str, at: datetime) -> ReportStored:
    """The event for third parties: the report with its first `max_rows` rows, and the link to all of them."""
    candidate = stored.candidate
    report = candidate.reading.report
    rows = tuple(row_as_json(row) for row in islice(candidate.reading.rows, max_rows))
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
        report=report.model_dump(mode="json", exclude=set(_IDENTITY)),
        rows=rows,
        rows_complete=len(rows) == len(candidate.reading.rows),
        link=f"{public_url.rstrip('/')}/api/v1/reports/{candidate.number}",
        stored_at=at,
    )
