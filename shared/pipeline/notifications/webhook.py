"""What a webhook is sent: its body, and the headers that prove who sent it (the Standard Webhooks specification 1.0).

`webhook-id` is the key of the sending: the same one with each retry. `webhook-timestamp` is the time of this attempt,
in UTC epoch seconds. `webhook-signature` is `v1,` and, in base64, the HMAC-SHA256 over `{id}.{timestamp}.{body}`
under the bytes behind `whsec_` of the channel's signing key.
"""

import secrets
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha256
from hmac import new as hmac
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pipeline.notifications.rules import Urgency

KEY_PREFIX = "whsec_"
KEY_BYTES = 32


class AlertBody(BaseModel):
    """An alert as others are told of it."""

    model_config = ConfigDict(frozen=True)

    id: int = Field(description="Its number in the API.")
    rule: str = Field(description="The code of its rule.")
    subject: str = Field(description="What it is about: a source, a domain, a mailbox, a reason.")
    domain: str | None = Field(None, description="The policy domain, where it is about one.")
    urgency: Urgency = Field(description="`info`, `warning` or `critical`.")
    title: str = Field(description="One line.")
    detail: str = Field(description="What was found, with figures.")
    count: int = Field(description="How much was found, in the unit of the rule.")
    link: str = Field(description="The page with the evidence.")
    opened_at: datetime = Field(description="When it was found first.")
    resolved_at: datetime | None = Field(None, description="Since when it no longer holds.")


class WebhookBody(BaseModel):
    """The JSON body of every webhook. New fields may come; those that are here keep their meaning."""

    model_config = ConfigDict(frozen=True)

    v: int = 1
    id: str = Field(description="The same for every repeat of the same sending; also the header `webhook-id`.")
    type: Literal["alert", "resolved", "digest", "report", "test"] = Field(description="Which other field is filled.")
    alert: AlertBody | None = Field(None, description="Of the types `alert` and `resolved`.")
    report: dict[str, JsonValue] | None = Field(None, description="A `report.stored` event without its rows.")
    digest: dict[str, JsonValue] | None = Field(None, description="The figures of a digest.")
    text: str = Field("", description="The same for people, as plain text.")


def new_signing_key() -> str:
    """A signing key in the form of the specification."""
    return KEY_PREFIX + b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_bytes(signing_key: str) -> bytes:
    """The bytes of a signing key. Raises ValueError for another form, or for less than 24 bytes."""
    try:
        found = b64decode(signing_key.removeprefix(KEY_PREFIX), validate=True)
    except ValueError:
        found = b""
    if not signing_key.startswith(KEY_PREFIX) or not 24 <= len(found) <= 64:
        raise ValueError("should be whsec_ and 24 to 64 bytes in base64; leave it out to have one made")
    return found


def signature_headers(signing_key: str, body: bytes, *, key: str, at: int) -> dict[str, str]:
    """The three headers of an attempt at this time (UTC epoch seconds)."""
    signed = b".".join((key.encode(), str(at).encode(), body))
    signature = b64encode(hmac(key_bytes(signing_key), signed, sha256).digest()).decode()
    return {"webhook-id": key, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}


def webhook_schema() -> dict[str, Any]:
    """The JSON Schema of the body."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | WebhookBody.model_json_schema(
        mode="serialization"
    )
