"""Files handed over by hand."""

from flask import Blueprint, request
from pydantic import BaseModel, ConfigDict, Field

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.system import importing
from config_api.web.contract import PREFIX, operation, takes_bytes

routes = Blueprint("api_imports", __name__, url_prefix=PREFIX)

TIMEOUT = 60.0  # seconds that the broker may take for a large file


class ImportQuery(BaseModel):
    """How the file is called; reporters put facts into the name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=500)


class Imported(BaseModel):
    """The mail that the file became; GET /mails/{mail_id} tells how it ended."""

    mail_id: str


@routes.post("/imports")
@operation(Scope.OPERATE, gives=Imported, status=202, fails=(413,))
@takes_bytes
def import_file(query: ImportQuery) -> tuple[Imported, int, dict[str, str]]:
    """Take in a file as if it had come by mail: a mail, or a report in any form that a mail may carry it in.

    The body is the file. The same file is the same mail for ever: imported again, it is not stored again.
    """
    back = backend()
    request.max_content_length = back.settings.limits.max_mail_bytes
    _ = request.stream  # refuses what is announced as larger
    body = request.environ["wsgi.input"]  # a file, see `http.bodies`
    taken = importing.take_in(back, body, name=query.name)
    return Imported(mail_id=back.run(taken, timeout=TIMEOUT).mail_id), 202, {}
