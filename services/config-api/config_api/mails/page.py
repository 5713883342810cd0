"""The emails that were taken from mailboxes: each with its one outcome, and the whole trace of one."""

import asyncio

from flask import Blueprint
from werkzeug.wrappers import Response

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.errors import Conflict
from config_api.mailboxes import actions, store
from config_api.mails import queries as mails
from config_api.mails.queries import MailFilter, MailSort
from config_api.web import words
from config_api.web.needs import needs, within_domains
from config_api.web.notes import told
from config_api.web.position import narrows, position_of
from config_api.web.view import Template, on_loop, query, template
from pipeline.contracts.mail_events import Outcome

PAGE_SIZE = 25
SKIPPED = "skipped"

blueprint = Blueprint("mails", __name__, url_prefix="/mails")


@blueprint.get("")
@within_domains
@needs(Scope.READ)
@on_loop
async def listing() -> Template:
    """The list, by outcome."""
    here, database = query(), backend().database
    sort = MailSort(here["sort"]) if here.get("sort") in set(MailSort) else MailSort.STORED_FALLING
    wanted = _wanted(here)
    found, total, names = await asyncio.gather(
        mails.find(database, wanted, sort=sort, limit=PAGE_SIZE, cursor=here.get("cursor")),
        mails.count(database, wanted),
        _names(),
    )
    return template(
        "mails/list.html",
        found=found,
        here=here,
        sort=sort,
        names=names,
        outcomes=words.OUTCOMES,
        position=position_of(here, found, total=total, limit=PAGE_SIZE),
        filtered=narrows(here),
    )


@blueprint.get("/<mail_id>")
@within_domains
@needs(Scope.READ)
@on_loop
async def one(mail_id: str) -> Template:
    """One email, from its UID to its rows and what was done to it."""
    trace, names = await asyncio.gather(mails.trace(backend().database, mail_id), _names())
    return template("mails/one.html", trace=trace, names=names)


@blueprint.post("/<mail_id>/retry-action")
@needs(Scope.OPERATE)
@on_loop
async def retry_action(mail_id: str) -> Response:
    """Tries once more what the mail server refused to do with the email."""
    try:
        await actions.retry_one(backend(), mail_id, who=who())
    except Conflict:
        return told(f"/mails/{mail_id}", "nothing-to-retry")
    return told(f"/mails/{mail_id}", "action-retried")


async def _names() -> dict[str, str]:
    return {mailbox.id: mailbox.name for mailbox in await store.all(backend())} | {"import": "Uploaded files"}


def _wanted(here: dict[str, str]) -> MailFilter:
    outcome = here.get("outcome")
    is_none, is_skipped = outcome == Outcome.NOT_A_REPORT, outcome == SKIPPED
    return MailFilter(
        mailbox_id=here.get("mailbox_id"),
        run_id=here.get("run_id"),
        outcome=Outcome(outcome) if outcome in set(Outcome) else None,
        skipped=is_skipped if is_skipped or is_none else None,
        reason=here.get("reason"),
        q=here.get("q"),
    )
