"""The settings form of a mailbox: from what a browser sends to what the API takes, and back. Pure.

A field's name in the form is its path in the API ("filters.senders"); lists are one entry a line, the attachment
limit is in MB, and the order of the formats is a place (1, 2, ...) for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from config_api.web.problem import FieldError
from pipeline.contracts.limits import MiB
from pipeline.contracts.mailbox import AttachmentFormat, MailboxSecrets, MailboxSettings
from pipeline.contracts.server_address import taken_apart

FIELD_NAMES = {
    "name": "Name",
    "enabled": "Enable",
    "host": "Server",
    "port": "Port",
    "security": "Encryption",
    "verify_certificate": "Verify certificate",
    "ca_certificate": "CA certificate",
    "username": "User name",
    "password": "Password",
    "auth": "Sign-in method",
    "oauth": "OAuth 2",
    "oauth.client_id": "Client id",
    "oauth.tenant": "Tenant",
    "oauth.token_endpoint": "Token endpoint",
    "oauth.device_endpoint": "Device endpoint",
    "oauth.authorization_endpoint": "Sign-in page",
    "oauth.scope": "Scope",
    "client_secret": "Client secret",
    "refresh_token": "Refresh token",
    "proxy": "Proxy",
    "proxy.host": "Proxy server",
    "proxy.port": "Proxy port",
    "proxy_password": "Proxy password",
    "folder": "Folder",
    "folders": "More folders",
    "poll_interval_minutes": "Polling interval",
    "max_mails_per_minute": "Mails a minute",
    "max_connections": "Connections",
    "use_idle": "Wait for new mail (IDLE)",
    "dry_run": "Dry run",
    "filters": "Filters",
    "filters.subject_contains": "Subject contains",
    "filters.senders": "Sender",
    "filters.max_age_days": "Age",
    "attachments": "Attachments",
    "attachments.formats": "Formats",
    "attachments.max_bytes": "Attachment size limit",
    "attachments.priority": "Processed first",
    "on_processed": "After processing",
    "on_failed": "After a failure",
    "on_not_a_report": "Mail that is no report",
}


Values = dict[str, Any]
FORMATS = {
    "xml": "XML (not compressed; also JSON)",
    "zip": "ZIP archives",
    "gz": "GZ (gzip)",
    "eml": "EML (reports in a forwarded mail)",
}
_TEXTS = ("name", "host", "port", "security", "username", "auth", "folder", "poll_interval_minutes", "max_connections")
_CHECKS = ("enabled", "verify_certificate", "use_idle", "dry_run")
_OAUTH = (
    "provider",
    "grant",
    "tenant",
    "client_id",
    "token_endpoint",
    "device_endpoint",
    "authorization_endpoint",
    "scope",
)
_PROXY = ("kind", "host", "port", "username")
_ACTIONS = ("on_processed", "on_failed", "on_not_a_report")


@dataclass(frozen=True, slots=True)
class MailboxForm:
    """What the page shows: values as the API names them, and what is wrong with them.

    `mailbox_id` is None for a new one; `version` is the one that the values were based on.
    """

    values: Values
    mailbox_id: str | None = None
    version: int | None = None
    has_password: bool = False
    errors: Sequence[FieldError] = ()
    folders: Sequence[str] = field(default=())

    def fault(self, name: str) -> str:
        """What is wrong with this field or with a part of it."""
        texts = [error.text for error in self.errors if error.field == name or error.field.startswith(f"{name}.")]
        return " ".join(dict.fromkeys(texts))


def blank() -> Values:
    """The defaults; what has none is empty."""
    defaults = MailboxSettings(name="-", host="-", username="-").model_dump(mode="json")
    return {**defaults, "name": "", "host": "", "username": ""}


def settings_of(view: Mapping[str, Any]) -> Values:
    """The settings among the fields of a stored mailbox."""
    return {name: view[name] for name in MailboxSettings.model_fields if name in view}


def read(form: MultiDict[str, str]) -> Values:
    """What was filled in, as a JSON merge patch; numbers stay text where they are none, for the validation to name."""
    values: Values = {name: form.get(name, "").strip() for name in _TEXTS}
    values |= {name: name in form for name in _CHECKS}
    values |= {name: _action(form, name) for name in _ACTIONS}
    values["oauth"] = _group(form, "oauth", _OAUTH) if values["auth"] == "xoauth2" else None
    values["proxy"] = _group(form, "proxy", _PROXY) if form.get("proxy.host", "").strip() else None
    values["folders"] = _lines(form.get("folders", ""))
    values["max_mails_per_minute"] = form.get("max_mails_per_minute", "").strip() or None
    values["ca_certificate"] = form.get("ca_certificate", "").strip() or None
    values["filters"] = {
        "subject_contains": _lines(form.get("filters.subject_contains", "")),
        "senders": _lines(form.get("filters.senders", "")),
        "max_age_days": form.get("filters.max_age_days", "").strip() or None,
    }
    values["attachments"] = {
        "formats": form.getlist("attachments.formats"),
        "max_bytes": _bytes(form.get("attachments.max_bytes", "")),
        "priority": _order(form),
    }
    return _with_server(values)


def secrets_of(form: MultiDict[str, str]) -> Values:
    """The secrets that were typed; the others stay as they are stored."""
    return {name: secret for name in MailboxSecrets.model_fields if (secret := form.get(name, "").strip("\r\n"))}


def version_of(form: MultiDict[str, str]) -> int:
    """The version that the values were based on; 0, which no mailbox has, where that makes no sense."""
    text = form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def differences(mine: Values, stored: Values) -> list[tuple[str, str, str]]:
    """Where two versions differ: the field's name, what is stored now, what I typed."""
    rows = []
    for name in mine:
        ours, theirs = _told(mine.get(name)), _told(stored.get(name))
        if ours != theirs:
            rows.append((FIELD_NAMES.get(name, name), theirs, ours))
    return rows


