"""Connection tests: a fetcher tries the settings and says what it found; nothing is changed, nothing is saved."""

from collections.abc import Mapping
from typing import Any

from config_api.backend import Backend
from config_api.mailboxes import store
from config_api.mailboxes.changes import merged
from config_api.mailboxes.model import MailboxInput
from config_api.web.problem import Problem
from pipeline.contracts.connection_test import ConnectionTest
from pipeline.contracts.mailbox import Mailbox
from pipeline.contracts.topology import TEST_SUBJECT
from pipeline.jetstream.mailboxes import seal
from pipeline.jetstream.requests import NobodyAnswers, request

TIMEOUT = 20.0  # seconds; a fetcher answers within 15
UNSAVED_ID = "unsaved"


async def try_unsaved(backend: Backend, wanted: MailboxInput) -> ConnectionTest:
    """Tries settings that are not saved. Raises Problem 503 when no fetcher runs."""
    mailbox = Mailbox(id=wanted.id or UNSAVED_ID, version=0, settings=wanted.settings, secrets=wanted.secrets)
    sealed = seal(mailbox, backend.keys)  # even on the bus the password is encrypted
    try:
        answer = await request(backend.bus.client, TEST_SUBJECT, sealed.model_dump_json().encode(), timeout=TIMEOUT)
    except NobodyAnswers:
        raise Problem(
            503, "No fetcher is running", "The connection is tested by a fetcher; start one.", retry_after=5
        ) from None
    return ConnectionTest.model_validate_json(answer)


async def try_saved(backend: Backend, mailbox_id: str, changes: Mapping[str, Any] | None = None) -> ConnectionTest:
    """Tries a saved mailbox, with changes that are not saved (a JSON merge patch). Raises Problem 404, 422, 503."""
    saved = await store.secret_of(backend, mailbox_id)
    return await try_unsaved(backend, merged(saved.settings, saved.secrets, changes or {}))
