"""Needs attention: dead letters and failed emails in one place; why each failed, what was in it, and what to do."""

import asyncio
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as Answer

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.dead_letters import attention
from config_api.dead_letters import queries as dead_letters
from config_api.dead_letters.queries import DeadLetterFilter, DeadLetterView
from config_api.dead_letters.retry import retry as retry_one
from config_api.dead_letters.retry import retry_all
from config_api.mailboxes import store
from config_api.web.needs import needs
from config_api.web.notes import told
from config_api.web.position import position_of
from config_api.web.view import Template, form, on_loop, query, template
from pipeline.anonymise import anonymised

PAGE_SIZE = 25
LIST = "/attention"
MANY_TIMEOUT = 60.0  # seconds

blueprint = Blueprint("dead_letters", __name__)


@blueprint.get(LIST)
@needs(Scope.READ)
@on_loop
async def listing() -> Template:
    """The list, with the number of dead letters for each reason."""
    here, services = query(), backend()
    wanted = DeadLetterFilter(reason=here.get("reason"), mailbox_id=here.get("mailbox_id"))
    found, names = await asyncio.gather(
        attention.read(services, wanted, limit=PAGE_SIZE, cursor=here.get("cursor")), _names()
    )
    total = dict(found.reasons).get(here["reason"], 0) if "reason" in here else found.total
    counted = None if "mailbox_id" in here else total
    position = position_of(here, found.letters, total=counted, limit=PAGE_SIZE, goes_back=False)
    return template("attention/list.html", found=found, here=here, names=names, position=position)


@blueprint.get("/dead-letters")
@needs(Scope.READ)
def moved() -> Answer:
    """Where the list of dead letters was."""
    here = query()
    return redirect(f"{LIST}?{urlencode(here)}" if here else LIST)


@blueprint.get("/dead-letters/<int:letter_id>")
@needs(Scope.READ)
@on_loop
async def one(letter_id: int) -> Template:
    """One dead letter."""
    letter, names = await asyncio.gather(dead_letters.get(backend().bus, letter_id), _names())
    return template("attention/one.html", letter=letter, names=names)


@blueprint.get("/dead-letters/<int:letter_id>/mail.eml")
@needs(Scope.READ)
@on_loop
async def mail(letter_id: int) -> Response:
    """The email's bytes, as a file to save: never shown by the browser."""
    return _file(await dead_letters.mail_bytes(backend().bus, letter_id), f"dead-letter-{letter_id}.eml")


@blueprint.get("/dead-letters/<int:letter_id>/anonymised.eml")
@needs(Scope.READ)
@on_loop
async def anonymised_mail(letter_id: int) -> Response:
    """A copy of the email without names, addresses and numbers, as a file to attach to a bug report."""
    data = await dead_letters.mail_bytes(backend().bus, letter_id)
    return _file(await asyncio.to_thread(anonymised, data), f"dead-letter-{letter_id}-anonymised.eml")


@blueprint.post("/dead-letters/<int:letter_id>/retry")
@needs(Scope.OPERATE)
@on_loop
async def retry(letter_id: int) -> Answer:
    """Sends the event on its way again."""
    await retry_one(backend(), letter_id)
    return told(LIST, "retried")


@blueprint.post("/dead-letters/retry")
@needs(Scope.OPERATE)
@on_loop(timeout=MANY_TIMEOUT)
async def retry_reason() -> Answer:
    """Retries the dead letters of one reason, perhaps of one mailbox; tells if there are more than one press sends."""
    sent = form()
    narrowed = {name: sent[name] for name in DeadLetterFilter.model_fields if name in sent}
    done = await retry_all(backend(), DeadLetterFilter.model_validate(narrowed))
    if done.complete:
        return told(LIST, "retried")
    return told(LIST, "retried-some", count=done.retried, **narrowed)


@blueprint.get("/dead-letters/<int:letter_id>/discard")
@needs(Scope.OPERATE)
@on_loop
async def ask_discard(letter_id: int) -> Template:
    """Asks whether the dead letter is to be given up."""
    found: DeadLetterView = await dead_letters.get(backend().bus, letter_id)
    return template("attention/discard.html", letter=found)


@blueprint.post("/dead-letters/<int:letter_id>/discard")
@needs(Scope.OPERATE)
@on_loop
async def discard(letter_id: int) -> Answer:
    """Removes the dead letter for good."""
    await dead_letters.discard(backend().bus, letter_id)
    return told(LIST, "discarded")


async def _names() -> dict[str, str]:
    return {mailbox.id: mailbox.name for mailbox in await store.all(backend())} | {"import": "Uploaded files"}


def _file(data: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, content_type="application/octet-stream", headers=headers)