def megabytes(value: object) -> object:
    """Bytes as the form shows them; what was no number is shown as it was typed."""
    return f"{value / MiB:.6g}" if isinstance(value, int | float) else value


def in_order(priority: Iterable[str]) -> list[str]:
    """All formats, those with a priority first."""
    chosen = [str(name) for name in priority]
    return chosen + [name.value for name in AttachmentFormat if name.value not in chosen]


def _with_server(values: Values) -> Values:
    """With what was pasted as server taken apart, so that the form shows what it was taken for."""
    try:
        return taken_apart(values)
    except ValueError:
        return values  # the validation says what is wrong with it


def _action(form: MultiDict[str, str], name: str) -> Values:
    action = form.get(f"{name}.action", "none")
    folder = form.get(f"{name}.folder", "").strip()
    return {"action": action, "folder": folder or None if action == "move" else None}


def _group(form: MultiDict[str, str], group: str, names: Sequence[str]) -> Values:
    """The fields of a group; an empty one goes back to its default, whatever was saved before."""
    return {name: form.get(f"{group}.{name}", "").strip() or None for name in names}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _bytes(text: str) -> object:
    try:
        return round(float(text.strip().replace(",", ".")) * MiB)
    except (ValueError, OverflowError):
        return text.strip()


def _order(form: MultiDict[str, str]) -> list[str]:
    """The formats by place; a place that was given twice goes to the one that had it before."""
    before = [name for name in form.getlist("order") if name in FORMATS]
    return sorted(in_order(dict.fromkeys(before)), key=lambda name: form.get(f"place.{name}", "9")[:2])


def _told(value: object) -> str:
    """A value for people to compare; empty parts are left out, so that forms of the same meaning are equal."""
    if isinstance(value, Mapping):
        parts = [f"{name.replace('_', ' ')}: {told}" for name, part in value.items() if (told := _told(part))]
        return "; ".join(parts)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
