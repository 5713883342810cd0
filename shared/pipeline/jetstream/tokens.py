"""OAuth 2 tokens in the bucket `token`, encrypted: what a provider issued after the mailbox was configured.

A provider may replace a refresh token with each use (RFC 6749 section 6); the one in the settings is worth nothing
from then on. Entries are kept by grant, not by mailbox: new settings with a new refresh token start again alone.
"""

from contextlib import suppress
from datetime import datetime

import structlog
from nats.js import JetStreamContext
from pydantic import BaseModel, ConfigDict

from pipeline.contracts import topology
from pipeline.jetstream.typed_bucket import Conflict, Text, TypedBucket
from pipeline.secrets import BadSecretKey, Keyring

log = structlog.get_logger(__name__)


class KeptTokens(BaseModel):
    """What a grant gave last. `refresh_token` is "" where there is none; never shown, never logged."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    access_token: str
    expires_at: datetime
    refresh_token: str = ""

    def __repr__(self) -> str:
        return f"KeptTokens(expires_at={self.expires_at!r})"


class _Sealed:
    """Tokens as JSON, sealed; they open only under their own grant."""

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

    def write(self, grant: str, tokens: KeptTokens) -> bytes:
        return self._keys.seal(tokens.model_dump_json(), belongs_to=_belonging(grant)).encode()

    def read(self, grant: str, data: bytes) -> KeptTokens:
        return KeptTokens.model_validate_json(self._keys.open(data.decode(), belongs_to=_belonging(grant)))


class TokenBucket:
    """The tokens by grant. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext, keys: Keyring) -> None:
        self._bucket = TypedBucket(js, topology.TOKEN_BUCKET, _Sealed(keys))
        self._sealed = TypedBucket(js, topology.TOKEN_BUCKET, Text())
        self._keys = keys

    async def get(self, grant: str) -> KeptTokens | None:
        """The tokens; None where there are none, or none that this process can read."""
        stored = await self._bucket.get(grant)
        return None if stored is None else stored.value

    async def put(self, grant: str, tokens: KeptTokens) -> None:
        """Keeps the tokens."""
        await self._bucket.put(grant, tokens)

    async def rotate(self) -> None:
        """Seals again what is under an older key or of the earlier form; what no key opens is left as it is."""
        rotated = 0
        for stored in await self._sealed.all():
            sealed, belongs_to = stored.value, _belonging(stored.key)
            if sealed is None or self._keys.is_current(sealed, belongs_to=belongs_to):
                continue
            with suppress(BadSecretKey, Conflict):  # whoever changed it meanwhile has the same keys
                renewed = self._keys.renewed(sealed, belongs_to=belongs_to)
                await self._sealed.replace(stored.key, renewed, after=stored.revision)
                rotated += 1
        log.info("tokens_rotated", tokens=rotated)


def _belonging(grant: str) -> str:
    return f"token {grant}"
