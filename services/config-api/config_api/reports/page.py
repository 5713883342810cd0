"""The reports: search, filter, sort and export; and one report with its records, its repairs and its raw document."""

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from flask import Blueprint, render_template

from config_api.backend import backend
from config_api.reports import queries as reports
from config_api.reports.queries import RecordFilter, ReportFilter, Sort
from config_api.web.charts import share_bar
from config_api.web.shapes import FIRST_YEAR, LAST_YEAR
from config_api.web.view import query
from pipeline.contracts.report import ReportKind

PAGE_SIZE = 50

blueprint = Blueprint("reports", __name__, url_prefix="/reports")


@blueprint.get("")
def listing() -> str:
    """The list."""
    here = query()
    sort = Sort(here["sort"]) if here.get("sort") in set(Sort) else Sort.BEGIN_FALLING
    wanted = _report_filter(here)
    found = backend().run(
        reports.find(backend().database, wanted, sort=sort, limit=PAGE_SIZE, cursor=here.get("cursor"))
    )
    return render_template(
        "reports/list.html",
        found=found,
        here=here,
        sort=sort,
        share_bar=share_bar,
        filtered=bool(set(here) - _FRAME),
        exports=_exports(here),
    )


@blueprint.get("/<int:report_id>")
def one(report_id: int) -> str:
    """One report and a page of its records."""
    here = query()
    services = backend()
    report = services.run(reports.get(services.database, report_id))
    records = None
    if report.kind is ReportKind.AGGREGATE:
        wanted = _record_filter(here)
        records = services.run(
            reports.records(services.database, report_id, wanted, limit=100, cursor=here.get("cursor"))
        )
    return render_template("reports/one.html", report=report, records=records, here=here, share_bar=share_bar)


_FRAME = {"sort", "cursor"}
_FIRST_DAY, _LAST_DAY = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 30)  # the day after is still in the last year


def _exports(here: dict[str, str]) -> dict[str, str]:
    """The queries of the API's exports by their format: the same filter, all pages."""
    wanted = _report_filter(here).model_dump(mode="json", exclude_none=True)
    return {kind: urlencode({**wanted, "format": kind}) for kind in ("csv", "json")}


def _report_filter(here: dict[str, str]) -> ReportFilter:
    kind = here.get("kind")
    return ReportFilter(
        q=here.get("q"),
        kind=ReportKind(kind) if kind in set(ReportKind) else None,
        domain=here.get("domain"),
        org_name=here.get("org_name"),
        since=_start(here.get("since", "")),
        until=_end(here.get("until", "")),
        repaired=True if "repaired" in here else None,
    )


def _record_filter(here: dict[str, str]) -> RecordFilter:
    return RecordFilter(
        q=here.get("q"),
        disposition=here.get("disposition"),
        failing=True if "failing" in here else None,
    )


def _start(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime.combine(min(max(day, _FIRST_DAY), _LAST_DAY), time.min, UTC)


def _end(text: str) -> datetime | None:
    """The day itself is part of the period."""
    start = _start(text)
    return start + timedelta(days=1) if start else None
