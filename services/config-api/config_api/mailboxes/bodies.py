"""What requests about mailboxes carry beside the settings themselves."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, JsonValue, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from config_api.mailboxes.model import MailboxInput
from config_api.web.absence import Maybe
from config_api.web.problem import FieldError, Problem, invalid


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
    """Which mails are to be read again."""

    model_config = ConfigDict(extra="forbid")

    since: date | None = Field(None, description="Only mails received on this day or later; by default all.")


class IfMatch(BaseModel):
    """Which version of the mailbox is meant."""

    model_config = ConfigDict(extra="ignore")

    if_match: Maybe[str] = Field(
        None, alias="If-Match", description='The ETag that was read ("3"), or * for whatever version there is.'
    )

    @property
    def version(self) -> int | None:
        """The version, None for any. Raises Problem 428 without the header, 422 for one that is no ETag of ours."""
        if self.if_match is None:
            raise Problem(428, "Say which version you mean", "Send If-Match with the ETag you have read, or *.")
        given = self.if_match.strip()
        if given == "*":
            return None
        number = given.removeprefix("W/").strip('"')
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise invalid(FieldError(field="If-Match", text='Send the ETag as it was read, like "3", or *.'))
        return int(number)
