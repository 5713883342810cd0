"""Settings in words: how a value reads, and what differs between two versions. Secrets are never shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.contracts.limits import MiB
from pipeline.contracts.mailbox_settings import SETTING_FIELDS, MailboxSecrets
from pipeline.contracts.setting import Setting, SettingField, Widget
from pipeline.counting import plural

EMPTY = "nothing"
MAX_LENGTH = 120  # characters of a value; the rest is on the form

Values = Mapping[str, Any]

_SHOWN = frozenset(field.path for field in SETTING_FIELDS)
_UNSHOWN = tuple(
    SettingField(name, info, Setting(widget=Widget.SECRET))
    for name, info in MailboxSecrets.model_fields.items()
    if name not in _SHOWN
)


@dataclass(frozen=True, slots=True)
class Change:
    """A setting by path and name; the values in words are empty where they may not be shown."""

    path: str
    name: str
    before: str = ""
    after: str = ""

    @property
    def text(self) -> str:
        """Such as "Folder from “INBOX” to “Reports”"."""
        return f"{self.name} from {self.before} to {self.after}" if self.before else self.name


def differing(before: Values, after: Values) -> list[Change]:
    """What differs, in the order of the form. Either may lack fields: what both lack is the same."""
    found = []
    for field in (*SETTING_FIELDS, *_UNSHOWN):
        old, new = worded(field, value_at(before, field.path)), worded(field, value_at(after, field.path))
        if old == new:
            continue
        shown = field.setting.widget not in (Widget.SECRET, Widget.AREA)
        found.append(Change(field.path, field.title, *(map(_bounded, (old, new)) if shown else ())))
    return found


def value_at(values: Values, path: str) -> Any:
    """What is at a path ("filters.senders"); None where nothing is."""
    first, _, rest = path.partition(".")
    found = values.get(first)
    if not rest:
        return found
    return value_at(found, rest) if isinstance(found, Mapping) else None


def worded(field: SettingField, value: Any) -> str:
    """A value as people read it: “Reports”, 60 minutes, 10 MB, on, ZIP archives."""
    if field.setting.widget is Widget.SECRET:
        return str(getattr(value, "get_secret_value", lambda: value)())  # to compare, never to show
    if value in (None, "", [], ()):
        return EMPTY
    if isinstance(value, bool):
        return "on" if value else "off"
    if field.setting.widget is Widget.SIZE:
        return f"{megabytes(value)} MB"
    if field.setting.widget is Widget.ACTION:
        return _action(field, value)
    if isinstance(value, list | tuple):
        return ", ".join(_choice(field, each) for each in value)
    return _choice(field, value)


def megabytes(value: object) -> object:
    """Bytes as the form shows them; what was no number is shown as it was typed."""
    return f"{value / MiB:.6g}" if isinstance(value, int | float) else value


def _action(field: SettingField, value: Values) -> str:
    folder = value.get("folder")
    text = _choice(field, value.get("action", "none"))
    return f"{text} “{folder}”" if folder else text


def _choice(field: SettingField, value: Any) -> str:
    known = field.setting.choices.get(str(value))
    if known is not None:
        return known
    if field.setting.widget is Widget.NUMBER:
        return _amount(value, field.setting.unit)
    return f"“{value}”"


def _amount(value: Any, unit: str) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return f"“{value}”"
    if not unit:
        return f"{number:g}"
    return plural(int(number), unit.removesuffix("s")) if number.is_integer() else f"{number:g} {unit}"


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}…"
