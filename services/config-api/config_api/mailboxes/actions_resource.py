"""What one does to a mailbox beside changing it."""

from typing import Any

from flask import Blueprint, request
from pydantic import BaseModel

from config_api.access import guard, who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.mailboxes import actions, checks, failed_actions, store, switch
from config_api.mailboxes.bodies import BackfillRequest, MailboxPatch
from config_api.mailboxes.model import MailboxInput, MailboxView
from config_api.mailboxes.resource import etag
from config_api.mailboxes.switch import ImapSwitch
from config_api.web.contract import PREFIX, operation
from config_api.web.problem import Problem
from pipeline.contracts.connection_test import ConnectionTest
from pipeline.secrets import BadSecretKey

routes = Blueprint("api_mailbox_actions", __name__, url_prefix=f"{PREFIX}/mailboxes")

TEST_TIMEOUT = checks.TIMEOUT + 5  # seconds


class Accepted(BaseModel):
    """It was asked for; the activity log tells how it went."""

    text: str


class Rotated(BaseModel):
    """How many secrets are kept under the first key now."""

    mailboxes: int


@routes.post("/rotate-secrets")
@operation(Scope.ADMIN, gives=Rotated, fails=(409,))
async def rotate_secrets() -> Rotated:
    """Encrypt every mailbox password again, under the first key of DMARQ_SECRET_KEY."""
    try:
        return Rotated(mailboxes=await store.rotate(backend()))
    except BadSecretKey as error:
        raise Problem(409, "A key is missing", str(error)) from None


@routes.post("/test")
@operation(Scope.ADMIN, gives=ConnectionTest, fails=(415,))
def test_unsaved_mailbox(json: MailboxInput) -> ConnectionTest:
    """Try settings that are not saved. Nothing is changed, neither here nor in the mailbox."""
    back = backend()
    return back.run(checks.try_unsaved(back, json, who=who()), timeout=TEST_TIMEOUT)


@routes.post("/<mailbox_id>/test")
@operation(Scope.OPERATE, gives=ConnectionTest, fails=(404, 409, 415))
def test_mailbox(mailbox_id: str, json: MailboxPatch) -> ConnectionTest:
    """Try a mailbox, with changed fields perhaps (those need the scope admin).

    A saved password is never sent to another server, port or user than it was saved for.
    """
    if request.get_data() and json.root:
        guard.require(Scope.ADMIN)
    back = backend()
    return back.run(checks.try_saved(back, mailbox_id, json.root, who=who()), timeout=TEST_TIMEOUT)


@routes.post("/pause")
@operation(Scope.OPERATE, gives=ImapSwitch)
def pause_all_mailboxes() -> ImapSwitch:
    """Pause all mailboxes at once; each keeps its own switch for later."""
    back = backend()
    return back.run(switch.turn(back, on=False, who=who()))


@routes.post("/resume")
@operation(Scope.OPERATE, gives=ImapSwitch)
def resume_all_mailboxes() -> ImapSwitch:
    """Fetch again; mailboxes that are paused by themselves stay paused."""
    back = backend()
    return back.run(switch.turn(back, on=True, who=who()))


@routes.post("/<mailbox_id>/fetch")
@operation(Scope.OPERATE, gives=Accepted, status=202, fails=(404, 409))
def fetch_mailbox(mailbox_id: str) -> Any:
    """Fetch now."""
    back = backend()
    back.run(actions.fetch_now(back, mailbox_id, who=who()))
    return Accepted(text="The fetcher looks into the mailbox now."), 202, {}


@routes.post("/<mailbox_id>/backfill")
@operation(Scope.OPERATE, gives=Accepted, status=202, fails=(404, 409, 415))
def backfill_mailbox(mailbox_id: str, json: BackfillRequest) -> Any:
    """Read the folder again, within the filters and behind new mails. Mails that are known are not stored again."""
    back = backend()
    back.run(actions.backfill(back, mailbox_id, since=json.since, who=who()))
    return Accepted(text="The fetcher reads the folder again, behind mails that are new."), 202, {}


@routes.post("/<mailbox_id>/pause")
@operation(Scope.OPERATE, gives=MailboxView, fails=(404,))
def pause_mailbox(mailbox_id: str) -> Any:
    """Leave the mailbox alone; a fetch that runs ends after what it has in hand."""
    back = backend()
    paused = back.run(actions.pause(back, mailbox_id, who=who()))
    return paused, 200, etag(paused)


@routes.post("/<mailbox_id>/resume")
@operation(Scope.OPERATE, gives=MailboxView, fails=(404,))
def resume_mailbox(mailbox_id: str) -> Any:
    """Fetch the mailbox again."""
    back = backend()
    resumed = back.run(actions.resume(back, mailbox_id, who=who()))
    return resumed, 200, etag(resumed)


@routes.post("/<mailbox_id>/retry-actions")
@operation(Scope.OPERATE, gives=Accepted, status=202, fails=(404,))
def retry_actions(mailbox_id: str) -> Any:
    """Try once more to mark, move or delete all mails where the mail server refused it; 5,000 at a time."""
    back = backend()
    retried = back.run(failed_actions.retry_all(back, mailbox_id, who=who()))
    return Accepted(text=f"Failed actions that are tried again: {retried}."), 202, {}
