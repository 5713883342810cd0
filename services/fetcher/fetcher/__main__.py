"""The fetcher service: fetches emails from the mailboxes and does to them what commands say."""

import asyncio
import socket
import sys
from contextlib import AsyncExitStack, suppress
from uuid import uuid4

from fetcher.connection_test import answering_tests
from fetcher.credentials import Credentials, TokenSource
from fetcher.dns_requests import answering_dns
from fetcher.imap.session import ImapSession
from fetcher.journal import Journal
from fetcher.mailbox_worker import MailboxWorker, Shared
from fetcher.sign_in_requests import answering_exchanges
from fetcher.status import StatusBoard
from fetcher.sts_policies import WebOptions
from fetcher.supervisor import Supervisor
from pipeline.errors import TryLater
from pipeline.jetstream.mailboxes import MailboxBucket
from pipeline.jetstream.tokens import TokenBucket
from pipeline.runtime.service import Frame, run_service
from pipeline.secrets import Keyring
from pipeline.settings import Settings

HEALTH_ADDRESS = "127.0.0.1:9101"


def keyring(settings: Settings) -> Keyring:
    """What opens the mailboxes' passwords. Raises BadSecretKey where no key is set, or one too short."""
    return Keyring(settings.secret_key.get_secret_value())


async def body(frame: Frame) -> None:
    """Works for every enabled mailbox until told to stop."""
    keys = keyring(frame.settings)
    tokens = TokenBucket(frame.bus.js, keys)
    sign_in = Credentials(TokenSource(tokens), ImapSession.open).session
    journal = Journal(frame.bus)
    holder = f"{socket.gethostname()}-{uuid4().hex}"
    board = StatusBoard(frame.bus, frame.readiness, holder=holder)
    shared = Shared(
        holder=holder,
        bus=frame.bus,
        journal=journal,
        limits=frame.settings.limits,
        sign_in=sign_in,
        board=board,
        reconcile_s=frame.settings.reconcile_minutes * 60,
    )
    supervisor = Supervisor(
        lambda mailbox: MailboxWorker(mailbox, shared).run(),
        bus=frame.bus,
        mailboxes=MailboxBucket(frame.bus.js, keys),
        journal=journal,
        board=board,
    )
    all_done = asyncio.Event()
    web = WebOptions(allow_private=frame.settings.sts_private_addresses)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(answering_tests(frame.bus, keys, sign_in))
        await stack.enter_async_context(answering_exchanges(frame.bus, keys))
        await stack.enter_async_context(answering_dns(frame.bus, frame.settings.dns_server, web))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        with suppress(TryLater):  # older keys are listed as long as an operator wants; the log says when this was done
            await tokens.rotate()
        group.create_task(journal.run(all_done), name="journal")
        group.create_task(board.run(all_done), name="status")
        await supervisor.run(frame.stopping)
        all_done.set()


def main() -> int:
    """Runs the service; gives the exit status."""
    return run_service("fetcher", __doc__ or "", body, health_address=HEALTH_ADDRESS, check=keyring)


if __name__ == "__main__":
    sys.exit(main())
