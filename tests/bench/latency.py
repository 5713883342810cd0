"""From a mail's delivery to its rows in PostgreSQL, heard of by IDLE: `python -m tests.bench.latency --mails 30`.

Each mail is delivered when the one before it is in the database and the mailbox has been quiet for a moment.
"""

import argparse
import asyncio
import statistics
import time

import asyncpg

from tests.bench.setting import Setting, setting
from tests.support.bulk import many_mails
from tests.support.client import bus, dovecot_mailbox, put_mailbox

QUIET_S = 1.0
GIVE_UP_S = 60.0


async def measured(at: Setting, mails: int) -> list[float]:
    """Seconds from delivery to commit, for each mail."""
    connection = await asyncpg.connect(at.database_url)
    seconds = []
    async with bus(at.nats_url) as opened:
        await put_mailbox(opened, dovecot_mailbox(at.dovecot, at.user, poll_interval_minutes=60))
        await _until_stored(connection, 1)
        for number, mail in enumerate(many_mails(mails, seed=2), start=2):
            await asyncio.sleep(QUIET_S)
            delivered = time.monotonic()
            at.user.deliver(mail)
            await _until_stored(connection, number)
            seconds.append(time.monotonic() - delivered)
    await connection.close()
    return seconds


async def _until_stored(connection: "asyncpg.Connection[asyncpg.Record]", mails: int) -> None:
    async with asyncio.timeout(GIVE_UP_S):
        while await connection.fetchval("SELECT count(*) FROM mail") < mails:  # noqa: ASYNC110 it does not tell
            await asyncio.sleep(0.005)


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.latency", description=__doc__)
    parser.add_argument("--mails", type=int, default=30, help="how many mails (default 30)")
    options = parser.parse_args()
    with setting(1) as at:
        seconds = sorted(asyncio.run(measured(at, options.mails)))
    print(f"{len(seconds)} mails, delivery to PostgreSQL by IDLE")
    print(f"fastest {seconds[0]:.2f} s   median {statistics.median(seconds):.2f} s   slowest {seconds[-1]:.2f} s")


if __name__ == "__main__":
    main()
