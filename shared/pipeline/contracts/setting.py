"""How a mailbox setting is shown: declared beside the field it belongs to, and nowhere else.

A field carries its name for people as `title`, its help as `description`, and a `Setting` for the rest. The form, the
names in messages and in the journal of changes, docs/configuration.md and the API's description are made from that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import cached_property
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

MISPLACED = "at_field"


class Widget(StrEnum):
    """The control that a setting is filled in with."""

    TEXT = "text"
    NUMBER = "number"
    SIZE = "size"  # bytes, typed in MB
    AREA = "area"
    LINES = "lines"  # a list, one entry a line
    SWITCH = "switch"
    CHECK = "check"
    CHOICE = "choice"
    CHECKS = "checks"  # any of some
    ORDER = "order"  # all of some, in an order
    ACTION = "action"  # an action, with a folder where it is a move
    SECRET = "secret"  # noqa: S105 a kind of control


class Section(Enum):
    """The parts of the form, in their order: title, help, whether it is an advanced one, what it is shown for."""

    ACCOUNT = ("Account", "Where the mailbox is and how to sign in.")
    OAUTH = ("Sign-in with OAuth 2", "For the sign-in method OAuth 2 only.", False, "auth=xoauth2")
    FETCHING = ("Fetching", "Which folder is read, and how often.")
    FILTERS = (
        "Filters",
        "An email must match every filter that is set. Other email is neither downloaded nor touched.",
    )
    ATTACHMENTS = ("Attachments", "What a file is, is told by its content, not by its name.")
    PROCESSING = (
        "Report Processing",
        "Done once the reports are safely stored. Email that the filters leave out is never touched.",
    )
    CERTIFICATE = ("Certificate", "How the server shows that it is the right one.", True)
    MORE = ("More about fetching", "For unusual servers and careful first steps.", True)
    ENDPOINTS = ("OAuth 2 endpoints", "Known for Google and Microsoft 365: leave them empty.", True, "auth=xoauth2")
    PROXY = ("Proxy", "When the mail server can only be reached through one.", True)

    def __init__(self, title: str, help: str, advanced: bool = False, shown_for: str = "") -> None:
        self.title, self.help, self.advanced, self.shown_for = title, help, advanced, shown_for


@dataclass(frozen=True, slots=True)
class Setting:
    """What a field's own declaration does not say.

    `ask`: what to say when it is empty; a field with one must be filled in. `after`: the field it stands behind, where
    that is not the order of declaration. `given_if`: of a group that may be missing, "field=value" or the field that
    is filled in when the group is there. `hints` are attributes of the control, such as its placeholder.

    `shown_for`: "field=value", of a setting that matters only then.
    `wrong`: what to say of a value that is out of bounds. `warning`: what is unsafe about the value `warn_if` ("off"
    for a switch).
    """

    section: Section | None = None
    widget: Widget = Widget.TEXT
    unit: str = ""
    ask: str = ""
    wrong: str = ""
    warn_if: str = ""
    warning: str = ""
    shown_for: str = ""
    after: str = ""
    given_if: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SettingField:
    """A setting by its path in the API ("filters.senders"), with all that was declared about it."""

    path: str
    info: FieldInfo
    setting: Setting

    @cached_property
    def title(self) -> str:
        """Its name for people, the one of the settings guide."""
        return self.info.title or self.path

    @property
    def label(self) -> str:
        """The name with its unit."""
        return f"{self.title} ({self.setting.unit})" if self.setting.unit else self.title

    @property
    def help(self) -> str:
        """What it means, in a sentence or two."""
        return self.info.description or ""


def setting_of(info: FieldInfo) -> Setting | None:
    """What was declared beside the field, if anything."""
    return next((each for each in info.metadata if isinstance(each, Setting)), None)


def group_of(info: FieldInfo) -> type[BaseModel] | None:
    """The model behind a field that holds a group of settings, optional or not."""
    kinds = (info.annotation, *get_args(info.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def declared(*models: type[BaseModel]) -> tuple[SettingField, ...]:
    """Every setting that has a section, each where the form shows it."""
    found = [each for model in models for each in _walked(model, "")]
    placed = [each for each in found if not each.setting.after]
    for moved in (each for each in found if each.setting.after):
        behind = next(number for number, each in enumerate(placed) if each.path == moved.setting.after)
        placed.insert(behind + 1, moved)
    return tuple(placed)


def _walked(model: type[BaseModel], prefix: str) -> Iterator[SettingField]:
    for name, info in model.model_fields.items():
        setting, group = setting_of(info), group_of(info)
        if setting is not None and setting.section is not None:
            yield SettingField(prefix + name, info, setting)
        elif group is not None:
            yield from _walked(group, f"{prefix}{name}.")


def title_of(path: str, *models: type[BaseModel]) -> str:
    """The name of a setting, or of a part of one ("After processing: Folder"); the path itself where none is known."""
    first, _, rest = path.partition(".")
    for model in models:
        info = model.model_fields.get(first)
        if info is None:
            continue
        title, group = info.title or first.replace("_", " "), group_of(info)
        if not rest or group is None:
            return title
        inner = title_of(rest, group)
        setting = setting_of(info)
        return f"{title}: {inner}" if setting is not None and setting.section is not None else inner
    return path


def setting_at(model: type[BaseModel], place: Sequence[object]) -> Setting | None:
    """What was declared for the innermost setting on the way to a place in the data ("filters", "senders", 3)."""
    info = model.model_fields.get(str(place[0])) if place else None
    if info is None:
        return None
    group = group_of(info)
    inner = setting_at(group, place[1:]) if group is not None else None
    return inner or setting_of(info)


def misplaced(field: str, text: str) -> PydanticCustomError:
    """For a validator of a whole model: an error that belongs to one of its fields ("folder")."""
    return PydanticCustomError(MISPLACED, "{text}", {"field": field, "text": text})
