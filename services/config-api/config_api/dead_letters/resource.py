"""Events that no retry of the pipeline's own could help."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel

from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.dead_letters import queries as dead_letters
from config_api.dead_letters.queries import DeadLetterFilter, DeadLetterQuery, DeadLetterView, ReasonCount
from config_api.dead_letters.retry import Retried, retry, retry_all
from config_api.web.api.totals import with_total
from config_api.web.contract import PREFIX, operation
from config_api.web.export import attachment
from config_api.web.paging import Page
from config_api.web.view import on_loop
from pipeline.anonymise import anonymised

routes = Blueprint("api_dead_letters", __name__, url_prefix=f"{PREFIX}/dead-letters")

MANY_TIMEOUT = 60.0  # seconds


class ReasonCounts(BaseModel):
    """How many dead letters there are of each reason."""

    items: list[ReasonCount]


@routes.get("")
@operation(Scope.READ, gives=Page[DeadLetterView])
async def list_dead_letters(query: DeadLetterQuery) -> Page[DeadLetterView]:
    """Dead letters, newest first."""
    bus = backend().bus

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[DeadLetterView]]:
        return dead_letters.find(bus, query, limit=limit, cursor=cursor)

    return await with_total(await page(query.limit, query.cursor), query, page)


@routes.get("/reasons")
@operation(Scope.READ, gives=ReasonCounts)
async def count_dead_letters() -> ReasonCounts:
    """How many there are of each reason."""
    return ReasonCounts(items=await dead_letters.reasons(backend().bus))


@routes.post("/retry")
@operation(Scope.OPERATE, gives=Retried, fails=(415,))
@on_loop(timeout=MANY_TIMEOUT)
async def retry_dead_letters(json: DeadLetterFilter) -> Retried:
    """Send all that match on their way again under today's settings, a bounded number at a time."""
    return await retry_all(backend(), json)


@routes.get("/<int:letter_id>")
@operation(Scope.READ, gives=DeadLetterView, fails=(404,))
async def get_dead_letter(letter_id: int) -> DeadLetterView:
    """One dead letter: what died, why, after how many tries."""
    return await dead_letters.get(backend().bus, letter_id)


@routes.get("/<int:letter_id>/mail")
@operation(Scope.READ, media=("message/rfc822",), fails=(404, 410))
async def get_dead_letter_mail(letter_id: int) -> Response:
    """The mail itself, as fetched."""
    found = await dead_letters.mail_bytes(backend().bus, letter_id)
    return attachment(found, name=f"dead-letter-{letter_id}.eml", media_type="message/rfc822")


@routes.get("/<int:letter_id>/anonymised")
@operation(Scope.READ, media=("message/rfc822",), fails=(404, 410))
async def get_dead_letter_anonymised(letter_id: int) -> Response:
    """A copy of the mail with others in the place of names, addresses and numbers, to attach to a bug report."""
    copy = await asyncio.to_thread(anonymised, await dead_letters.mail_bytes(backend().bus, letter_id))
    return attachment(copy, name=f"dead-letter-{letter_id}-anonymised.eml", media_type="message/rfc822")


@routes.post("/<int:letter_id>/retry")
@operation(Scope.OPERATE, status=204, fails=(404,))
async def retry_dead_letter(letter_id: int) -> Response:
    """Send it on its way again, as a new attempt under the settings that its mailbox has today."""
    await retry(backend(), letter_id)
    return Response(status=204)


@routes.delete("/<int:letter_id>")
@operation(Scope.OPERATE, status=204, fails=(404,))
async def discard_dead_letter(letter_id: int) -> Response:
    """Throw it away, with the bytes it keeps."""
    await dead_letters.discard(backend().bus, letter_id)
    return Response(status=204)
