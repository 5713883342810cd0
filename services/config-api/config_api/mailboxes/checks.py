"""Connection tests: a fetcher tries the settings and says what it found; nothing is changed, nothing is saved."""

from collections.abc import Mapping
from typing import Any

import structlog

from config_api.backend import Backend
from config_api.mailboxes import journal, store
from config_api.mailboxes.changes import merged
from config_api.mailboxes.model import MailboxInput
from config_api.mailboxes.sound import expect_sound
from config_api.web.problem import Problem
from pipeline.contracts.connection_test import ConnectionTest
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.topology import TEST_SUBJECT
from pipeline.errors import TryLater
from pipeline.jetstream.mailboxes import seal
from pipeline.jetstream.requests import NobodyAnswers, request

log = structlog.get_logger(__name__)

TIMEOUT = 20.0  # seconds; a fetcher answers within 15
UNSAVED_ID = "unsaved"


async def try_unsaved(backend: Backend, wanted: MailboxInput, *, who: str) -> ConnectionTest:
    """Tries settings that are not saved. Raises Problem 422, 503 when no fetcher runs."""
    mailbox = Mailbox(id=wanted.id or UNSAVED_ID, version=0, settings=wanted.settings, secrets=wanted.secrets)
    return await _tried(backend, mailbox, who=who)


async def try_saved(
    backend: Backend, mailbox_id: str, changes: Mapping[str, Any] | None = None, *, who: str
) -> ConnectionTest:
    """Tries a saved mailbox, with changes that are not saved (a JSON merge patch). Raises Problem 404, 422, 503."""
    saved = await store.secret_of(backend, mailbox_id)
    wanted = merged(saved.settings, saved.secrets, changes or {})
    mailbox = Mailbox(id=mailbox_id, version=0, settings=wanted.settings, secrets=wanted.secrets)
    return await _tried(backend, mailbox, who=who)


async def _tried(backend: Backend, mailbox: Mailbox, *, who: str) -> ConnectionTest:
    expect_sound(mailbox.settings)
    sealed = seal(mailbox, backend.keys)  # even on the bus the password is encrypted
    try:
        answer = await request(backend.bus.client, TEST_SUBJECT, sealed.model_dump_json().encode(), timeout=TIMEOUT)
    except NobodyAnswers:
        raise Problem(
            503, "No fetcher is running", "The connection is tested by a fetcher; start one.", retry_after=5
        ) from None
    tested = ConnectionTest.model_validate_json(answer)
    if not tested.success:
        await _note(backend, mailbox, tested, who=who)
    return tested


async def _note(backend: Backend, mailbox: Mailbox, tested: ConnectionTest, *, who: str) -> None:
    """In the log, where people look for it; the answer does not wait for a database that is away."""
    text = f"Test Connection failed, as {mailbox.settings.username[:100]}: {tested.summary[:500]}"
    try:
        async with backend.database.transaction() as connection:
            await journal.note_failed_test(connection, mailbox.id, text=text, who=who, category=tested.category)
    except TryLater as error:
        log.warning("failed_test_not_noted", mailbox_id=mailbox.id, dependency=error.dependency)
