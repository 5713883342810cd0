"""Answers connection tests that config-api asks for over the bus: any fetcher may answer, nothing is changed."""

from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager

import structlog
from pydantic import ValidationError

from fetcher.connection_test import try_connection
from fetcher.credentials import Credentials
from fetcher.imap import Deadlines, ImapSession
from pipeline.contracts.connection_test import Category, ConnectionTest
from pipeline.contracts.topology import TEST_SUBJECT
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.mailboxes import SealedMailbox, unseal
from pipeline.jetstream.requests import serving
from pipeline.secrets import BadSecretKey, Keyring

log = structlog.get_logger(__name__)

QUEUE = "fetcher"


def answering_tests(bus: Bus, keys: Keyring, credentials: Credentials) -> AbstractAsyncContextManager[None]:
    """Answers while the context lasts."""

    async def answer(payload: bytes) -> bytes:
        return (await _tested(payload, keys, credentials)).model_dump_json().encode()

    return serving(bus.client, TEST_SUBJECT, answer, queue=QUEUE)


async def _tested(payload: bytes, keys: Keyring, credentials: Credentials) -> ConnectionTest:
    try:
        mailbox = unseal(SealedMailbox.model_validate_json(payload), keys)
    except (BadSecretKey, ValidationError) as error:
        log.warning("connection_test_unreadable", error=type(error).__name__)
        return ConnectionTest(
            success=False,
            summary="The fetcher cannot read the saved password: it has another DMARQ_SECRET_KEY than config-api.",
            category=Category.AUTHENTICATION,
            recovery_steps=("Give every service the same DMARQ_SECRET_KEY.", "Enter the password again and save."),
        )

    def sign_in(deadlines: Deadlines) -> Awaitable[ImapSession]:
        return credentials.session(mailbox.settings, mailbox.secrets, log=_log, deadlines=deadlines)

    return await try_connection(mailbox.settings, sign_in)


def _log(level: str, name: str, facts: Mapping[str, object]) -> None:
    log.debug(name, level=level, **facts)
