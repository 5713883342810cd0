"""Mailboxes over the API: settings in, everything but secrets out; tests of a connection; fetch, pause and the rest."""

from datetime import date
from typing import Any

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, JsonValue, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from config_api.access import guard, who
from config_api.access.scopes import Scope
from config_api.backend import backend
from config_api.errors import FieldError, VersionMissing, invalid
from config_api.mailboxes import actions, store
from config_api.mailboxes.actions import ImapSwitch
from config_api.mailboxes.model import MailboxInput, MailboxView
from config_api.web.absence import Maybe
from config_api.web.contract import PREFIX, operation
from config_api.web.view import on_loop
from pipeline.contracts.connection_test import ConnectionTest

routes = Blueprint("api_mailboxes", __name__, url_prefix=f"{PREFIX}/mailboxes")

ETAG = {"ETag": "The version; send it back as If-Match."}
TEST_TIMEOUT = actions.TEST_TIMEOUT + 5  # seconds


class MailboxPatch(RootModel[dict[str, JsonValue]]):
    """The fields to change (a JSON merge patch, RFC 7396): others stay, null goes back to the default."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = handler.resolve_ref_schema(handler(MailboxInput.__pydantic_core_schema__))
        fields: dict[str, Any] = {name: schema for name, schema in whole["properties"].items() if name != "id"}
        return {
            "title": cls.__name__,
            "description": cls.__doc__,
            "type": "object",
            "properties": fields,
            "additionalProperties": False,
        }


class BackfillRequest(BaseModel):
    """Which emails are to be read again."""

    model_config = ConfigDict(extra="forbid")

    since: date | None = Field(None, description="Only emails received on this day or later; by default all.")


class IfMatch(BaseModel):
    """Which version of the mailbox is meant."""

    model_config = ConfigDict(extra="ignore")

    if_match: Maybe[str] = Field(
        None, alias="If-Match", description='The ETag that was read ("3"), or * for whatever version there is.'
    )

    @property
    def version(self) -> int | None:
        """The version, None for any. Raises VersionMissing without the header, Invalid for what is no ETag."""
        if self.if_match is None:
            raise VersionMissing("Send If-Match with the ETag you have read, or *.")
        given = self.if_match.strip()
        if given == "*":
            return None
        number = given.removeprefix("W/").strip('"')
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise invalid(FieldError(field="If-Match", text='Send the ETag as it was read, like "3", or *.'))
        return int(number)


class MailboxList(BaseModel):
    """Every mailbox, by name."""

    items: list[MailboxView]
    enabled: bool = Field(title="Enable IMAP", description="False while one switch pauses all mailboxes.")


class Accepted(BaseModel):
    """It was asked for; the activity log tells how it went."""

    text: str


@routes.get("")
@operation(Scope.READ, gives=MailboxList)
async def list_mailboxes() -> MailboxList:
    """Every mailbox."""
    return MailboxList(items=await store.all(backend()), enabled=await actions.is_on(backend()))


@routes.post("")
@operation(Scope.ADMIN, gives=MailboxView, status=201, fails=(409, 415), headers=ETAG)
async def create_mailbox(json: MailboxInput) -> Any:
    """Add a mailbox. Fetchers hear of it within a second."""
    made = await store.create(backend(), json, who=who())
    return made, 201, {**_etag(made), "Location": f"{PREFIX}/mailboxes/{made.id}"}


@routes.get("/<mailbox_id>")
@operation(Scope.READ, gives=MailboxView, fails=(404,), headers=ETAG)
async def get_mailbox(mailbox_id: str) -> Any:
    """One mailbox."""
    found = await store.get(backend(), mailbox_id)
    return found, 200, _etag(found)


@routes.patch("/<mailbox_id>")
@operation(Scope.ADMIN, gives=MailboxView, fails=(404, 412, 415, 428), headers=ETAG)
async def change_mailbox(mailbox_id: str, headers: IfMatch, json: MailboxPatch) -> Any:
    """Change some settings of a mailbox.

    A saved password is kept only for the server, port and user it was saved for: change one of them, or how the
    connection is protected, and the password is needed again.
    """
    found = await store.change(backend(), mailbox_id, json.root, if_version=headers.version, who=who())
    return found, 200, _etag(found)


@routes.delete("/<mailbox_id>")
@operation(Scope.ADMIN, status=204, fails=(404, 412, 428))
async def delete_mailbox(mailbox_id: str, headers: IfMatch) -> Response:
    """Remove a mailbox. Its emails and reports stay."""
    await store.remove(backend(), mailbox_id, if_version=headers.version, who=who())
    return Response(status=204)


@routes.post("/test")
@operation(Scope.ADMIN, gives=ConnectionTest, fails=(415,))
@on_loop(timeout=TEST_TIMEOUT)
async def test_unsaved_mailbox(json: MailboxInput) -> ConnectionTest:
    """Try settings that are not saved. Nothing is changed, neither here nor in the mailbox."""
    return await actions.try_unsaved(backend(), json, who=who())


@routes.post("/<mailbox_id>/test")
@operation(Scope.OPERATE, gives=ConnectionTest, fails=(404, 409, 415))
@on_loop(timeout=TEST_TIMEOUT)
async def test_mailbox(mailbox_id: str, json: MailboxPatch) -> ConnectionTest:
    """Try a mailbox, with changed fields perhaps (those need the scope admin).

    A saved password is never sent to another server, port or user than it was saved for.
    """
    if request.get_data() and json.root:
        guard.require(Scope.ADMIN)
    return await actions.try_saved(backend(), mailbox_id, json.root, who=who())


@routes.post("/pause")
@operation(Scope.OPERATE, gives=ImapSwitch)
async def pause_all_mailboxes() -> ImapSwitch:
    """Pause all mailboxes at once; each keeps its own switch for later."""
    return await actions.turn(backend(), on=False, who=who())


@routes.post("/resume")
@operation(Scope.OPERATE, gives=ImapSwitch)
async def resume_all_mailboxes() -> ImapSwitch:
    """Fetch again; mailboxes that are paused by themselves stay paused."""
    return await actions.turn(backend(), on=True, who=who())


@routes.post("/<mailbox_id>/fetch")
@operation(Scope.OPERATE, gives=Accepted, status=202, fails=(404, 409))
async def fetch_mailbox(mailbox_id: str) -> Any:
    """Fetch now."""
    await actions.fetch_now(backend(), mailbox_id, who=who())
    return Accepted(text="The fetcher looks into the mailbox now."), 202, {}


@routes.post("/<mailbox_id>/backfill")
@operation(Scope.OPERATE, gives=Accepted, status=202, fails=(404, 409, 415))
async def backfill_mailbox(mailbox_id: str, json: BackfillRequest) -> Any:
    """Read the folder again, within the filters and behind new emails. Emails that are known are not stored again."""
    await actions.backfill(backend(), mailbox_id, since=json.since, who=who())
    return Accepted(text="The fetcher reads the folder again, behind emails that are new."), 202, {}


@routes.post("/<mailbox_id>/pause")
@operation(Scope.OPERATE, gives=MailboxView, fails=(404,))
async def pause_mailbox(mailbox_id: str) -> Any:
    """Leave the mailbox alone; a fetch that runs ends after what it has in hand."""
    paused = await actions.pause(backend(), mailbox_id, who=who())
    return paused, 200, _etag(paused)


@routes.post("/<mailbox_id>/resume")
@operation(Scope.OPERATE, gives=MailboxView, fails=(404,))
async def resume_mailbox(mailbox_id: str) -> Any:
    """Fetch the mailbox again."""
    resumed = await actions.resume(backend(), mailbox_id, who=who())
    return resumed, 200, _etag(resumed)


@routes.post("/<mailbox_id>/retry-actions")
@operation(Scope.OPERATE, gives=Accepted, status=202, fails=(404,))
async def retry_actions(mailbox_id: str) -> Any:
    """Try once more to mark, move or delete all emails where the mail server refused it; 5,000 at a time."""
    retried = await actions.retry_all(backend(), mailbox_id, who=who())
    return Accepted(text=f"Failed actions that are tried again: {retried}."), 202, {}


def _etag(mailbox: MailboxView) -> dict[str, str]:
    return {"ETag": f'"{mailbox.version}"'}
