"""Dead letters: why each died, what was in it, and the two things one can do: try it again, or give it up."""

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as Answer

from config_api.backend import backend
from config_api.dead_letters import queries as letters
from config_api.dead_letters.queries import LetterFilter
from config_api.web.notes import told
from config_api.web.view import MAX_LENGTH, query
from pipeline.anonymise import anonymised

PAGE_SIZE = 50
LIST = "/dead-letters"

blueprint = Blueprint("dead_letters", __name__, url_prefix=LIST)


@blueprint.get("")
def listing() -> str:
    """The list, with the number of letters for each reason."""
    here, services = query(), backend()
    wanted = LetterFilter(reason=here.get("reason"), mailbox_id=here.get("mailbox_id"))
    found = services.run(letters.find(services.bus, wanted, limit=PAGE_SIZE, cursor=here.get("cursor")))
    reasons = services.run(letters.reasons(services.bus))
    return render_template("letters/list.html", found=found, reasons=reasons, here=here)


@blueprint.get("/<int:letter_id>")
def one(letter_id: int) -> str:
    """One letter."""
    return render_template("letters/one.html", letter=backend().run(letters.get(backend().bus, letter_id)))


@blueprint.get("/<int:letter_id>/mail.eml")
def mail(letter_id: int) -> Response:
    """The mail's bytes, as a file to save: never shown by the browser."""
    data = backend().run(letters.mail_bytes(backend().bus, letter_id))
    headers = {"Content-Disposition": f'attachment; filename="dead-letter-{letter_id}.eml"'}
    return Response(data, content_type="application/octet-stream", headers=headers)


@blueprint.get("/<int:letter_id>/anonymised.eml")
def anonymised_mail(letter_id: int) -> Response:
    """A copy of the mail without names, addresses and numbers, as a file to attach to a bug report."""
    data = anonymised(backend().run(letters.mail_bytes(backend().bus, letter_id)))
    headers = {"Content-Disposition": f'attachment; filename="dead-letter-{letter_id}-anonymised.eml"'}
    return Response(data, content_type="application/octet-stream", headers=headers)


@blueprint.post("/<int:letter_id>/retry")
def retry(letter_id: int) -> Answer:
    """Puts the event back where it came from."""
    backend().run(letters.retry(backend().bus, letter_id))
    return told(LIST, "retried")


@blueprint.post("/retry")
def retry_reason() -> Answer:
    """Retries the letters of one reason, perhaps of one mailbox; tells when there are more than one press sends."""
    names = ("reason", "mailbox_id")
    narrowed = {name: request.form[name][:MAX_LENGTH] for name in names if request.form.get(name)}
    done = backend().run(letters.retry_all(backend().bus, LetterFilter(**narrowed)), timeout=60)
    if done.complete:
        return told(LIST, "retried")
    return told(LIST, "retried-some", count=done.retried, **narrowed)


@blueprint.get("/<int:letter_id>/discard")
def ask_discard(letter_id: int) -> str:
    """Asks whether the letter is to be given up."""
    return render_template("letters/discard.html", letter=backend().run(letters.get(backend().bus, letter_id)))


@blueprint.post("/<int:letter_id>/discard")
def discard(letter_id: int) -> Answer:
    """Removes the letter for good."""
    backend().run(letters.discard(backend().bus, letter_id))
    return told(LIST, "discarded")
