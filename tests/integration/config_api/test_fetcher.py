"""With a real fetcher and a real mail server: a test tells what it found, a change is heard at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.client import dovecot_mailbox
from tests.support.config_api import eventually
from tests.support.dovecot import Dovecot
from tests.support.services import ADMIN_TOKEN, services


@pytest.fixture
def client(nats_url: str, migrated_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with services("fetcher", "config-api", nats_url=nats_url, database_url=migrated_url, logs=tmp_path) as running:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        with httpx.Client(base_url=f"http://{running.http_address}/api/v1", headers=headers, timeout=40) as opened:
            yield opened


def test_a_connection_test_counts_the_mails_and_changes_nothing(client: httpx.Client, dovecot: Dovecot) -> None:
    user = dovecot.user()
    user.deliver(b"Subject: one\r\n\r\n1\r\n")
    user.deliver(b"Subject: two\r\n\r\n2\r\n")
    mailbox = _as_sent(dovecot, user)
    for _ in range(2):
        tested = client.post("/mailboxes/test", json=mailbox).json()
        assert (tested["success"], tested["category"], tested["message_count"], tested["unread_count"]) == (
            True, "ok", 2, 2,
        )  # fmt: skip
        assert "INBOX" in tested["folders"]
    assert client.get("/mailboxes").json() == {"items": [], "enabled": True}


def test_a_wrong_password_is_told_with_what_to_do(client: httpx.Client, dovecot: Dovecot) -> None:
    tested = client.post("/mailboxes/test", json={**_as_sent(dovecot, dovecot.user()), "password": "wrong"}).json()
    assert (tested["success"], tested["category"]) == (False, "authentication")
    assert tested["recovery_steps"]


def test_a_saved_mailbox_is_tested_with_its_saved_password_and_fetched_when_asked(
    client: httpx.Client, dovecot: Dovecot
) -> None:
    user = dovecot.user()
    assert client.post("/mailboxes", json={**_as_sent(dovecot, user), "id": "main"}).status_code == 201
    assert client.post("/mailboxes/main/test").json()["success"]
    missing = client.post("/mailboxes/main/test", json={"folder": "Nowhere"}).json()
    assert missing["category"] == "mailbox_not_found"
    eventually(lambda: client.post("/mailboxes/main/fetch").status_code == 202)
    eventually(lambda: client.post("/mailboxes/main/backfill").status_code == 202)
    assert client.post("/mailboxes/main/backfill", json={"since": "2026-01-31"}).status_code == 202
    assert client.post("/mailboxes/main/backfill", json={"since": "31st"}).status_code == 422
    client.post("/mailboxes/main/pause")
    assert client.post("/mailboxes/main/fetch").status_code == 409


def _as_sent(dovecot: Dovecot, user: Any) -> dict[str, Any]:
    mailbox = dovecot_mailbox(dovecot, user)
    return {**mailbox.settings.model_dump(mode="json"), "password": user.password}
