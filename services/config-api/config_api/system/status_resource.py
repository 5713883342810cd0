"""The state of the whole: where the mails are, and what waits."""

from flask import Blueprint

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.system import status
from config_api.system.status import Status
from config_api.web.contract import PREFIX, operation

routes = Blueprint("api_status", __name__, url_prefix=PREFIX)


@routes.get("/status")
@operation(Scope.READ, gives=Status)
def get_status() -> Status:
    """Where every fetched mail is: how it ended, or on its way; and what waits in outbox, streams and dead letters."""
    back = backend()
    return back.run(status.status(back.database, back.bus), timeout=30)
