"""What a test does on the bus from outside: puts mailboxes where fetchers look for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats

from pipeline.contracts.mailbox import Mailbox, MailboxSecrets, MailboxSettings
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.mailboxes import MailboxBucket, seal
from pipeline.secrets import Keyring
from tests.support.dovecot import Dovecot, User
from tests.support.services import SECRET_KEY


@asynccontextmanager
async def bus(nats_url: str, *, ensured: bool = True) -> AsyncIterator[Bus]:
    """A bus with everything that the topology declares, as it declares it; with `ensured` False as it is."""
    client = await nats.connect(nats_url.split(","))
    try:
        opened = Bus(client)
        if ensured:
            await opened.ensure()
        yield opened
    finally:
        await client.close()


async def put_mailbox(opened: Bus, mailbox: Mailbox) -> None:
    """Tells the fetchers about the mailbox."""
    keys = Keyring(SECRET_KEY)
    await MailboxBucket(opened.js, keys).put(seal(mailbox, keys))


def dovecot_mailbox(server: Dovecot, user: User, *, version: int = 1, **settings: object) -> Mailbox:
    """A mailbox on the test server, over TLS; `settings` are fields of MailboxSettings."""
    facts: dict[str, object] = {
        "name": f"Mailbox of {user.name}",
        "host": server.host,
        "port": server.imaps_port,
        "ca_certificate": server.ca_certificate,
        "username": user.name,
        "poll_interval_minutes": 0.02,
    }
    return Mailbox(
        id=user.name.lower(),
        version=version,
        settings=MailboxSettings.model_validate({**facts, **settings}),
        secrets=MailboxSecrets.model_validate({"password": user.password}),
    )
