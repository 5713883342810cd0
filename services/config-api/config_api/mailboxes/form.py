"""The settings form of a mailbox: from what a browser sends to what the API takes, and back. Pure.

The controls are those that the settings declare. A control's name is the setting's path in the API ("filters.senders");
lists are one entry a line, a size is in MB, and an order is a place (1, 2, ...) for each of its parts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from werkzeug.datastructures import MultiDict

from config_api.errors import FieldError
from config_api.mailboxes.wording import megabytes, value_at, worded
from pipeline.contracts.limits import MiB
from pipeline.contracts.mailbox_settings import SETTING_FIELDS, MailboxSecrets, MailboxSettings
from pipeline.contracts.server_address import taken_apart
from pipeline.contracts.setting import Section, SettingField, Widget, setting_of

RETYPE = "Type it again: a password is never sent back to a page."
_GROUPS = {name: setting_of(info) for name, info in MailboxSettings.model_fields.items()}
_GIVEN_IF = {name: setting.given_if for name, setting in _GROUPS.items() if setting is not None and setting.given_if}

Form = MultiDict[str, str]
Values = dict[str, Any]


@dataclass(frozen=True)
class MailboxForm:
    """What the page shows: values as the API names them, and what is wrong with them.

    `mailbox_id` is None for a new one; `version` is the one that the values were based on. `saved` names the secrets
    that are stored, `lost` those that were typed and have to be typed again.
    """

    values: Values
    mailbox_id: str | None = None
    version: int | None = None
    saved: Sequence[str] = ()
    lost: Sequence[str] = ()
    errors: Sequence[FieldError] = ()
    folders: Sequence[str] = field(default=())

    def told(self, name: str) -> str:
        """What is wrong with this field or with a part of it."""
        return " ".join(dict.fromkeys(error.text for error in self.errors if _is_about(error, name)))

    def fault(self, name: str) -> str:
        """The same, and that a secret was lost on the way."""
        return " ".join(filter(None, (self.told(name), RETYPE if name in self.lost else "")))

    def value(self, setting: SettingField) -> Any:
        """The value as its control shows it."""
        value = value_at(self.values, setting.path)
        if setting.setting.widget is Widget.SIZE:
            return megabytes(value)
        if setting.setting.widget is Widget.LINES:
            return "\n".join(value or ())
        if setting.setting.widget is Widget.ORDER:
            return in_order(value or (), setting)
        if setting.setting.widget is Widget.ACTION:
            return value or {}
        return f"{value:g}" if isinstance(value, float) else value

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        """The fields that are wrong, each once, in the order of the page."""
        known = [each.path for section in Section for each in fields_of(section)]
        faulty = [path for path in known if any(_is_about(error, path) for error in self.errors)]
        others = [e.field for e in self.errors if not any(_is_about(e, path) for path in known)]
        return tuple(dict.fromkeys([*faulty, *others]))

    @cached_property
    def looked_at(self) -> tuple[Section, ...]:
        """The sections that hold something wrong, or something that is not as it usually is."""
        return tuple(section for section in Section if self._is_used(section))

    @cached_property
    def first_fault(self) -> str:
        """The first field, in the order of the page, that needs another look; "" where none does."""
        paths = (each.path for section in Section for each in fields_of(section))
        return next((path for path in paths if self.fault(path)), "")

    def _is_used(self, section: Section) -> bool:
        usual = blank()
        return any(
            self.fault(each.path)
            or worded(each, value_at(self.values, each.path)) != worded(each, value_at(usual, each.path))
            for each in fields_of(section)
        )


def _is_about(error: FieldError, path: str) -> bool:
    return error.field == path or error.field.startswith(f"{path}.")


def fields_of(section: Section) -> list[SettingField]:
    """The settings of a section, in their order."""
    return [each for each in SETTING_FIELDS if each.setting.section is section]


def blank() -> Values:
    """The defaults; what has none is empty."""
    defaults = MailboxSettings(name="-", host="-", username="-").model_dump(mode="json")
    return {**defaults, "name": "", "host": "", "username": ""}


def read(form: Form) -> Values:
    """What was filled in, as a JSON merge patch; numbers stay text where they are none, for the validation to name.

    A name that was left empty is the username; a certificate that was just trusted is pinned.
    """
    values: Values = {}
    for each in SETTING_FIELDS:
        if each.setting.widget is not Widget.SECRET:
            _put(values, each.path, _READERS.get(each.setting.widget, _typed)(form, each))
    for group, condition in _GIVEN_IF.items():
        if not _is_given(form, condition):
            values[group] = None
    values["pinned_certificate"] = form.get("trust", "").strip() or values["pinned_certificate"]
    values["name"] = values["name"] or values["username"][:255]
    return _with_server(values)


def secrets_of(form: Form) -> Values:
    """The secrets that were typed; the others stay as they are stored."""
    return {name: secret for name in MailboxSecrets.model_fields if (secret := form.get(name, "").strip("\r\n"))}


def version_of(form: Form) -> int:
    """The version that the values were based on; 0, which no mailbox has, where that makes no sense."""
    text = form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def in_order(chosen: Iterable[str], setting: SettingField) -> list[str]:
    """All choices of a setting, those that were chosen first."""
    first = [str(name) for name in chosen]
    return first + [name for name in setting.setting.choices if name not in first]


def _typed(form: Form, each: SettingField) -> object:
    """The text; nothing goes back to the default, where there is one."""
    return form.get(each.path, "").strip() or ("" if each.info.is_required() else None)


def _number(form: Form, each: SettingField) -> object:
    """An emptied number is not its default: a person is asked for one."""
    return form.get(each.path, "").strip() or (None if each.info.default is None else "")


def _size(form: Form, each: SettingField) -> object:
    text = form.get(each.path, "").strip()
    try:
        return round(float(text.replace(",", ".")) * MiB)
    except (ValueError, OverflowError):
        return text


def _lines(form: Form, each: SettingField) -> object:
    return [line.strip() for line in form.get(each.path, "").splitlines() if line.strip()]


def _on(form: Form, each: SettingField) -> object:
    return each.path in form


def _checked(form: Form, each: SettingField) -> object:
    return form.getlist(each.path)


def _ordered(form: Form, each: SettingField) -> object:
    """The parts by place; a place that was given twice goes to the one that had it before."""
    before = [name for name in form.getlist("order") if name in each.setting.choices]
    return sorted(in_order(dict.fromkeys(before), each), key=lambda name: form.get(f"place.{name}", "9")[:2])


def _action(form: Form, each: SettingField) -> object:
    action = form.get(f"{each.path}.action", "none")
    folder = form.get(f"{each.path}.folder", "").strip()
    return {"action": action, "folder": folder or None if action == "move" else None}


_READERS: dict[Widget, Callable[[Form, SettingField], object]] = {
    Widget.NUMBER: _number,
    Widget.SIZE: _size,
    Widget.LINES: _lines,
    Widget.SWITCH: _on,
    Widget.CHECK: _on,
    Widget.CHECKS: _checked,
    Widget.ORDER: _ordered,
    Widget.ACTION: _action,
}


def _put(values: Values, path: str, value: object) -> None:
    *groups, name = path.split(".")
    for group in groups:
        values = values.setdefault(group, {})
    values[name] = value


def _is_given(form: Form, condition: str) -> bool:
    name, compares, wanted = condition.partition("=")
    typed = form.get(name, "").strip()
    return typed == wanted if compares else bool(typed)


def _with_server(values: Values) -> Values:
    """With what was pasted as server taken apart, so that the form shows what it was taken for."""
    try:
        return taken_apart(values)
    except ValueError:
        return values  # the validation says what is wrong with it
