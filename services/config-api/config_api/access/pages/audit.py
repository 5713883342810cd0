"""Settings > Audit: who changed what, when and from where; filtered, and as a file."""

from urllib.parse import urlencode

from flask import Blueprint

from config_api.access.audit import queries
from config_api.access.audit.queries import AuditFilter
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.web.needs import needs
from config_api.web.position import narrows
from config_api.web.view import Template, on_loop, query, template

PAGE_SIZE = 50

blueprint = Blueprint("audit", __name__, url_prefix="/settings/audit")


@blueprint.get("")
@needs(Scope.ADMIN)
@on_loop
async def show() -> Template:
    """The list."""
    here, database = query(), backend().database
    wanted = AuditFilter(who=here.get("who"), action=here.get("action"), q=here.get("q"))
    found = await queries.find(database, wanted, limit=PAGE_SIZE, cursor=here.get("cursor"))
    narrowed = wanted.model_dump(mode="json", exclude_none=True)
    return template(
        "access/audit.html",
        found=found,
        here=here,
        codes=[(code, code.replace("_", " ").capitalize()) for code in await queries.actions(database)],
        filtered=narrows(here),
        exports={kind: urlencode({**narrowed, "format": kind}) for kind in ("csv", "json")},
    )
