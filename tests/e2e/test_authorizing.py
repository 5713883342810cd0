"""`dmarq mailbox authorize` and `dmarq doctor` against the running system."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dmarq.__main__ import dmarq
from dmarq.client import Client
from tests.support.dns_server import running_dns
from tests.support.dovecot import Dovecot, User
from tests.support.servers import fresh_database
from tests.support.services import ADMIN_TOKEN, services
from tests.support.token_server import CLIENT_SECRET, TokenServer


@pytest.fixture
def _system(nats_url: str, postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with (
        fresh_database(postgres_server) as database_url,
        services("config-api", "fetcher", nats_url=nats_url, database_url=database_url, logs=tmp_path) as started,
    ):
        monkeypatch.setenv("DMARQ_HTTP_ADDRESS", started.http_address)
        monkeypatch.setenv("DMARQ_ADMIN_TOKEN", ADMIN_TOKEN)
        yield


async def command(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, dmarq, arguments)


def add_mailbox(dovecot: Dovecot, user: User, **changes: Any) -> str:
    settings = {
        "name": user.name,
        "host": dovecot.host,
        "port": dovecot.imaps_port,
        "ca_certificate": dovecot.ca_certificate,
        "username": user.name,
        "password": "not the password",
    }
    with Client.here() as client:
        return str(client.post("/mailboxes", {**settings, **changes})["id"])


def saved(mailbox_id: str) -> dict[str, Any]:
    with Client.here() as client:
        return dict(client.get(f"/mailboxes/{mailbox_id}"))


@pytest.mark.usefixtures("_system")
async def test_a_mailbox_is_authorized_and_works_from_then_on(dovecot: Dovecot, tmp_path: Path) -> None:
    user = dovecot.user()
    user.deliver(b"Subject: report\r\n\r\n")
    secret = tmp_path / "secret"
    secret.write_text(CLIENT_SECRET)
    mailbox_id = await asyncio.to_thread(add_mailbox, dovecot, user)
    async with TokenServer(issue=lambda: dovecot.token(user)) as provider:
        options = ["--client-id", "abc", "--scope", "imap", "--client-secret-file", str(secret)]
        endpoints = ["--token-endpoint", f"{provider.url}/token", "--device-endpoint", f"{provider.url}/device"]
        first = await command("mailbox", "authorize", mailbox_id, *options, *endpoints)
        again = await command("mailbox", "authorize", mailbox_id)
        after = await asyncio.to_thread(saved, mailbox_id)

    assert first.exit_code == 0, first.output
    assert "Signed in to localhost" in first.output
    assert again.exit_code == 0, again.output
    assert "1 mail" in again.output
    assert (after["auth"], after["oauth"]["client_id"], after["oauth"]["scope"]) == ("xoauth2", "abc", "imap")
    assert "refresh_token" not in after


@pytest.mark.usefixtures("_system")
async def test_the_doctor_tries_the_mailboxes_too(dovecot: Dovecot) -> None:
    user = dovecot.user(f"reports-{dovecot.imap_port}@example.com")
    await asyncio.to_thread(add_mailbox, dovecot, user)
    zone = {
        "_dmarc.example.com": {"TXT": [f'"v=DMARC1; p=none; rua=mailto:{user.name}"']},
        "example.com": {"MX": ["10 mail.example.com."]},
    }
    async with running_dns(zone) as server:
        options = ["--server", "127.0.0.1", "--port", str(server.port)]
        found = await command("doctor", "example.com", *options)

    assert found.exit_code == 1
    assert "WRONG    localhost: The server refused the sign-in" in found.output
    assert f"ok       _dmarc.example.com: reports go to {user.name}" in found.output
