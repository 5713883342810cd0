"""The audit log: who changed what."""

from functools import partial
from typing import Any

from flask import Blueprint

from config_api.access.audit import queries
from config_api.access.audit.queries import COLUMNS, AuditFilter, AuditLine, AuditQuery
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.web.contract import PREFIX, operation
from config_api.web.export import CSV_TYPE, exported, wanted_format
from config_api.web.paging import Page

routes = Blueprint("api_audit", __name__, url_prefix=PREFIX)


@routes.get("/audit")
@operation(Scope.ADMIN, gives=Page[AuditLine], media=(CSV_TYPE,))
async def list_audit(query: AuditQuery) -> Any:
    """Lines of the audit log, the latest first. With Accept: text/csv or `format` all that match, as a file."""
    wanted = AuditFilter.model_validate(query.model_dump(exclude={"limit", "cursor", "format"}))
    read = partial(_page, wanted)
    if (asked := wanted_format(query.format)) is not None:
        return await exported(asked, "audit", COLUMNS, read)
    return await read(query.limit, query.cursor)


async def _page(wanted: AuditFilter, limit: int, cursor: str | None) -> Page[AuditLine]:
    return await queries.find(backend().database, wanted, limit=limit, cursor=cursor)
