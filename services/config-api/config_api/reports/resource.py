"""Reports and their rows, as JSON and CSV, and the files they came in."""

from collections.abc import Coroutine
from typing import Any

from flask import Blueprint, Response

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.reports import documents
from config_api.reports import queries as reports
from config_api.reports.queries import ReportDetail, ReportQuery, ReportSummary
from config_api.reports.records import RecordQuery, RecordRow, records
from config_api.reports.records import count as count_records
from config_api.web.api.totals import with_total
from config_api.web.contract import PREFIX, operation
from config_api.web.export import CSV_TYPE, attachment, exported, wanted_format
from config_api.web.needs import within_domains
from config_api.web.paging import Page

routes = Blueprint("api_reports", __name__, url_prefix=f"{PREFIX}/reports")

REPORT_COLUMNS = (
    "id", "kind", "org_name", "report_id", "domain", "begin", "end", "records", "messages", "passed", "quarantined",
    "rejected", "policy", "variant", "mailbox_id", "mail_id", "stored_at",
)  # fmt: skip
RECORD_COLUMNS = (
    "position", "source_ip", "count", "disposition", "dkim", "spf", "header_from", "envelope_from", "envelope_to",
    "reasons", "dkim_results", "spf_results",
)  # fmt: skip
CSV = (CSV_TYPE,)
FILES = (*documents.MEDIA_TYPES.values(), "application/octet-stream")


@routes.get("")
@within_domains
@operation(Scope.READ, gives=Page[ReportSummary], media=CSV)
async def list_reports(query: ReportQuery) -> Any:
    """Reports. With format=csv or json (or Accept: text/csv) all that match as a file, whatever the limit."""
    database = backend().database

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[ReportSummary]]:
        return reports.find(database, query, sort=query.sort, limit=limit, cursor=cursor)

    format_ = wanted_format(query.format)
    if format_ is not None:
        return await exported(format_, "reports", REPORT_COLUMNS, page)
    found = await page(query.limit, query.cursor)
    return await with_total(found, query, page, count=lambda: reports.count(database, query))


@routes.get("/<int:report_id>")
@within_domains
@operation(Scope.READ, gives=ReportDetail, fails=(404,))
async def get_report(report_id: int) -> ReportDetail:
    """One report, whole but for the rows of an aggregate report."""
    return await reports.get(backend().database, report_id)


@routes.get("/<int:report_id>/records")
@within_domains
@operation(Scope.READ, gives=Page[RecordRow], media=CSV, fails=(404,))
async def list_records(report_id: int, query: RecordQuery) -> Any:
    """Rows of an aggregate report. With format=csv or json (or Accept: text/csv) all that match as a file."""
    database = backend().database

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[RecordRow]]:
        return records(database, report_id, query, sort=query.sort, limit=limit, cursor=cursor)

    format_ = wanted_format(query.format)
    if format_ is not None:
        return await exported(format_, f"report-{report_id}", RECORD_COLUMNS, page)
    found = await page(query.limit, query.cursor)
    return await with_total(found, query, page, count=lambda: count_records(database, report_id, query))


@routes.get("/<int:report_id>/document")
@within_domains
@operation(Scope.READ, media=FILES, fails=(404, 410))
async def get_report_document(report_id: int) -> Response:
    """The report's file as received, uncompressed."""
    document = await documents.get(backend().database, report_id)
    return attachment(document.pieces(), name=document.name, media_type=document.media_type)
