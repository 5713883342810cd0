"""The generated parts of the documentation, from the declarations themselves: `python -m pipeline.reference docs`

A page holds marked blocks, `<!-- generated: name -->` to `<!-- end -->`; what is between them is written by this module
and everything else by people.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipeline.events import EVENT_TYPES, Event, ReportStored
from pipeline.limits import KiB, Limits, MiB
from pipeline.mailbox import AttachmentRules, Filters, MailAction, MailboxSecrets, MailboxSettings
from pipeline.oauth import OAuthSettings
from pipeline.proxy import ProxySettings
from pipeline.reasons import Reason
from pipeline.settings import PREFIX, documented
from pipeline.topology import DAY, STREAMS

PAGES = ("configuration.md", "events.md")
SCHEMA = "report_stored.schema.json"
_BLOCK = re.compile(r"(<!-- generated: ([a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """The page with its marked blocks as the declarations say now. Raises KeyError for a block nobody knows."""
    made = blocks()
    return _BLOCK.sub(lambda match: f"{match[1]}\n{made[match[2]]}\n{match[3]}", page)


def blocks() -> dict[str, str]:
    """Every generated block by its name, in Markdown."""
    bounds = {PREFIX + name.upper() for name in Limits.model_fields}
    rows = [(_code(variable), _default(default), meaning) for variable, default, meaning in documented()]
    header = ("Variable", "Default", "Meaning")
    return {
        "environment": _table(header, [row for row in rows if row[0].strip("`") not in bounds]),
        "limits": _table(header, [row for row in rows if row[0].strip("`") in bounds]),
        "mailbox": _settings(MailboxSettings),
        "filters": _settings(Filters),
        "attachments": _settings(AttachmentRules),
        "action": _settings(MailAction),
        "oauth": _settings(OAuthSettings),
        "proxy": _settings(ProxySettings),
        "secrets": _settings(MailboxSecrets),
        "streams": _streams(),
        "events": "\n\n".join(_event(kind) for kind in EVENT_TYPES.values()),
        "reasons": _table(("Reason", "Meaning"), [(_code(reason.value), reason.text) for reason in Reason]),
    }


def report_schema() -> str:
    """The JSON Schema of what third parties get on `report.stored.*.*`."""
    schema = ReportStored.model_json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema, indent=2) + "\n"


def _settings(model: type[BaseModel]) -> str:
    rows = [
        (_code(name), "*needed*" if field.is_required() else _default(field.default), field.description or "")
        for name, field in model.model_fields.items()
    ]
    return _table(("Field", "Default", "Meaning"), rows)


def _streams() -> str:
    rows = [
        (
            stream.name,
            ", ".join(map(_code, stream.subjects)),
            f"{stream.max_age / DAY:g} days" if stream.max_age else "until done",
            _size(stream.max_bytes),
            "new events wait" if stream.refuse_when_full else "the oldest go",
        )
        for stream in STREAMS
    ]
    return _table(("Stream", "Subjects", "Kept", "At most", "When full"), rows)


def _event(kind: type[Event]) -> str:
    rows = [(_code(name), _type(field), field.description or "") for name, field in kind.model_fields.items()]
    about = " ".join((kind.__doc__ or "").split())
    return f"### `{kind.type}`\n\n{about}\n\n{_table(('Field', 'Type', 'Meaning'), rows)}"


def _type(field: FieldInfo) -> str:
    name = field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
    return _code(re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", name))


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value is PydanticUndefined or value == "":
        return ""
    if isinstance(value, BaseModel):
        changed = value.model_dump(exclude_defaults=True, mode="json")
        return _code(json.dumps(changed)) if changed else "as below"
    if isinstance(value, tuple):
        return _code(json.dumps([item.value if isinstance(item, Enum) else item for item in value]))
    return _code(str(value.value if isinstance(value, Enum) else value))


def _size(count: int) -> str:
    return f"{count // MiB} MiB" if count >= MiB else f"{count // KiB} KiB"


def _code(text: str) -> str:
    return f"`{text}`"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Writes the generated parts into the pages of a directory."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.reference", description=main.__doc__)
    parser.add_argument("directory", type=Path, help="the documentation: docs")
    directory: Path = parser.parse_args().directory
    for name in PAGES:
        page = directory / name
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    (directory / SCHEMA).write_text(report_schema(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
