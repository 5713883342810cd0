"""The fetcher service: takes mails from the mailboxes and does to them what commands say."""

import asyncio
import os
import socket
import sys

from fetcher.answers import answering_tests
from fetcher.journal import Journal
from fetcher.roster import Roster
from pipeline.adapters.mailboxes import MailboxBucket
from pipeline.secrets import Keyring
from pipeline.service import Frame, run_service

HEALTH_ADDRESS = "127.0.0.1:9101"


async def body(frame: Frame) -> None:
    """Works for every enabled mailbox until told to stop."""
    keys = Keyring(frame.settings.secret_key.get_secret_value())
    journal = Journal(frame.bus)
    roster = Roster(
        holder=f"{socket.gethostname()}-{os.getpid()}",
        bus=frame.bus,
        mailboxes=MailboxBucket(frame.bus.js, keys),
        journal=journal,
        limits=frame.settings.limits,
    )
    journal_stops = asyncio.Event()
    async with asyncio.TaskGroup() as group, answering_tests(frame.bus, keys):
        group.create_task(journal.run(journal_stops), name="journal")
        await roster.run(frame.stopping)
        journal_stops.set()


def main() -> int:
    """Runs the service; gives the exit status."""
    return run_service("fetcher", __doc__ or "", body, health_address=HEALTH_ADDRESS)


if __name__ == "__main__":
    sys.exit(main())
