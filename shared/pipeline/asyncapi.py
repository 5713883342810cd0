"""What third parties may subscribe to, as an AsyncAPI 3 document and JSON Schemas, made from the events; pure."""

import re
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pipeline.contracts.events import EVENT_TYPES
from pipeline.contracts.mail_events import Event
from pipeline.contracts.trace import PUBLIC

SCHEMAS = "#/components/schemas/{model}"
PARAMETERS = {
    "kind": {"description": "The kind of report.", "enum": ["aggregate", "tls", "failure"]},
    "domain": {"description": "The policy domain, its dots as underscores: `example_com`."},
    "mailbox": {"description": "The id of the mailbox."},
}
HEADERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "Nats-Msg-Id": {"type": "string", "description": "The event's key: the same fact, the same key."},
        "Dmarq-Type": {"type": "string", "description": "The event's type."},
        "Dmarq-Mail-Id": {"type": "string", "description": "The email it is about, or several with commas."},
        "ce-specversion": {"type": "string", "const": "1.0", "description": "CloudEvents 1.0, binary mode."},
        "ce-id": {"type": "string", "description": "The same as `Nats-Msg-Id`."},
        "ce-source": {"type": "string", "description": "`/dmarq`."},
        "ce-type": {"type": "string", "description": "`dmarq.<type>.v<version>`."},
        "ce-subject": {"type": "string", "description": "The subject it was published on."},
        "ce-time": {"type": "string", "format": "date-time", "description": "When it happened (RFC 3339)."},
        "ce-datacontenttype": {"type": "string", "const": "application/json", "description": "What the payload is."},
        "traceparent": {
            "type": "string",
            "description": "W3C Trace Context; the trace id is the email's id, where it is about one.",
        },
    },
    "required": ["Nats-Msg-Id", "Dmarq-Type", "ce-specversion", "ce-id", "ce-source", "ce-type", "traceparent"],
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def public_events() -> list[type[Event]]:
    """The events that third parties may subscribe to."""
    return [kind for kind in EVENT_TYPES.values() if kind.address.startswith(PUBLIC)]


def schema_of(kind: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's payload."""
    return {"$schema": DIALECT, **kind.model_json_schema(mode="serialization")}


def document() -> dict[str, Any]:
    """The document, from the application's side: it sends, others receive."""
    events = public_events()
    models: list[tuple[type[BaseModel], Any]] = [(kind, "serialization") for kind in events]
    _, schemas = models_json_schema(models, ref_template=SCHEMAS)
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "DMARQ events",
            "version": version("dmarq-pipeline"),
            "description": (
                "Stored reports and what happens to the emails they came in, on NATS JetStream. Events are delivered "
                "at least once: a repeat has the same `Nats-Msg-Id`. Fields and words of enumerations may be added: "
                "ignore those you do not know. docs/bus.md says what else is promised."
            ),
            "license": {"name": "GPL-3.0-or-later"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "nats": {"host": "localhost:4222", "protocol": "nats", "description": "Yours, see DMARQ_NATS_URL."}
        },
        "channels": {kind.type: _channel(kind) for kind in events},
        "operations": {
            f"send_{kind.type}": {
                "action": "send",
                "summary": _summary(kind),
                "channel": {"$ref": f"#/channels/{kind.type}"},
            }
            for kind in events
        },
        "components": {
            "messages": {kind.type: _message(kind) for kind in events},
            "schemas": {"Headers": HEADERS, **schemas["$defs"]},
        },
    }


def stream_of(kind: type[Event]) -> str:
    """The stream that keeps a public event."""
    return "REPORT" if kind.address.startswith("report.") else "EVENT"


def _channel(kind: type[Event]) -> dict[str, Any]:
    return {
        "address": kind.address,
        "description": f"Kept in the stream {stream_of(kind)}.",
        "parameters": {name: PARAMETERS[name] for name in re.findall(r"{(\w+)}", kind.address)},
        "messages": {kind.type: {"$ref": f"#/components/messages/{kind.type}"}},
    }


def _message(kind: type[Event]) -> dict[str, Any]:
    return {
        "name": kind.type,
        "title": _summary(kind),
        "summary": " ".join((kind.__doc__ or "").split()),
        "headers": {"$ref": SCHEMAS.format(model="Headers")},
        "payload": {"$ref": SCHEMAS.format(model=kind.__name__)},
    }


def _summary(kind: type[Event]) -> str:
    return (kind.__doc__ or "").split(".")[0].split(":")[0].strip()
