"""`dmarq mailbox authorize` and `dmarq doctor` against the running system."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dmarq.__main__ import dmarq
from dmarq.client import Client
from pipeline.contracts.mailbox import ProxyKind
from tests.support.dns_server import running_dns
from tests.support.dovecot import Dovecot, User
from tests.support.proxies import running_proxy
from tests.support.proxy import FaultyProxy
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
    async with TokenServer(issue=lambda: dovecot.token(user), demands_secret=True) as provider:
        options = ["--client-id", "abc", "--scope", "imap", "--client-secret-file", str(secret)]
        endpoints = ["--token-endpoint", f"{provider.url}/token", "--device-endpoint", f"{provider.url}/device"]
        first = await command("mailbox", "authorize", mailbox_id, *options, *endpoints)
        forgotten = await command("mailbox", "authorize", mailbox_id)
        again = await command("mailbox", "authorize", mailbox_id, "--client-secret-file", str(secret))
        after = await asyncio.to_thread(saved, mailbox_id)

    assert first.exit_code == 0, first.output
    assert "Signed in to localhost" in first.output
    assert (forgotten.exit_code, "Enter" in forgotten.output) == (2, False), forgotten.output
    assert "give --client-secret-file" in forgotten.output
    assert again.exit_code == 0, again.output
    assert "1 email" in again.output
    assert (after["auth"], after["oauth"]["client_id"], after["oauth"]["scope"]) == ("xoauth2", "abc", "imap")
    assert "refresh_token" not in after


class SavedByAnother:
    """Renames the mailbox when the first PATCH comes by, before it arrives."""

    def __init__(self, mailbox_id: str, http_address: str) -> None:
        self.path = f"/mailboxes/{mailbox_id}"
        self.http_address = http_address
        self.done = False

    def passing(self, data: bytes, *, to_server: bool) -> tuple[bytes, bytes]:
        if to_server and data.startswith(b"PATCH ") and not self.done:
            self.done = True
            with Client(f"http://{self.http_address}", ADMIN_TOKEN) as other:
                other.patch(self.path, {"name": "renamed meanwhile"}, version=other.get(self.path)["version"])
        return data, b""

    def passed(self, data: bytes, *, to_server: bool) -> None: ...


@pytest.mark.usefixtures("_system")
async def test_a_sign_in_is_saved_though_the_mailbox_was_changed_meanwhile(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = dovecot.user()
    mailbox_id = await asyncio.to_thread(add_mailbox, dovecot, user)
    address = os.environ["DMARQ_HTTP_ADDRESS"]
    another = SavedByAnother(mailbox_id, address)

    def issue() -> str:
        with Client(f"http://{address}", ADMIN_TOKEN) as early:
            version = early.get(f"/mailboxes/{mailbox_id}")["version"]
            early.patch(f"/mailboxes/{mailbox_id}", {"folder": f"Folder {version}"}, version=version)
        return dovecot.token(user)

    async with (
        TokenServer(issue=issue) as provider,
        FaultyProxy(port=int(address.rpartition(":")[2]), inspector=another) as way,
    ):
        monkeypatch.setenv("DMARQ_HTTP_ADDRESS", f"127.0.0.1:{way.port}")
        endpoints = ["--token-endpoint", f"{provider.url}/token", "--device-endpoint", f"{provider.url}/device"]
        result = await command("mailbox", "authorize", mailbox_id, "--client-id", "abc", *endpoints)
        after = await asyncio.to_thread(saved, mailbox_id)

    assert "Saved." in result.output, result.output
    assert another.done
    assert (after["auth"], after["name"]) == ("xoauth2", "renamed meanwhile")
    assert after["folder"].startswith("Folder")


@pytest.mark.usefixtures("_system")
async def test_a_mailbox_is_authorized_by_the_way_of_its_proxy(dovecot: Dovecot, tmp_path: Path) -> None:
    user = dovecot.user()
    password = tmp_path / "password"
    password.write_text("geheim\n")
    async with (
        TokenServer(issue=lambda: dovecot.token(user)) as provider,
        running_proxy(ProxyKind.SOCKS5, username="dmarq", password="geheim") as proxy,
    ):
        way = {"kind": "socks5", "host": "127.0.0.1", "port": proxy.port, "username": "dmarq"}
        settings = {"proxy": way, "proxy_password": "geheim"}
        mailbox_id = await asyncio.to_thread(add_mailbox, dovecot, user, enabled=False, **settings)
        endpoints = ["--token-endpoint", f"{provider.url}/token", "--device-endpoint", f"{provider.url}/device"]
        options = ["mailbox", "authorize", mailbox_id, "--client-id", "abc", *endpoints]
        forgotten = await command(*options)
        used_before = proxy.used
        result = await command(*options, "--proxy-password-file", str(password))

    assert "give --proxy-password-file" in forgotten.output
    assert "Signed in to 127.0.0.1" in result.output or "Signed in to localhost" in result.output, result.output
    assert proxy.used >= used_before + 3  # the code, the token, the mail server


@pytest.mark.usefixtures("_system")
async def test_before_the_first_report_the_doctor_looks_at_the_mailboxes_own_domains(dovecot: Dovecot) -> None:
    user = dovecot.user(f"fresh-{dovecot.imap_port}@example.com")
    changes = {"password": user.password, "verify_certificate": False, "ca_certificate": None}
    await asyncio.to_thread(add_mailbox, dovecot, user, **changes)
    zone = {
        "_dmarc.example.com": {"TXT": [f'"v=DMARC1; p=none; rua=mailto:{user.name}"']},
        "_smtp._tls.example.com": {"TXT": [f'"v=TLSRPTv1; rua=mailto:{user.name}"']},
        "example.com": {"MX": ["10 mail.example.com."]},
    }
    async with running_dns(zone) as server:
        found = await command("doctor", "--server", "127.0.0.1", "--port", str(server.port))
        listed = await command("mailbox", "list", "--json")

    assert found.exit_code == 0, found.output
    assert "these are the domains of the mailboxes' addresses: example.com" in found.stderr
    assert "advice   localhost: The server's certificate is not checked" in found.stdout
    assert f"ok       _dmarc.example.com: reports go to {user.name}" in found.stdout
    assert json.loads(listed.stdout)["weaknesses"] == ["certificate_not_checked"]


async def test_the_doctor_looks_at_dns_though_the_system_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMARQ_HTTP_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("DMARQ_ADMIN_TOKEN", ADMIN_TOKEN)
    zone = {"_dmarc.example.com": {"TXT": ['"v=DMARC1; rua=mailto:a@example.com"']}, "example.com": {"MX": ["1 a."]}}
    async with running_dns(zone) as server:
        found = await command("doctor", "example.com", "--server", "127.0.0.1", "--port", str(server.port))

    assert found.exit_code == 1
    assert "unknown  dmarq run: http://127.0.0.1:1 does not answer" in found.output
    assert "ok       _dmarc.example.com: reports go to a@example.com" in found.output


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
