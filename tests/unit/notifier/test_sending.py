"""Addresses, signatures, mails: what goes out, and what does not."""

import hmac
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from notifier.message import Message, trial
from notifier.sending.email import mail_of
from notifier.sending.send import AppriseSender
from pipeline.notifications.channels import (
    ChannelSecrets,
    ChannelSettings,
    EmailServer,
    apprise_destination,
    belonging,
    destination_of,
    webhook_destination,
)
from pipeline.notifications.rules import Urgency
from pipeline.notifications.webhook import (
    WebhookBody,
    key_bytes,
    new_signing_key,
    signature_headers,
    webhook_schema,
)
from pipeline.public_addresses import is_public

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SERVER = EmailServer(host="smtp.example.com", sender="dmarq@example.com", recipients=("a@example.com", "b@example.com"))


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:0a00:0001::1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "2001:0:7f00:1::1", "198.18.0.1", "192.0.2.1", "not an address", "", "2130706433",
        "::127.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b:1::7f00:1", "fec0::1",
    ],
)  # fmt: skip
def test_an_address_inside_in_whatever_spelling_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_a_signature_is_verified_as_the_specification_says() -> None:
    key, body = new_signing_key(), b'{"v":1}'
    headers = signature_headers(key, body, key="ops.alert.1", at=1_700_000_000)

    secret = b64decode(key.removeprefix("whsec_"))
    signed = b"ops.alert.1.1700000000." + body
    assert headers["webhook-signature"] == "v1," + b64encode(hmac.new(secret, signed, sha256).digest()).decode()
    assert headers["webhook-id"] == "ops.alert.1"
    assert headers["webhook-timestamp"] == "1700000000"


@pytest.mark.parametrize("key", ["", "whsec_", "whsec_c2hvcnQ=", "secret", "whsec_!!!!", b64encode(b"x" * 32).decode()])
def test_a_signing_key_that_is_weak_or_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        key_bytes(key)


def test_the_body_of_a_webhook_follows_its_schema() -> None:
    body = json.loads(trial("ops.test.1", "Ops").body.model_dump_json(exclude_none=True))

    Draft202012Validator(webhook_schema()).validate(body)


def test_a_mail_is_the_same_bytes_with_each_repeat_and_holds_text_and_html() -> None:
    body = WebhookBody(id="k", type="test")
    message = Message("ops.digest.1", "Digest\r\nBcc: evil@example.com", "text ✓", Urgency.INFO, body, "<p>html ✓</p>")

    first, second = (mail_of(SERVER, message, NOW).as_bytes() for _ in range(2))

    assert first == second
    mail = mail_of(SERVER, message, NOW)
    assert mail["Bcc"] is None
    assert mail["Message-ID"].endswith("@example.com>")
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert "✓" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("url", "destination"),
    [
        ("https://hooks.example.com/a/b?token=x", "https://hooks.example.com:443"),
        ("http://Hooks.Example.com:8080/", "http://hooks.example.com:8080"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]:443"),
    ],
)
def test_of_a_webhook_only_the_host_is_shown(url: str, destination: str) -> None:
    assert webhook_destination(url) == destination


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "https://", "https://user:pw@example.com/", "example.com", "https://exa mple.com/",
        "https://example.com:99999/", "https://example.com/\r\nX: y", "file:///etc/passwd", "https://[::1/",
    ],
)  # fmt: skip
def test_a_bad_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="should be a URL") as refused:
        webhook_destination(url)

    assert url not in str(refused.value)


@pytest.mark.parametrize("url", ["json://x/", "syslog://", "dbus://x", "FILE://x", "exec://x", "slack", "", "x\n://a"])
def test_a_service_of_apprise_that_acts_on_this_machine_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="apprise"):
        apprise_destination(url)


def test_of_an_apprise_url_only_the_service_is_shown() -> None:
    secrets = ChannelSecrets(url=SecretStr("slack://TokenA/TokenB/TokenC"))
    settings = ChannelSettings(name="Ops", kind="apprise")

    assert destination_of(settings, secrets) == "slack"


def test_a_secret_belongs_to_its_channel_and_destination() -> None:
    settings = ChannelSettings(name="Ops", kind="webhook", destination="https://a.example:443")
    moved = settings.model_copy(update={"destination": "https://b.example:443"})
    renamed = settings.model_copy(update={"name": "Operations", "max_per_hour": 3})

    assert belonging("ops", settings) == belonging("ops", renamed)
    assert len({belonging("ops", settings), belonging("ops", moved), belonging("other", settings)}) == 3


@pytest.mark.parametrize(
    "service", ["discord://12345/token?template={}", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ?template={}"]
)
async def test_a_file_that_the_url_of_a_service_names_is_not_read(service: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"content": "the password", "text": "the password"}')

    outcome = await AppriseSender(allow_private=True).send(service.format(secret), trial("ops.test.1", "Ops"))

    assert not outcome.sent
    assert outcome.permanent
    assert "names a file of this machine" in outcome.detail
