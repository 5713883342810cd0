"""Answers connection tests that config-api asks for over the bus: any fetcher may answer, nothing is changed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog
from pydantic import ValidationError

from fetcher.try_connection import try_connection
from pipeline.adapters.bus import Bus
from pipeline.adapters.mailboxes import SealedMailbox, unseal
from pipeline.adapters.requests import serve
from pipeline.connection import Category, ConnectionTest
from pipeline.secrets import BadSecretKey, Keyring
from pipeline.topology import TEST_SUBJECT

log = structlog.get_logger(__name__)

QUEUE = "fetcher"


@asynccontextmanager
async def answering_tests(bus: Bus, keys: Keyring) -> AsyncIterator[None]:
    """Answers while the context lasts."""

    async def answer(payload: bytes) -> bytes:
        return (await _tested(payload, keys)).model_dump_json().encode()

    subscription = await serve(bus.client, TEST_SUBJECT, answer, queue=QUEUE)
    try:
        yield
    finally:
        await subscription.unsubscribe()


async def _tested(payload: bytes, keys: Keyring) -> ConnectionTest:
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
    return await try_connection(mailbox.settings, secret=mailbox.secrets.password.get_secret_value(), log=_log)


def _log(level: str, name: str, facts: Mapping[str, object]) -> None:
    log.debug(name, level=level, **facts)
