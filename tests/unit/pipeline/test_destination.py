"""Sealed secrets belong to a mailbox and to everywhere they are sent, whichever setting that is."""

from typing import Any

import pytest

from pipeline.contracts.destination import DESTINATIONS, belonging
from pipeline.contracts.mailbox import Mailbox, MailboxSecrets, MailboxSettings
from pipeline.jetstream.mailboxes import seal, unseal
from pipeline.secrets import BadSecretKey, Keyring
from tests.support.keys import ONE_KEY

KEYS = Keyring(ONE_KEY)
SETTINGS: dict[str, Any] = {
    "name": "Reports",
    "host": "mail.example.com",
    "username": "reports@example.com",
    "auth": "xoauth2",
    "proxy": {"host": "proxy.example.com", "port": 1080},
    "oauth": {"provider": "custom", "client_id": "me", "token_endpoint": "https://login.example.com/token"},
}
MAILBOX = Mailbox(
    id="reports",
    version=1,
    settings=MailboxSettings.model_validate(SETTINGS),
    secrets=MailboxSecrets.model_validate({"refresh_token": "r"}),
)
ELSEWHERE: dict[str, Any] = {
    "host": {"host": "evil.example.net"},
    "port": {"port": 143},
    "username": {"username": "eve@example.com"},
    "security": {"security": "none"},
    "certificate": {"verify_certificate": False},
    "ca": {"ca_certificate": "another"},
    "proxy": {"proxy": {"host": "evil.example.net", "port": 1080}},
    "no proxy": {"proxy": None},
    "token endpoint": {"oauth": {**SETTINGS["oauth"], "token_endpoint": "https://evil.example.net/token"}},
    "client": {"oauth": {**SETTINGS["oauth"], "client_id": "you"}},
    "no oauth": {"oauth": None},
}


@pytest.mark.parametrize("change", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_sealed_secrets_do_not_open_beside_another_destination(change: dict[str, Any]) -> None:
    sealed = seal(MAILBOX, KEYS)
    moved = sealed.model_copy(update={"settings": MailboxSettings.model_validate(SETTINGS | change)})

    with pytest.raises(BadSecretKey):
        unseal(moved, KEYS)


def test_sealed_secrets_do_not_open_as_another_mailbox() -> None:
    with pytest.raises(BadSecretKey):
        unseal(seal(MAILBOX, KEYS).model_copy(update={"id": "other"}), KEYS)


def test_what_is_no_destination_may_change() -> None:
    other = {"name": "Other", "folder": "Archive", "poll_interval_minutes": 5, "filters": {"senders": ["example.com"]}}
    changed = seal(MAILBOX, KEYS).model_copy(update={"settings": MailboxSettings.model_validate(SETTINGS | other)})

    assert unseal(changed, KEYS).secrets == MAILBOX.secrets


def test_settings_that_were_stored_as_json_belong_to_the_same() -> None:
    stored = MailboxSettings.model_validate_json(MAILBOX.settings.model_dump_json())

    assert belonging("reports", stored) == belonging("reports", MAILBOX.settings)


def test_every_secret_has_a_destination() -> None:
    assert set(DESTINATIONS) == set(MailboxSecrets.model_fields)
