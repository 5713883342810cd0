"""The generated parts of the documentation, from the declarations themselves: `python -m pipeline.reference docs`"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipeline import asyncapi
from pipeline.contracts.events import EVENT_TYPES
from pipeline.contracts.limits import KiB, Limits, MiB
from pipeline.contracts.mail_events import Event
from pipeline.contracts.mailbox import (
    AttachmentRules,
    Filters,
    MailAction,
    MailboxSecrets,
    MailboxSettings,
)
from pipeline.contracts.oauth import OAuthSettings
from pipeline.contracts.proxy import ProxySettings
from pipeline.contracts.reasons import Reason
from pipeline.contracts.setting import Widget, setting_of
from pipeline.contracts.topology import DAY, STREAMS
from pipeline.contracts.vocabulary import Word
from pipeline.notifications.webhook import webhook_schema
from pipeline.settings import PREFIX, documented

_BLOCK = re.compile(r"(<!-- generated: ([a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """The page with its marked blocks again. Raises KeyError for a block nobody knows."""
    return _BLOCK.sub(lambda match: f"{match[1]}\n{blocks[match[2]]}\n{match[3]}", page)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with these columns."""
    lines = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """The text as code."""
    return f"`{text}`"


def glossary(title: str, words: Iterable[Word]) -> str:
    """A vocabulary as a table: each word and what it means."""
    return table((title, "Meaning"), [(code(word.value), word.text) for word in words])


PAGES = ("bus.md", "configuration.md", "events.md")
SCHEMAS = "schemas"
WEBHOOK_SCHEMA = "webhook.schema.json"
ASYNCAPI = "asyncapi.yaml"


def blocks() -> dict[str, str]:
    """Every generated block by its name, in Markdown."""
    bounds = {PREFIX + name.upper() for name in Limits.model_fields}
    rows = [(code(variable), _default(default), meaning) for variable, default, meaning in documented()]
    header = ("Variable", "Default", "Meaning")
    return {
        "environment": table(header, [row for row in rows if row[0].strip("`") not in bounds]),
        "limits": table(header, [row for row in rows if row[0].strip("`") in bounds]),
        "mailbox": _settings(MailboxSettings),
        "filters": _settings(Filters),
        "attachments": _settings(AttachmentRules),
        "action": _settings(MailAction),
        "oauth": _settings(OAuthSettings),
        "proxy": _settings(ProxySettings),
        "secrets": _settings(MailboxSecrets),
        "streams": _streams(),
        "channels": _channels(),
        "headers": _headers(),
        "events": "\n\n".join(_event(kind) for kind in EVENT_TYPES.values()),
        "reasons": glossary("Reason", Reason),
    }


def event_schemas() -> dict[str, str]:
    """The JSON Schema of each event for third parties, by the name of its file: its type and version."""
    return {
        _schema_name(kind): json.dumps(asyncapi.schema_of(kind), indent=2) + "\n" for kind in asyncapi.public_events()
    }


def asyncapi_document() -> str:
    """The AsyncAPI document as YAML."""
    import yaml  # only the documentation needs it; services do not

    plain = json.loads(json.dumps(asyncapi.document()))  # no part in two places: readers need no anchors
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)
    return text


def _settings(model: type[BaseModel]) -> str:
    rows = [
        (
            code(name),
            field.title or "",
            "*needed*" if field.is_required() else _default(field.default),
            _meaning(field),
        )
        for name, field in model.model_fields.items()
    ]
    return table(("Field", "Name", "Default", "Meaning"), rows)


def _meaning(field: FieldInfo) -> str:
    setting = setting_of(field)
    if setting is None:
        return field.description or ""
    unit = {Widget.SIZE: "In bytes; on the page in MB."}.get(setting.widget, "")
    choices = "; ".join(f"{code(value)}: {text}" for value, text in setting.choices.items())
    return " ".join(filter(None, (field.description, unit, f"{choices}." if choices else "")))


def _streams() -> str:
    rows = [
        (
            stream.name,
            ", ".join(map(code, stream.subjects)),
            f"{stream.max_age / DAY:g} days" if stream.max_age else "until done",
            _size(stream.max_bytes),
            "new events wait" if stream.refuse_when_full else "the oldest go",
        )
        for stream in STREAMS
    ]
    return table(("Stream", "Subjects", "Kept", "At most", "When full"), rows)


def _channels() -> str:
    rows = [
        (
            code(kind.address),
            " ".join((kind.__doc__ or "").split()),
            asyncapi.stream_of(kind),
            f"[{_schema_name(kind)}]({SCHEMAS}/{_schema_name(kind)})",
        )
        for kind in asyncapi.public_events()
    ]
    return table(("Subject", "What happened", "Stream", "Payload"), rows)


def _headers() -> str:
    described = asyncapi.HEADERS
    needed = described["required"]
    rows = [
        (code(name), "always" if name in needed else "where known", each.get("description", ""))
        for name, each in described["properties"].items()
    ]
    return table(("Header", "Sent", "Meaning"), rows)


def _schema_name(kind: type[Event]) -> str:
    return f"{kind.type}.v{kind.model_fields['v'].default}.json"


def _event(kind: type[Event]) -> str:
    rows = [(code(name), _type(field), field.description or "") for name, field in kind.model_fields.items()]
    columns = 3 if any(meaning for _, _, meaning in rows) else 2
    fields = table(("Field", "Type", "Meaning")[:columns], [row[:columns] for row in rows])
    return f"### `{kind.type}`\n\n{' '.join((kind.__doc__ or '').split())}\n\n{fields}"


def _type(field: FieldInfo) -> str:
    name = field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
    return code(re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", name))


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value is PydanticUndefined or value == "":
        return ""
    if str(value) in {"True", "False"}:
        return code(str(value).lower())
    if isinstance(value, BaseModel):
        changed = value.model_dump(exclude_defaults=True, mode="json")
        return code(json.dumps(changed)) if changed else "as below"
    if isinstance(value, tuple):
        return code(json.dumps([item.value if isinstance(item, Enum) else item for item in value]))
    return code(str(value.value if isinstance(value, Enum) else value))


def _size(count: int) -> str:
    return f"{count // MiB} MiB" if count >= MiB else f"{count // KiB} KiB"


def main() -> int:
    """Writes the generated parts into the pages of a directory."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.reference", description=main.__doc__)
    parser.add_argument("directory", type=Path, help="the documentation: docs")
    directory: Path = parser.parse_args().directory
    for name in PAGES:
        page = directory / name
        page.write_text(filled(page.read_text(encoding="utf-8"), blocks()), encoding="utf-8")
    (directory / SCHEMAS).mkdir(exist_ok=True)
    for name, text in event_schemas().items():
        (directory / SCHEMAS / name).write_text(text, encoding="utf-8")
    (directory / WEBHOOK_SCHEMA).write_text(json.dumps(webhook_schema(), indent=2) + "\n", encoding="utf-8")
    (directory / ASYNCAPI).write_text(asyncapi_document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
