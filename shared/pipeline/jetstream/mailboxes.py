"""Mailboxes in the bucket `mailbox`: settings as JSON, secrets sealed; what the fetcher lives on.

Whoever may write to the bus can change the settings, but then the secrets beside them no longer open.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from nats.js import JetStreamContext
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.contracts import topology
from pipeline.contracts.destination import belonging
from pipeline.contracts.mailbox import Mailbox, MailboxSecrets, MailboxSettings
from pipeline.errors import described
from pipeline.jetstream.typed_bucket import Json, Stored, TypedBucket
from pipeline.secrets import BadSecretKey, Keyring

log = structlog.get_logger(__name__)


class SealedMailbox(BaseModel):
    """A mailbox at rest and on the bus: `secret` is the encrypted JSON of its secrets."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    version: int
    settings: MailboxSettings
    secret: str


def seal(mailbox: Mailbox, keys: Keyring) -> SealedMailbox:
    """The mailbox with its secrets sealed: they open only as this mailbox's, for where they are sent now."""
    plain = json.dumps({name: value.get_secret_value() for name, value in mailbox.secrets})
    secret = keys.seal(plain, belongs_to=belonging(mailbox.id, mailbox.settings))
    return SealedMailbox(id=mailbox.id, version=mailbox.version, settings=mailbox.settings, secret=secret)


def unseal(sealed: SealedMailbox, keys: Keyring) -> Mailbox:
    """The mailbox with its secrets. Raises BadSecretKey when no key opens them as this mailbox's."""
    plain = keys.open(sealed.secret, belongs_to=belonging(sealed.id, sealed.settings))
    secrets = MailboxSecrets.model_validate_json(plain)
    return Mailbox(id=sealed.id, version=sealed.version, settings=sealed.settings, secrets=secrets)


def is_sealed_well(sealed: SealedMailbox, keys: Keyring) -> bool:
    """Whether its secrets are of the present form, and under the first key."""
    return keys.is_current(sealed.secret, belongs_to=belonging(sealed.id, sealed.settings))


def resealed(sealed: SealedMailbox, keys: Keyring) -> str:
    """Its secrets of the present form under the first key. Raises BadSecretKey when no key opens them."""
    return keys.renewed(sealed.secret, belongs_to=belonging(sealed.id, sealed.settings))


@dataclass(frozen=True, slots=True)
class Change:
    """A mailbox as it is now; None when it is deleted, or when it cannot be read, which the log says."""

    id: str
    mailbox: Mailbox | None
    deleted: bool = False


class MailboxBucket:
    """The mailboxes by id. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext, keys: Keyring) -> None:
        self._bucket = TypedBucket(js, topology.MAILBOX_BUCKET, Json(SealedMailbox))
        self._keys = keys

    async def put(self, sealed: SealedMailbox) -> None:
        """Tells every fetcher about the mailbox as it is now."""
        await self._bucket.put(sealed.id, sealed)

    async def delete(self, mailbox_id: str) -> None:
        """Tells every fetcher that the mailbox is gone."""
        await self._bucket.delete(mailbox_id)

    async def versions(self) -> dict[str, int]:
        """The version of every mailbox in the bucket, by id; 0 for an entry that cannot be read."""
        return {stored.key: stored.value.version if stored.value else 0 for stored in await self._bucket.all()}

    async def all(self) -> list[Change]:
        """Every mailbox as it is now, and every deletion that is still known."""
        return [self._opened(stored) for stored in await self._bucket.known()]

    async def changes(self) -> AsyncGenerator[Change, None]:
        """Every mailbox as it is and every deletion that is still known, then each change."""
        async with aclosing(self._bucket.changes()) as entries:
            async for stored in entries:
                yield self._opened(stored)

    def _opened(self, stored: Stored[SealedMailbox]) -> Change:
        if stored.value is None:
            return Change(stored.key, None, deleted=stored.is_deleted)
        try:
            return Change(stored.key, unseal(stored.value.model_copy(update={"id": stored.key}), self._keys))
        except (BadSecretKey, ValidationError) as error:
            log.error("mailbox_unreadable", mailbox_id=stored.key, error=described(error))
            return Change(stored.key, None)
