"""The form of a channel and that of a rule, as what the API takes; pure."""

from collections.abc import Mapping
from typing import Any

from pipeline.notifications.channels import ChannelKind

SECRETS = {ChannelKind.EMAIL: ("password",), ChannelKind.WEBHOOK: ("url",), ChannelKind.APPRISE: ("url",)}


def channel_values(form: Mapping[str, str], kind: ChannelKind) -> dict[str, Any]:
    """The fields of a channel; secrets only where something was typed."""
    values: dict[str, Any] = {
        "name": form.get("name", ""),
        "kind": kind.value,
        "enabled": "enabled" in form,
        "urgency": form.get("urgency", "info"),
        "domains": _words(form.get("domains", "")),
        "max_per_hour": form.get("max_per_hour", "20"),
        "digest": form.get("digest", "weekly"),
        "digest_hour": form.get("digest_hour", "7"),
        "time_zone": form.get("time_zone", "UTC") or "UTC",
    }
    if kind is ChannelKind.WEBHOOK:
        values["reports"] = "reports" in form
    if kind is ChannelKind.EMAIL:
        names = ("host", "port", "security", "username", "sender")
        values["email"] = {name: form.get(name, "").strip() for name in names}
        values["email"]["recipients"] = _words(form.get("recipients", ""))
    return values | {name: form[name].strip() for name in SECRETS[kind] if form.get(name, "").strip()}


def rule_values(form: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a rule."""
    begin, end = form.get("begin", "").strip(), form.get("end", "").strip()
    quiet = {"begin": begin, "end": end, "time_zone": form.get("time_zone", "UTC") or "UTC"} if begin or end else None
    return {
        "enabled": "enabled" in form,
        "threshold": form.get("threshold", ""),
        "domains": _words(form.get("domains", "")),
        "urgency": form.get("urgency", "warning"),
        "quiet_hours": quiet,
    }


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
