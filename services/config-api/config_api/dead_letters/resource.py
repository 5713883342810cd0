"""Events that no retry of the pipeline's own could help."""

from flask import Blueprint, Response
from pydantic import BaseModel

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.dead_letters import queries as letters
from config_api.dead_letters.queries import LetterFilter, LetterView, ReasonCount, Retried
from config_api.web.bodies import LetterQuery
from config_api.web.contract import PREFIX, operation
from config_api.web.export import attachment
from config_api.web.paging import Page
from pipeline.anonymise import anonymised

routes = Blueprint("api_dead_letters", __name__, url_prefix=f"{PREFIX}/dead-letters")

MANY_TIMEOUT = 60.0  # seconds


class ReasonCounts(BaseModel):
    """How many dead letters there are of each reason."""

    items: list[ReasonCount]


@routes.get("")
@operation(Scope.READ, gives=Page[LetterView])
def list_dead_letters(query: LetterQuery) -> Page[LetterView]:
    """Dead letters, newest first."""
    back = backend()
    return back.run(letters.find(back.bus, query, limit=query.limit, cursor=query.cursor))


@routes.get("/reasons")
@operation(Scope.READ, gives=ReasonCounts)
def count_dead_letters() -> ReasonCounts:
    """How many there are of each reason."""
    back = backend()
    return ReasonCounts(items=back.run(letters.reasons(back.bus)))


@routes.post("/retry")
@operation(Scope.OPERATE, gives=Retried, fails=(415,))
def retry_dead_letters(json: LetterFilter) -> Retried:
    """Send all that match on their way again, a bounded number at a time."""
    back = backend()
    return back.run(letters.retry_all(back.bus, json), timeout=MANY_TIMEOUT)


@routes.get("/<int:letter_id>")
@operation(Scope.READ, gives=LetterView, fails=(404,))
def get_dead_letter(letter_id: int) -> LetterView:
    """One dead letter: what died, why, after how many tries."""
    back = backend()
    return back.run(letters.get(back.bus, letter_id))


@routes.get("/<int:letter_id>/mail")
@operation(Scope.READ, media=("message/rfc822",), fails=(404, 410))
def get_dead_letter_mail(letter_id: int) -> Response:
    """The mail itself, as fetched."""
    back = backend()
    found = back.run(letters.mail_bytes(back.bus, letter_id))
    return attachment(found, name=f"dead-letter-{letter_id}.eml", media_type="message/rfc822")


@routes.get("/<int:letter_id>/anonymised")
@operation(Scope.READ, media=("message/rfc822",), fails=(404, 410))
def get_dead_letter_anonymised(letter_id: int) -> Response:
    """A copy of the mail with others in the place of names, addresses and numbers, to attach to a bug report."""
    back = backend()
    copy = anonymised(back.run(letters.mail_bytes(back.bus, letter_id)))
    return attachment(copy, name=f"dead-letter-{letter_id}-anonymised.eml", media_type="message/rfc822")


@routes.post("/<int:letter_id>/retry")
@operation(Scope.OPERATE, status=204, fails=(404,))
def retry_dead_letter(letter_id: int) -> Response:
    """Send it on its way again, as a new take."""
    back = backend()
    back.run(letters.retry(back.bus, letter_id))
    return Response(status=204)


@routes.delete("/<int:letter_id>")
@operation(Scope.OPERATE, status=204, fails=(404,))
def discard_dead_letter(letter_id: int) -> Response:
    """Throw it away, with the bytes it keeps."""
    back = backend()
    back.run(letters.discard(back.bus, letter_id))
    return Response(status=204)
