"""The file of `dmarq mailbox apply`: which mailboxes there shall be, and how that differs from those that are. Pure,
but for the files that hold the secrets.

YAML or JSON: a list of mailboxes as the API takes them, or an object with that list as `mailboxes`. A secret is never
written into it, only where it is: `password: {env: NAME}` or `password: {file: PATH}`, relative to the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from pipeline import strict_json
from pipeline.contracts.complaints import complaints
from pipeline.contracts.mailbox import MailboxId, MailboxSecrets, MailboxSettings
from pipeline.settings import process_environment
from pipeline.strict_json import BadJson

MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_SECRET_BYTES = 64 * 1024
SECRETS = tuple(MailboxSecrets.model_fields)
_ID: TypeAdapter[str] = TypeAdapter(MailboxId)


class BadMailboxFile(Exception):
    """The file cannot be applied; the text says where and why, and never holds a secret."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mailbox of the file. Without an `id` it is the one of this name, or a new one."""

    id: str
    settings: MailboxSettings
    secrets: Mapping[str, str] = field(repr=False)

    def among(self, mailboxes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """Which of the API's mailboxes it is. Raises BadMailboxFile where its name does not tell."""
        what, value = ("id", self.id) if self.id else ("name", self.settings.name)
        found = [mailbox for mailbox in mailboxes if mailbox[what] == value]
        if len(found) > 1:
            ids = ", ".join(mailbox["id"] for mailbox in found)
            raise BadMailboxFile(f"several mailboxes have the name {value!r}: give its id, one of {ids}")
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is other than the file says: its name in words, its value and the file's."""

    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.name}: {_shown(self.before)} -> {_shown(self.after)}"


def read(path: Path) -> list[Wanted]:
    """The mailboxes of the file. Raises BadMailboxFile."""
    found = _parsed(_text(path, MAX_FILE_BYTES))
    entries = found.get("mailboxes") if isinstance(found, dict) and found.keys() <= {"mailboxes"} else found
    if not isinstance(entries, list):
        raise BadMailboxFile(f"{path}: a list of mailboxes is needed, or an object with that list as `mailboxes`")
    wanted = [_wanted(entry, number, path) for number, entry in enumerate(entries, 1)]
    for what in ("id", "name"):
        values = [one.id if what == "id" else one.settings.name for one in wanted]
        if twice := {value for value in values if value and values.count(value) > 1}:
            raise BadMailboxFile(f"{path}: two mailboxes have the {what} {min(twice)!r}")
    return wanted


def differences(mailbox: Mapping[str, Any], settings: MailboxSettings) -> list[Change]:
    """What has to change in a mailbox of the API."""
    wanted = settings.model_dump(mode="json")
    known = {name: mailbox[name] for name in wanted if name in mailbox}
    return list(_differences(known, wanted, ""))


def patch(mailbox: Mapping[str, Any], settings: MailboxSettings) -> dict[str, Any]:
    """The same as the API takes it, a JSON merge patch."""
    wanted = settings.model_dump(mode="json")
    return {name: value for name, value in wanted.items() if mailbox.get(name) != value}


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], above: str) -> Iterator[Change]:
    for name, value in after.items():
        known, words = before.get(name), f"{above}{name.replace('_', ' ')}"
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            yield from _differences(known, value, f"{words}, ")
        elif known != value:
            yield Change(words, known, value)


def _shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_shown(each)}" for name, each in value.items() if each)
    text = ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _wanted(entry: Any, number: int, path: Path) -> Wanted:
    where = f"{path}: mailbox {number}"
    if not isinstance(entry, dict):
        raise BadMailboxFile(f"{where}: an object is needed")
    where = f"{where} ({entry['name']})" if isinstance(entry.get("name"), str) else where
    try:
        mailbox_id = _ID.validate_python(entry["id"]) if "id" in entry else ""
        settings = MailboxSettings.model_validate({n: v for n, v in entry.items() if n != "id" and n not in SECRETS})
    except ValidationError as error:
        told = " ".join(f"{each.field or 'id'}: {each.text}" for each in complaints(error, MailboxSettings))
        raise BadMailboxFile(f"{where}: {told}") from None
    secrets = {name: _secret(entry[name], f"{where}: {name}", path) for name in SECRETS if entry.get(name) is not None}
    return Wanted(mailbox_id, settings, secrets)


def _secret(reference: Any, where: str, path: Path) -> str:
    kind, value = next(iter(reference.items())) if isinstance(reference, dict) and len(reference) == 1 else ("", None)
    if kind not in ("env", "file") or not isinstance(value, str):
        raise BadMailboxFile(f"{where}: a secret is not written into the file: use {{env: NAME}} or {{file: PATH}}")
    if kind == "env":
        secret = process_environment().get(value, "")
        missing = f"the environment variable {value} is not set"
    else:
        secret = _text(path.parent / value, MAX_SECRET_BYTES).rstrip("\r\n")
        missing = f"{value} is empty"
    if not secret:
        raise BadMailboxFile(f"{where}: {missing}")
    return secret


def _text(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BadMailboxFile(f"{path}: {error.strerror or error}") from None
    except ValueError:
        raise BadMailboxFile(f"{str(path)!a} cannot be the name of a file") from None
    if len(data) > limit:
        raise BadMailboxFile(f"{path}: larger than {limit} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadMailboxFile(f"{path}: is not UTF-8") from None


class _Loader(yaml.SafeLoader):
    """Without aliases, by which a small file says a huge thing, and without a key that is there twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise BadMailboxFile("aliases (*name) are not taken: write it out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            raise BadMailboxFile(f"line {node.start_mark.line + 1}: a name is there twice")
        return mapping

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (AttributeError, LookupError):  # what the constructors raise for "!!bool x", "!!timestamp x"
            raise BadMailboxFile(f"line {node.start_mark.line + 1}: a value that cannot be read") from None


def _parsed(text: str) -> Any:
    try:
        if text.lstrip().startswith(("[", "{")):
            return strict_json.loads(text)
        return yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except BadJson as error:
        raise BadMailboxFile(f"no JSON: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise BadMailboxFile(f"no YAML: {getattr(error, 'problem', None) or 'not readable'}{line}") from None
    except (RecursionError, ValueError):
        raise BadMailboxFile("no YAML: nested too deep, or a value that cannot be read") from None
