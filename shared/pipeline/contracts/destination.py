"""Where each secret of a mailbox is sent, and how well it is guarded on the way there; pure.

Said once, for two fences: config-api asks for a secret again when a change would send it elsewhere, and a sealed secret
opens only beside the destination that it was sealed for, whoever wrote the settings.
"""

import json
from typing import Any

from pydantic import BaseModel

from pipeline.contracts.mailbox import MailboxSettings

SERVER = ("host", "port", "username", "security", "verify_certificate", "ca_certificate", "pinned_certificate", "proxy")
PROVIDER = (*SERVER, "oauth")  # what the provider gives for it goes to the server
LATER = frozenset(("pinned_certificate",))
DESTINATIONS = {
    "password": SERVER,
    "access_token": SERVER,
    "client_secret": PROVIDER,
    "refresh_token": PROVIDER,
    "proxy_password": ("proxy",),
}
GROUPS = {"client_secret": "oauth", "refresh_token": "oauth", "proxy_password": "proxy"}


def destination_of(secret: str) -> tuple[str, ...]:
    """The settings that a secret is bound to; a secret that nobody named here is bound to all of them."""
    return DESTINATIONS.get(secret, tuple(MailboxSettings.model_fields))


def moves(secret: str, before: MailboxSettings, after: MailboxSettings) -> bool:
    """Whether the secret would be sent elsewhere, or less guarded, than it was saved for."""
    group = GROUPS.get(secret)
    if group is not None and getattr(before, group) is None and getattr(after, group) is None:
        return False  # it is sent to nobody; the provider or proxy that comes one day is a move
    return any(getattr(before, name) != getattr(after, name) for name in destination_of(secret))


def is_useless(secret: str, before: MailboxSettings, after: MailboxSettings) -> bool:
    """Whether what the secret was for is gone: its provider or its proxy."""
    group = GROUPS.get(secret)
    return group is not None and getattr(before, group) is not None and getattr(after, group) is None


def belonging(mailbox_id: str, settings: MailboxSettings) -> str:
    """What a mailbox's sealed secrets belong to, in one spelling.

    Defaults inside a group are left out, and so is a fact that came later where it is not set: every version spells
    alike.
    """
    facts = {name: _plain(getattr(settings, name)) for name in PROVIDER}
    facts = {name: value for name, value in facts.items() if name not in LATER or value is not None}
    return json.dumps({"mailbox": mailbox_id, **facts}, sort_keys=True, separators=(",", ":"))


def _plain(value: object) -> Any:
    return value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else value
