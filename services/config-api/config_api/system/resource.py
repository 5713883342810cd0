"""The state of the whole, files that are handed over, documents that are read again; health and metrics."""

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.system import erasure, importing, reparse, retention, status
from config_api.system.erasure import Erasure, ErasureOptions
from config_api.system.retention import Retention, RetentionQuery
from config_api.system.status import Status
from config_api.web.contract import PREFIX, operation, takes_bytes
from config_api.web.needs import needs, open_to_all
from config_api.web.view import on_loop
from pipeline.contracts.questions import ReparseJob, ReparseOptions

routes = Blueprint("api_system", __name__, url_prefix=PREFIX)
probes = Blueprint("health", __name__)

IMPORT_TIMEOUT = 60.0  # seconds that the broker may take for a large file


class ImportQuery(BaseModel):
    """How the file is called; reporters put facts into the name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=500)


class Imported(BaseModel):
    """The email that the file became; GET /mails/{mail_id} tells how it ended."""

    mail_id: str
    is_known: bool = Field(False, description="Whether the same file came before: the email has its outcome already.")


@routes.get("/status")
@operation(Scope.READ, gives=Status)
@on_loop(timeout=30)
async def get_status() -> Status:
    """Where every fetched email is: how it ended, or on its way; and what waits in outbox, streams and dead letters."""
    return await status.status(backend().database, backend().bus)


@routes.post("/imports")
@operation(Scope.OPERATE, gives=Imported, status=202, fails=(413,))
@takes_bytes(lambda: backend().settings.limits.max_mail_bytes)
def import_file(query: ImportQuery) -> tuple[Imported, int, dict[str, str]]:
    """Take in a file as if it had come by mail: an email, or a report in any form that one may carry it in.

    The body is the file. The same file is the same email for ever: imported again, it is not stored again.
    """
    taken = imported(name=query.name)
    return Imported(mail_id=taken.mail.mail_id, is_known=taken.is_known), 202, {}


def imported(*, name: str) -> importing.TakenIn:
    """Takes in the body of this request as a file of this name; says which email it became.

    In the request's own thread: only there may the edge be asked for the body of an upload (see `http.bodies`).
    """
    back = backend()
    request.max_content_length = back.settings.limits.max_mail_bytes
    _ = request.stream  # refuses what is announced as larger
    taken = importing.take_in(back, request.environ["wsgi.input"], name=name)
    return back.run(taken, timeout=IMPORT_TIMEOUT)


@routes.post("/reparse")
@operation(Scope.OPERATE, gives=ReparseJob, status=202, fails=(415,))
async def start_reparse(json: ReparseOptions) -> tuple[ReparseJob, int, dict[str, str]]:
    """Read kept documents again, in the background, after a fix of the parser. With `dry_run` only say what changes."""
    job = await reparse.start(backend(), json, who=who())
    return job, 202, {"Location": f"{PREFIX}/reparse/{job.id}"}


@routes.get("/reparse/<int:job_id>")
@operation(Scope.READ, gives=ReparseJob, fails=(404,))
async def get_reparse(job_id: int) -> ReparseJob:
    """How far it has come: finished when `finished_at` is there."""
    return await reparse.get(backend().database, job_id)


@routes.get("/retention")
@operation(Scope.READ, gives=Retention)
@on_loop(timeout=60)
async def get_retention(query: RetentionQuery) -> Retention:
    """How much is kept of each kind of data, and how much would go if it were kept for so long. Changes nothing."""
    return await retention.retention(backend().database, query)


@routes.post("/erasures")
@operation(Scope.ADMIN, gives=Erasure, fails=(415,))
@on_loop(timeout=erasure.TIMEOUT_S)
async def erase_address(json: ErasureOptions) -> Erasure:
    """Erase one email address from all that is kept of it, as the law gives a person the right to ask for.

    It goes from failure reports, their kept files, the ledger of emails, the log, and dead letters. The log says that
    an address was erased and by whom, not which. With `dry_run` only say where it stands.
    """
    return await erasure.erase(backend(), json, who=who())


@probes.get("/healthz")
@open_to_all
def healthz() -> Response:
    """Alive. Open to all."""
    return jsonify(status="ok")


@probes.get("/readyz")
@open_to_all
def readyz() -> Response:
    """Whether the database and the bus answer. Open to all, so it does not say why not."""
    missing = sorted(backend().readiness.missing)
    answer = jsonify(status="waiting" if missing else "ready", missing=missing)
    answer.status_code = 503 if missing else 200
    return answer


@probes.get("/metrics")
@needs(Scope.READ, for_pages=False)
def metrics() -> Response:
    """Figures for Prometheus; needs a token with the scope read."""
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
