"""Mailboxes: settings in, everything but secrets out."""

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from config_api.access import who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.mailboxes import store, switch
from config_api.mailboxes.bodies import IfMatch, MailboxPatch
from config_api.mailboxes.model import MailboxInput, MailboxView
from config_api.web.contract import PREFIX, operation

routes = Blueprint("api_mailboxes", __name__, url_prefix=f"{PREFIX}/mailboxes")

ETAG = {"ETag": "The version; send it back as If-Match."}


class MailboxList(BaseModel):
    """Every mailbox, by name."""

    items: list[MailboxView]
    enabled: bool = Field(title="Enable IMAP", description="False while one switch pauses all mailboxes.")


@routes.get("")
@operation(Scope.READ, gives=MailboxList)
def list_mailboxes() -> MailboxList:
    """Every mailbox."""
    back = backend()
    return MailboxList(items=back.run(store.all(back)), enabled=back.run(switch.is_on(back)))


@routes.post("")
@operation(Scope.ADMIN, gives=MailboxView, status=201, fails=(409, 415), headers=ETAG)
def create_mailbox(json: MailboxInput) -> Any:
    """Add a mailbox. Fetchers hear of it within a second."""
    back = backend()
    made = back.run(store.create(back, json, who=who()))
    return made, 201, {**etag(made), "Location": f"{PREFIX}/mailboxes/{made.id}"}


@routes.get("/<mailbox_id>")
@operation(Scope.READ, gives=MailboxView, fails=(404,), headers=ETAG)
def get_mailbox(mailbox_id: str) -> Any:
    """One mailbox."""
    back = backend()
    found = back.run(store.get(back, mailbox_id))
    return found, 200, etag(found)


@routes.patch("/<mailbox_id>")
@operation(Scope.ADMIN, gives=MailboxView, fails=(404, 412, 415, 428), headers=ETAG)
def change_mailbox(mailbox_id: str, headers: IfMatch, json: MailboxPatch) -> Any:
    """Change some settings of a mailbox.

    A saved password is kept only for the server, port and user it was saved for: change one of them, or how the
    connection is protected, and the password is needed again.
    """
    back = backend()
    found = back.run(store.change(back, mailbox_id, json.root, if_version=headers.version, who=who()))
    return found, 200, etag(found)


@routes.delete("/<mailbox_id>")
@operation(Scope.ADMIN, status=204, fails=(404, 412, 428))
def delete_mailbox(mailbox_id: str, headers: IfMatch) -> Response:
    """Remove a mailbox. Its mails and reports stay."""
    back = backend()
    back.run(store.remove(back, mailbox_id, if_version=headers.version, who=who()))
    return Response(status=204)


def etag(mailbox: MailboxView) -> dict[str, str]:
    """The header that tells the version."""
    return {"ETag": f'"{mailbox.version}"'}
