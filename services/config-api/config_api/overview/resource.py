"""The overview."""

from flask import Blueprint

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.overview import summary
from config_api.overview.summary import Summary, SummaryFilter
from config_api.web.contract import PREFIX, operation
from config_api.web.needs import within_domains
from config_api.web.view import on_loop

LONG = 30.0  # seconds: a long period of very many sources

routes = Blueprint("api_summary", __name__, url_prefix=PREFIX)


@routes.get("/summary")
@within_domains
@operation(Scope.READ, gives=Summary)
@on_loop(timeout=LONG)
async def get_summary(query: SummaryFilter) -> Summary:
    """Messages and how many passed: over time, by domain, by source, by reporter."""
    back = backend()
    return await summary.summary(back.database, query, recent=back.recent)
