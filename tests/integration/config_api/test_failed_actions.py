"""Actions that the mail server refused are tried again when a person says so: one, or all of a mailbox."""

import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from pipeline.contracts.mail_events import MailCommand
from pipeline.contracts.wire import decode
from tests.support.config_api import MAILBOX, Api

INSERT = """
INSERT INTO mail (mail_id, mailbox_id, folder, uidvalidity, uid, size, fetched_at, stored_at, settings_version, outcome,
    action, action_target, action_state, action_reason, action_detail)
VALUES ($1, $2, 'INBOX', 7, $3, 9, now(), now(), 1, 'imported', 'move', 'Done', $4, $5, 'no room')
"""


@pytest.fixture
async def database(migrated_url: str) -> Any:
    connection = await asyncpg.connect(migrated_url)
    yield connection
    await connection.close()


async def mail(database: Any, mailbox_id: str, state: str = "failed", reason: str | None = "action_refused") -> str:
    """A mail of the ledger whose action ended so."""
    mail_id = uuid4()
    uid = 1 + await database.fetchval("SELECT count(*) FROM mail")
    await database.execute(INSERT, mail_id, mailbox_id, uid, state, reason)
    return mail_id.hex


async def commands(database: Any) -> list[MailCommand]:
    """What the outbox will tell the fetcher."""
    rows = await database.fetch("SELECT headers, payload FROM outbox WHERE subject LIKE 'mailbox.command.%'")
    events = [decode(json.loads(row["headers"]), row["payload"]).event for row in rows]
    return [event for event in events if isinstance(event, MailCommand)]


async def test_one_mails_action_is_tried_again(api: Api, database: Any) -> None:
    mailbox_id = api.add_mailbox()["id"]
    refused, other = [await mail(database, mailbox_id) for _ in range(2)]

    assert api("POST", f"/mails/{refused}/retry-action").status_code == 202
    (command,) = await commands(database)
    assert (command.mail.mail_id, command.action, command.folder) == (refused, "move", "Done")
    assert command.key != command.model_copy(update={"retry": 0}).key
    states = {row["mail_id"].hex: row["action_state"] for row in await database.fetch("SELECT * FROM mail")}
    assert states == {refused: "pending", other: "failed"}
    assert api("POST", f"/mails/{refused}/retry-action").status_code == 409


async def test_all_failed_actions_of_a_mailbox_are_tried_again_and_no_others(api: Api, database: Any) -> None:
    mailbox_id, others = api.add_mailbox()["id"], api.add_mailbox(name="Others")["id"]
    refused = {await mail(database, mailbox_id) for _ in range(3)}
    await mail(database, mailbox_id, "done", None)
    await mail(database, mailbox_id, reason="uidvalidity_changed")
    await mail(database, others)

    answer = api("POST", f"/mailboxes/{mailbox_id}/retry-actions")
    assert answer.status_code == 202
    assert answer.json is not None
    assert "3" in answer.json["text"]
    assert {command.mail.mail_id for command in await commands(database)} == refused


@pytest.mark.parametrize("path", ["/mails/nonsense/retry-action", f"/mails/{'0' * 32}/retry-action"])
async def test_what_nobody_knows_is_not_found(api: Api, path: str) -> None:
    assert api("POST", path).status_code == 404
    assert api("POST", "/mailboxes/nowhere/retry-actions").status_code == 404


@pytest.mark.parametrize(
    ("folder", "folders", "target"),
    [
        ("Reports", [], "reports"),
        ("Reports", [], "Reports"),
        ("INBOX", ["done"], "Done"),
        ("INBOX", ["a.b"], "A/B"),
        ("inbox", [], "INBOX"),
    ],
)
async def test_a_move_into_the_folder_that_is_read_is_not_saved(
    api: Api, folder: str, folders: list[str], target: str
) -> None:
    sent = {"folder": folder, "folders": folders, "on_processed": {"action": "move", "folder": target}}
    answer = api("POST", "/mailboxes", {**MAILBOX, **sent})

    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["field"] for error in answer.json["errors"]] != []
    assert api("POST", "/mailboxes", {**MAILBOX, **sent, "on_processed": {"action": "mark_read"}}).status_code == 201
