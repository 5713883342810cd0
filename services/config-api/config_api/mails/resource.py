"""The ledger of mails."""

from collections.abc import Coroutine
from typing import Any

from flask import Blueprint

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.mailboxes import actions
from config_api.mailboxes.resource import Accepted
from config_api.mails import queries as mails
from config_api.mails.queries import MailQuery, MailSummary, MailTrace
from config_api.web.api.totals import with_total
from config_api.web.contract import PREFIX, operation
from config_api.web.needs import within_domains
from config_api.web.paging import Page

routes = Blueprint("api_mails", __name__, url_prefix=f"{PREFIX}/mails")


@routes.get("")
@within_domains
@operation(Scope.READ, gives=Page[MailSummary])
async def list_mails(query: MailQuery) -> Page[MailSummary]:
    """Mails with their outcomes, the last stored first."""
    database = backend().database

    def page(limit: int, cursor: str | None) -> Coroutine[Any, Any, Page[MailSummary]]:
        return mails.find(database, query, sort=query.sort, limit=limit, cursor=cursor)

    found = await page(query.limit, query.cursor)
    return await with_total(found, query, page, count=lambda: mails.count(database, query))


@routes.get("/<mail_id>")
@within_domains
@operation(Scope.READ, gives=MailTrace, fails=(404,))
async def get_mail(mail_id: str) -> MailTrace:
    """The whole way of one mail: fetched, its parts, its report files, its reports, what was done to it."""
    return await mails.trace(backend().database, mail_id)


@routes.post("/<mail_id>/retry-action")
@operation(Scope.OPERATE, gives=Accepted, status=202, fails=(404, 409))
async def retry_action(mail_id: str) -> Any:
    """Try once more to mark, move or delete a mail, where the mail server refused it."""
    await actions.retry_one(backend(), mail_id, who=who())
    return Accepted(text="The action is tried again."), 202, {}
