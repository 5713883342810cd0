"""The audit log: who changed what."""

from collections.abc import Coroutine
from typing import Any

from flask import Blueprint

from config_api.access.audit import queries
from config_api.access.audit.queries import COLUMNS, AuditLine, AuditQuery
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.web.api.totals import with_total
from config_api.web.contract import PREFIX, operation
from config_api.web.export import CSV_TYPE, exported, wanted_format
from config_api.web.paging import Page

routes = Blueprint("api_audit", __name__, url_prefix=PREFIX)


@routes.get("/audit")
@operation(Scope.ADMIN, gives=Page[AuditLine], media=(CSV_TYPE,))
async def list_audit(query: AuditQuery) -> Any:
    """Lines of the audit log, the latest first. With Accept: text/csv or `format` all that match, as a file."""
    database = backend().database

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[AuditLine]]:
        return queries.find(database, query, limit=limit, cursor=cursor)

    if (asked := wanted_format(query.format)) is not None:
        return await exported(asked, "audit", COLUMNS, page)
    return await with_total(await page(query.limit, query.cursor), query, page)
