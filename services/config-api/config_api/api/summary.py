"""The overview."""

from flask import Blueprint

from config_api.api.contract import PREFIX, operation
from config_api.auth.scopes import Scope
from config_api.backend import backend
from config_api.reading import summary
from config_api.reading.summary import Summary, SummaryFilter

routes = Blueprint("api_summary", __name__, url_prefix=PREFIX)


@routes.get("/summary")
@operation(Scope.READ, gives=Summary)
def get_summary(query: SummaryFilter) -> Summary:
    """Messages and how many passed: over time, by domain, by source, by reporter."""
    back = backend()
    return back.run(summary.summary(back.database, query, recent=back.recent), timeout=30)
