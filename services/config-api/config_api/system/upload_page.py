"""Upload: report files from the reader's own disk, each with what became of it. The script sends them to the API."""

from flask import Blueprint

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.mails import queries as mails
from config_api.web.needs import needs
from config_api.web.view import Template, on_loop, template

blueprint = Blueprint("upload", __name__, url_prefix="/upload")


@blueprint.get("")
@needs(Scope.OPERATE)
def choose() -> str:
    """The page."""
    return template("upload/page.html", limits=backend().settings.limits).rendered()


@blueprint.get("/outcome/<mail_id>")
@needs(Scope.OPERATE)
@on_loop
async def outcome(mail_id: str) -> Template:
    """What became of an uploaded file; a part of the page. Not found as long as it is on its way."""
    return template("upload/outcome.html", trace=await mails.trace(backend().database, mail_id))
