"""Reports and their rows, as JSON and CSV, and the files they came in."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from flask import Blueprint, Response, request, stream_with_context
from pydantic import BaseModel

from config_api import table
from config_api.api.bodies import RecordQuery, ReportQuery
from config_api.api.contract import PREFIX, operation
from config_api.auth.scopes import Scope
from config_api.backend import backend
from config_api.paging import MAX_LIMIT, Page
from config_api.reading import documents, reports
from config_api.reading.reports import RecordRow, ReportDetail, ReportSummary

routes = Blueprint("api_reports", __name__, url_prefix=f"{PREFIX}/reports")

REPORT_COLUMNS = (
    "id", "kind", "org_name", "report_id", "domain", "begin", "end", "records", "messages", "passed", "quarantined",
    "rejected", "policy", "variant", "mailbox_id", "mail_id", "stored_at",
)  # fmt: skip
RECORD_COLUMNS = (
    "position", "source_ip", "count", "disposition", "dkim", "spf", "header_from", "envelope_from", "envelope_to",
    "reasons", "dkim_results", "spf_results",
)  # fmt: skip
CSV = ("text/csv",)
FILES = (*documents.MEDIA_TYPES.values(), "application/octet-stream")

Entry = TypeVar("Entry", bound=BaseModel)


@routes.get("")
@operation(Scope.READ, gives=Page[ReportSummary], media=CSV)
def list_reports(query: ReportQuery) -> Any:
    """Reports. With Accept: text/csv (or format=csv) all that match, as CSV, whatever the limit."""
    back = backend()

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[ReportSummary]]:
        return reports.find(back.database, query, sort=query.sort, limit=limit, cursor=cursor)

    if _wants_csv(query.format):
        return _csv("reports.csv", REPORT_COLUMNS, page)
    return back.run(page(query.limit, query.cursor))


@routes.get("/<int:report_id>")
@operation(Scope.READ, gives=ReportDetail, fails=(404,))
def get_report(report_id: int) -> ReportDetail:
    """One report, whole but for the rows of an aggregate report."""
    back = backend()
    return back.run(reports.get(back.database, report_id))


@routes.get("/<int:report_id>/records")
@operation(Scope.READ, gives=Page[RecordRow], media=CSV, fails=(404,))
def list_records(report_id: int, query: RecordQuery) -> Any:
    """Rows of an aggregate report. With Accept: text/csv (or format=csv) all that match, as CSV."""
    back = backend()

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[RecordRow]]:
        return reports.records(back.database, report_id, query, limit=limit, cursor=cursor)

    if _wants_csv(query.format):
        return _csv(f"report-{report_id}.csv", RECORD_COLUMNS, page)
    return back.run(page(query.limit, query.cursor))


@routes.get("/<int:report_id>/document")
@operation(Scope.READ, media=FILES, fails=(404, 410))
def get_report_document(report_id: int) -> Response:
    """The report's file as received, uncompressed."""
    back = backend()
    document = back.run(documents.get(back.database, report_id))
    return attachment(document.pieces(), name=document.name, media_type=document.media_type)


def attachment(pieces: Iterator[bytes] | Iterator[str] | bytes, *, name: str, media_type: str) -> Response:
    """A file that a browser saves and never shows."""
    response = Response(pieces, content_type=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _wants_csv(format_: str | None) -> bool:
    if format_ is not None:
        return format_ == "csv"
    return request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv"


def _csv(
    name: str, columns: Sequence[str], page: Callable[[int, str | None], Coroutine[Any, Any, Page[Entry]]]
) -> Response:
    back = backend()
    first = back.run(page(MAX_LIMIT, None))  # a fault shows before the answer begins

    def lines() -> Iterator[str]:
        found = first
        yield table.heading(columns)
        yield table.csv_text(columns, found.items)
        while found.next_cursor is not None:
            found = back.run(page(MAX_LIMIT, found.next_cursor))
            yield table.csv_text(columns, found.items)

    return attachment(stream_with_context(lines()), name=name, media_type=table.MEDIA_TYPE)
