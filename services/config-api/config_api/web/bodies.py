"""What requests of the API carry, beside the filters of the lists."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, JsonValue, RootModel, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from config_api.access.scopes import Scope
from config_api.access.tokens import TokenName
from config_api.activity.queries import IMAP, ActivityFilter, EntryFilter, RunFilter
from config_api.dead_letters.queries import LetterFilter
from config_api.mailboxes.model import MailboxInput
from config_api.mails.queries import MailFilter
from config_api.reports.queries import RecordFilter, ReportFilter, Sort
from config_api.web.absence import Maybe
from config_api.web.export import Format
from config_api.web.paging import PageQuery
from config_api.web.problem import FieldError, Problem, invalid
from config_api.web.shapes import Text
from pipeline.contracts.events import Level


class Nothing(BaseModel):
    """No fields."""

    model_config = ConfigDict(extra="forbid")


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


class BackfillWish(BaseModel):
    """Which mails are to be read anew."""

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


class LogQuery(PageQuery, ActivityFilter):
    """Lines of the IMAP log, if nothing else is asked for."""

    source: Maybe[Text] = Field(IMAP, description="imap (the connection log) or settings (who changed what).")


class EntryQuery(PageQuery, EntryFilter):
    """Entries of the activity log."""


class RunQuery(PageQuery, RunFilter):
    """Fetch runs."""


class MailQuery(PageQuery, MailFilter):
    """Mails of the ledger."""


class ReportQuery(PageQuery, ReportFilter):
    """Reports. With `format` all that match come as one file, whatever the limit."""

    sort: Sort = Sort.BEGIN_FALLING
    format: Maybe[Format] = None


class RecordQuery(PageQuery, RecordFilter):
    """Rows of a report. With `format` all that match come as one file, whatever the limit."""

    format: Maybe[Format] = None


class LetterQuery(PageQuery, LetterFilter):
    """Dead letters."""


class StreamQuery(BaseModel):
    """What a live view wants to hear."""

    model_config = ConfigDict(extra="forbid")

    mailbox_id: Maybe[str] = None
    source: Maybe[str] = None
    level: Maybe[Level] = None


class TokenWish(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")

    name: TokenName
    scope: Scope


class PasswordWish(BaseModel):
    """A password to sign in with; null removes it."""

    model_config = ConfigDict(extra="forbid")

    current: SecretStr = Field(description="The present password, or the admin token.")
    password: SecretStr | None
