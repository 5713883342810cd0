"""What happens now, as server-sent events."""

from flask import Blueprint, Response

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.web.bodies import StreamQuery
from config_api.web.contract import PREFIX, operation
from config_api.web.live import Interest
from pipeline.contracts.events import Level

routes = Blueprint("api_events", __name__, url_prefix=PREFIX)


@routes.get("/events/stream")
@operation(Scope.READ, media=("text/event-stream",))
def stream_events(query: StreamQuery) -> Response:
    """Events from now on: activity, run, mail_acted, mail_died, report; each with the JSON that lists give for it.

    The stream ends after a minute, or when too many others were opened since: connect again, as browsers do.
    """
    level = Level(query.level) if query.level else None
    interest = Interest(mailbox_id=query.mailbox_id, source=query.source, level=level)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = backend().feed.stream(interest)
    return Response(stream, headers=headers, content_type="text/event-stream", direct_passthrough=True)
