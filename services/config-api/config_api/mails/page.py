"""The mails that were taken from mailboxes: each with its one outcome, and the whole trace of one."""

import asyncio

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from config_api.access import who
from config_api.backend import Backend, backend
from config_api.mailboxes import failed_actions, store
from config_api.mailboxes.model import MailboxView
from config_api.mails import queries as mails
from config_api.mails.queries import MailFilter, MailSummary
from config_api.web import words
from config_api.web.notes import told
from config_api.web.paging import Page
from config_api.web.problem import Problem
from config_api.web.view import query
from pipeline.contracts.events import Outcome

PAGE_SIZE = 50

blueprint = Blueprint("mails", __name__, url_prefix="/mails")


@blueprint.get("")
def listing() -> str:
    """The list, by outcome."""
    here = query()
    found, mailboxes = backend().run(_read(backend(), here))
    names = {mailbox.id: mailbox.name for mailbox in mailboxes}
    return render_template("mails/list.html", found=found, here=here, names=names, outcomes=words.OUTCOMES)


@blueprint.get("/<mail_id>")
def one(mail_id: str) -> str:
    """One mail, from its UID to its rows and what was done to it."""
    return render_template("mails/one.html", trace=backend().run(mails.trace(backend().database, mail_id)))


@blueprint.post("/<mail_id>/retry-action")
def retry_action(mail_id: str) -> Response:
    """Tries once more what the mail server refused to do with the mail."""
    try:
        backend().run(failed_actions.retry_one(backend(), mail_id, who=who()))
    except Problem as problem:
        if problem.status != 409:
            raise
        return told(f"/mails/{mail_id}", "nothing-to-retry")
    return told(f"/mails/{mail_id}", "action-retried")


async def _read(services: Backend, here: dict[str, str]) -> tuple[Page[MailSummary], list[MailboxView]]:
    outcome = here.get("outcome")
    wanted = MailFilter(
        mailbox_id=here.get("mailbox_id"),
        run_id=here.get("run_id"),
        outcome=Outcome(outcome) if outcome in words.OUTCOMES else None,
        reason=here.get("reason"),
        q=here.get("q"),
    )
    return await asyncio.gather(
        mails.find(services.database, wanted, limit=PAGE_SIZE, cursor=here.get("cursor")),
        store.all(services),
    )
