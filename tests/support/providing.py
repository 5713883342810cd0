"""A provider of OAuth 2 tokens for a mailbox: a token server, a Dovecot that checks them, a bus that keeps them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import nats

from fetcher.credentials import TokenSource
from pipeline.contracts.mailbox import MailboxSecrets, MailboxSettings
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.tokens import TokenBucket
from pipeline.secrets import Keyring
from tests.support.dovecot import Dovecot, User
from tests.support.services import SECRET_KEY
from tests.support.token_server import TokenServer

KEYS = Keyring(SECRET_KEY)


@dataclass
class Provider:
    """A provider whose tokens `dovecot` accepts for `user`, and the bus on which they are kept."""

    server: TokenServer
    bus: Bus
    dovecot: Dovecot
    user: User
    lasts_s: int = 3600

    def settings(self, **oauth: object) -> MailboxSettings:
        return MailboxSettings.model_validate(
            {
                "name": "x",
                "host": self.dovecot.host,
                "port": self.dovecot.imaps_port,
                "ca_certificate": self.dovecot.ca_certificate,
                "username": self.user.name,
                "auth": "xoauth2",
                "oauth": self.server.oauth(**oauth),
            }
        )

    def process(self) -> TokenSource:
        """What a fetcher process has, at its start."""
        return TokenSource(TokenBucket(self.bus.js, KEYS))

    def issue(self) -> str:
        return self.dovecot.token(self.user, lasts_s=self.lasts_s)


def secrets(**values: str) -> MailboxSecrets:
    return MailboxSecrets.model_validate({"refresh_token": "the first refresh token", **values})


@asynccontextmanager
async def providing(url: str, dovecot: Dovecot, user: User, *, rotates: bool = False) -> AsyncIterator[Provider]:
    client = await nats.connect(url)
    bus = Bus(client)
    await bus.ensure()
    issuing: list[Provider] = []
    async with TokenServer(issue=lambda: issuing[0].issue(), rotates=rotates) as server:
        issuing.append(Provider(server, bus, dovecot, user))
        yield issuing[0]
    await client.close()
