"""Reading kept documents anew, after a fix of the parser."""

from flask import Blueprint

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.system import reparse
from config_api.web.contract import PREFIX, operation
from pipeline.contracts.questions import ReparseJob, ReparseWish

routes = Blueprint("api_reparse", __name__, url_prefix=f"{PREFIX}/reparse")


@routes.post("")
@operation(Scope.OPERATE, gives=ReparseJob, status=202, fails=(415,))
def start_reparse(json: ReparseWish) -> tuple[ReparseJob, int, dict[str, str]]:
    """Read kept documents anew, in the background. With `dry_run` only say what would change."""
    back = backend()
    job = back.run(reparse.start(back, json, who=who()))
    return job, 202, {"Location": f"{PREFIX}/reparse/{job.id}"}


@routes.get("/<int:job_id>")
@operation(Scope.READ, gives=ReparseJob, fails=(404,))
def get_reparse(job_id: int) -> ReparseJob:
    """How far it has come: finished when `finished_at` is there."""
    back = backend()
    return back.run(reparse.get(back.database, job_id))
