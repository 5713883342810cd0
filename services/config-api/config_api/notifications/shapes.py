"""Channels, rules, alerts and mutes as they are sent and shown: secrets go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, JsonValue, RootModel, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from config_api.web.absence import Maybe
from config_api.web.paging import PageQuery
from config_api.web.shapes import Filter, Moment, Row, Text
from pipeline.notifications.channels import ChannelId, ChannelSecrets, ChannelSettings
from pipeline.notifications.rules import Rule, RuleSettings, Urgency

Secret = Annotated[SecretStr, Field(max_length=4000)]


class ChannelInput(ChannelSettings):
    """A channel with its secrets. Without an `id` one is made from the name; it stays for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Maybe[ChannelId] = None
    url: Secret | None = Field(
        None, description="Of a webhook, or of a service as apprise writes it; never shown again."
    )
    password: Secret | None = Field(None, description="For SMTP; never shown again.")
    signing_key: Secret | None = Field(
        None, description="whsec_ and base64: signs what a webhook gets. Left out, one is made, and shown this once."
    )
    destination: Literal[""] = Field("", description="Follows from the URL; leave it out.")

    @property
    def settings(self) -> ChannelSettings:
        """The part that may be shown."""
        return ChannelSettings.model_validate(self.model_dump(include=set(ChannelSettings.model_fields)))

    @property
    def secrets(self) -> ChannelSecrets:
        """The part that may not."""
        return ChannelSecrets(url=self.url, password=self.password, signing_key=self.signing_key)


class ChannelPatch(RootModel[dict[str, JsonValue]]):
    """The fields to change (a JSON merge patch, RFC 7396): others stay, null goes back to the default."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = handler.resolve_ref_schema(handler(ChannelInput.__pydantic_core_schema__))
        fields: dict[str, Any] = {name: schema for name, schema in whole["properties"].items() if name != "id"}
        return {
            "title": cls.__name__,
            "description": cls.__doc__,
            "type": "object",
            "properties": fields,
            "additionalProperties": False,
        }


class ChannelView(ChannelSettings):
    """A channel with everything but its secrets, and how its sendings go."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    saved_secrets: list[str] = Field(description="Names of the secrets that are saved; their values never come out.")
    created_at: datetime
    updated_at: datetime
    last_sent_at: datetime | None = None
    waiting: int = Field(0, description="What waits to be sent.")
    dead: int = Field(0, description="What was given up after a day of failures.")
    last_error: str = Field(
        "", description="What the other side said to the last failed attempt, while it is not over."
    )


class NewChannel(ChannelView):
    """A channel as it was made; `signing_key` only where one was made for it: it is shown now and never again."""

    signing_key: str | None = None


class ChannelList(BaseModel):
    """Every channel, by name."""

    items: list[ChannelView]


class RuleView(RuleSettings):
    """A rule, its settings, and what its threshold counts."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule: Rule
    title: str
    unit: str
    is_default: bool = Field(description="Whether nobody changed it.")


class RuleList(BaseModel):
    """Every rule."""

    items: list[RuleView]


class RulePatch(RootModel[dict[str, JsonValue]]):
    """The fields to change (a JSON merge patch, RFC 7396): others stay, null goes back to the default."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = handler.resolve_ref_schema(handler(RuleSettings.__pydantic_core_schema__))
        return {
            "title": cls.__name__,
            "description": cls.__doc__,
            "type": "object",
            "properties": whole["properties"],
            "additionalProperties": False,
        }


class DeliveryView(Row):
    """To whom an alert went, and how that ended."""

    id: int
    channel_id: str
    kind: str = Field(description="alert, resolved, digest or report.")
    title: str = Field(description="Of the alert or the digest; of a report its id.")
    state: str = Field(description="waiting, sending, sent, dead or dropped.")
    attempts: int
    due_at: datetime
    sent_at: datetime | None
    detail: str


class AlertView(Row):
    """What was found, why, and who was told."""

    id: int
    rule: str
    title: str
    detail: str
    subject: str
    domain: str | None
    urgency: Urgency
    count: int = Field(description="In the unit of the rule.")
    link: str = Field(description="The page with the evidence, a path.")
    muted: bool
    opened_at: datetime
    last_at: datetime = Field(description="When it was last found.")
    resolved_at: datetime | None
    deliveries: list[DeliveryView]


class AlertFilter(Filter):
    """Which alerts."""

    state: Maybe[Literal["open", "resolved"]] = None
    rule: Maybe[Rule] = None


class AlertQuery(PageQuery, AlertFilter):
    """Alerts, the newest first."""


class DeliveryQuery(PageQuery, Filter):
    """Sendings, the newest first."""

    state: Maybe[Literal["waiting", "sending", "sent", "dead", "dropped"]] = None
    channel_id: Maybe[Text] = None


class MuteInput(BaseModel):
    """What is not to be told: a rule, a subject (a source, a domain, a mailbox, a reason), or one rule about one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Maybe[Rule] = None
    subject: Maybe[Annotated[Text, Field(min_length=1)]] = None
    until: Moment | None = Field(None, description="When it ends; left out: never.")


class MuteView(Row):
    """A mute, and who made it."""

    id: int
    rule: str | None
    subject: str | None
    until: datetime | None
    who: str
    created_at: datetime


class MuteList(BaseModel):
    """Every mute that holds."""

    items: list[MuteView]
