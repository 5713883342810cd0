"""Many mailboxes in one fetcher: `python -m tests.bench.mailboxes --mailboxes 500`.

Every mailbox is an account of its own on one Dovecot, waits in IDLE, and gets one mail; some more have a server that
takes connections and never answers. Only the fetcher is measured; no connection is encrypted, as Dovecot's share would
hide it. Dovecot hears of new mail by inotify, of which a user has /proc/sys/fs/inotify/max_user_instances (often 128):
the sessions beyond that look for mail by themselves, every now and then.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from nats.aio.msg import Msg

from dmarq.embedded import EmbeddedNats, temporary_data_dir
from pipeline.contracts.status import State
from pipeline.contracts.topology import MAIL
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.statuses import StatusBucket
from tests.support.client import bus, dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User, running_dovecot
from tests.support.proxy import FaultyProxy
from tests.support.services import Services, services

ROOM = """
default_process_limit = 4000
default_client_limit = 8000
mail_max_userip_connections = 0
service imap-login {
  service_count = 0
}
service imap {
  process_limit = 4000
}
"""
MAIL_BYTES = b"From: a@b.example\r\nSubject: report\r\n\r\nwords\r\n"
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
QUIET_S = 20.0
GIVE_UP_S = 300.0


@dataclass
class Crowd:
    """What is running for the benchmark."""

    dovecot: Dovecot
    users: list[User]
    services: Services
    nats_url: str

    def usage(self) -> tuple[float, float]:
        """The fetcher's CPU seconds so far, and its memory in megabytes."""
        process = psutil.Process(self.services.running["fetcher"].pid)
        times = process.cpu_times()
        return times.user + times.system, process.memory_full_info().uss / 1e6


@contextmanager
def setting(mailboxes: int) -> Iterator[Crowd]:
    """Dovecot with so many accounts, a broker and a fetcher."""
    with ExitStack() as stack:
        nats = stack.enter_context(EmbeddedNats(stack.enter_context(temporary_data_dir())))
        dovecot = stack.enter_context(running_dovecot(extra=ROOM))
        users = [dovecot.user(f"user{number:04}") for number in range(mailboxes)]
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dmarq-bench-")))
        urls = {"nats_url": nats.url, "database_url": "postgresql://nobody@127.0.0.1:1/none"}
        yield Crowd(dovecot, users, stack.enter_context(services("fetcher", logs=logs, **urls)), nats.url)


async def measured(crowd: Crowd, dead: int) -> None:
    """Prints how long it takes until all wait, what waiting costs, and how soon their mails are fetched."""
    async with bus(crowd.nats_url) as opened, FaultyProxy(port=crowd.dovecot.imap_port) as silent:
        silent.hang()
        began = time.monotonic()
        for number, user in enumerate(crowd.users):
            port = silent.port if number < dead else crowd.dovecot.imap_port
            settings: dict[str, Any] = {"port": port, "security": "none", "poll_interval_minutes": 5}
            await put_mailbox(opened, dovecot_mailbox(crowd.dovecot, user, **settings))
        alive = crowd.users[dead:]
        await _until_idle(opened, len(alive))
        print(f"{len(alive)} mailboxes wait in IDLE after {time.monotonic() - began:.1f} s; {dead} servers are silent")
        cpu, _ = crowd.usage()
        await asyncio.sleep(QUIET_S)
        after, megabytes = crowd.usage()
        share = 100 * (after - cpu) / QUIET_S
        print(f"waiting costs the fetcher {share:.1f} % of a core and {megabytes:.0f} MB")
        cpu, _ = crowd.usage()
        _tell(await _fetched(opened, alive))
        print(f"which cost the fetcher {1000 * (crowd.usage()[0] - cpu) / len(alive):.1f} ms of CPU each")
        states = Counter(status.state.value for status in (await StatusBucket(opened.js).all()).values())
        print("states:", dict(states))


async def _until_idle(opened: Bus, wanted: int) -> None:
    async with asyncio.timeout(GIVE_UP_S):
        while True:
            statuses = await StatusBucket(opened.js).all()
            if sum(status.state is State.IDLE for status in statuses.values()) >= wanted:
                return
            await asyncio.sleep(0.5)


async def _fetched(opened: Bus, users: list[User]) -> list[float]:
    """Seconds from each mail's delivery until it is on the bus; all are delivered as fast as the disk allows."""
    arrived: dict[str, float] = {}
    everyone = asyncio.Event()

    async def note(msg: Msg) -> None:
        mailbox_id = msg.subject.rpartition(".")[2]
        arrived.setdefault(mailbox_id, time.monotonic())
        if len(arrived) == len(users):
            everyone.set()

    await opened.client.subscribe(MAIL.subjects[0], cb=note)
    await opened.client.flush()
    delivered = {}
    for user in users:
        user.deliver(MAIL_BYTES)
        delivered[user.name] = time.monotonic()
        await asyncio.sleep(0)
    async with asyncio.timeout(GIVE_UP_S):
        await everyone.wait()
    return [arrived[name] - at for name, at in delivered.items()]


def _tell(seconds: list[float]) -> None:
    seconds = sorted(seconds)
    limit = INOTIFY.read_text().strip() if INOTIFY.exists() else "unknown"
    print(
        f"a mail each: on the bus after {statistics.median(seconds):.2f} s (median), "
        f"{seconds[int(len(seconds) * 0.95)]:.2f} s (95 %), {seconds[-1]:.2f} s (slowest); inotify instances: {limit}"
    )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mailboxes", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=500, help="how many mailboxes (default 500)")
    parser.add_argument("--dead", type=int, default=10, help="how many of them have a silent server (default 10)")
    options = parser.parse_args()
    with setting(options.mailboxes) as crowd:
        asyncio.run(measured(crowd, options.dead))


if __name__ == "__main__":
    main()
