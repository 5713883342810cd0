"""The reports: search, filter, sort and export; and one report with its records, its repairs and its raw document."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.reports import queries as reports
from config_api.reports import records as rows
from config_api.reports.checks import dkim_checks, spf_checks
from config_api.reports.queries import Sort
from config_api.reports.records import RecordFilter, RecordSort
from config_api.reports.search import ReportFilter
from config_api.web.charts import share_bar
from config_api.web.needs import needs, within_domains
from config_api.web.position import narrows, position_of
from config_api.web.shapes import FIRST_YEAR, LAST_YEAR
from config_api.web.view import Template, on_loop, query, template
from pipeline.contracts.report import ReportKind

PAGE_SIZE = 25
RECORDS = 15  # on a page: each has its checks in words, and a phone shows them one below the other

blueprint = Blueprint("reports", __name__, url_prefix="/reports")


@blueprint.get("")
@within_domains
@needs(Scope.READ)
@on_loop
async def listing() -> Template:
    """The list."""
    here, database = query(), backend().database
    sort = Sort(here["sort"]) if here.get("sort") in set(Sort) else Sort.BEGIN_FALLING
    wanted = _report_filter(here)
    found, total = await asyncio.gather(
        reports.find(database, wanted, sort=sort, limit=PAGE_SIZE, cursor=here.get("cursor")),
        reports.count(database, wanted),
    )
    return template(
        "reports/list.html",
        found=found,
        here=here,
        sort=sort,
        share_bar=share_bar,
        filtered=narrows(here),
        exports=_exports(here),
        position=position_of(here, found, total=total, limit=PAGE_SIZE),
    )


@blueprint.get("/<int:report_id>")
@within_domains
@needs(Scope.READ)
@on_loop
async def one(report_id: int) -> Template:
    """One report and a page of its records, what failed most first."""
    here, database = query(), backend().database
    report = await reports.get(database, report_id)
    shown: dict[str, Any] = {}
    if report.kind is ReportKind.AGGREGATE:
        wanted = _record_filter(here)
        sort = RecordSort(here["sort"]) if here.get("sort") in set(RecordSort) else RecordSort.FAILED_FALLING
        found, total = await asyncio.gather(
            rows.records(database, report_id, wanted, sort=sort, limit=RECORDS, cursor=here.get("cursor")),
            rows.count(database, report_id, wanted),
        )
        shown = {
            "records": found,
            "sort": sort,
            "position": position_of(here, found, total=total, limit=RECORDS),
            "dkim_checks": partial(dkim_checks, mode=report.published_policy.adkim),
            "spf_checks": partial(spf_checks, mode=report.published_policy.aspf),
        }
    return template("reports/one.html", report=report, here=here, filtered=narrows(here), share_bar=share_bar, **shown)


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
