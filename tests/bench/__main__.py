"""Mails per second through the whole system: `python -m tests.bench --mails 5000`.

Dovecot is filled with report mails (the corpus' real ones where it is there, generated ones of the same sizes if not);
then fetcher, extractor and parser take them through NATS into PostgreSQL, and every mail is moved to a folder. The
clock runs from the moment the mailbox is configured until the last mail has been moved.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg

from dmarq.embedded import EmbeddedNats, EmbeddedPostgres, temporary_data_dir
from tests.bench.usage import Usage, Watched
from tests.support.bulk import corpus, many_mails
from tests.support.client import bus, dovecot_mailbox, put_mailbox
from tests.support.dovecot import Dovecot, User, running_dovecot
from tests.support.services import Services, services

SERVICES = ("parser", "extractor", "fetcher")
LOOK_EVERY_S = 0.1
NO_PROGRESS_S = 60.0
FOLDER = "Processed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is running for one benchmark."""

    nats_url: str
    database_url: str
    dovecot: Dovecot
    user: User
    services: Services
    watched: Watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of it. Rates are per second of wall clock; `usage` is by process name."""

    mails: int
    reports: int
    records: int
    seconds: float
    mails_per_second: float
    reports_per_second: float
    records_per_second: float
    moved: int
    outcomes: dict[str, int]
    usage: dict[str, Usage]


@contextmanager
def setting(mails: int) -> Iterator[Setting]:
    """Servers and services, and a mailbox with so many mails."""
    with ExitStack() as stack:
        data = stack.enter_context(temporary_data_dir())
        nats = stack.enter_context(EmbeddedNats(data))
        postgres = stack.enter_context(EmbeddedPostgres(data))
        dovecot = stack.enter_context(running_dovecot())
        user = dovecot.user("bench")
        user.deliver(*many_mails(mails))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dmarq-bench-")))
        urls = {"nats_url": nats.url, "database_url": postgres.url}
        started = stack.enter_context(services(*SERVICES, logs=logs, **urls))
        watched = stack.enter_context(Watched())
        for name, child in (*started.running.items(), ("nats", nats.child), ("postgres", postgres.child)):
            if child is not None:
                watched.add(name, child.pid)
        watched.add("dovecot", dovecot.pid)
        yield Setting(dovecot=dovecot, user=user, services=started, watched=watched, **urls)


async def measured(at: Setting, mails: int) -> Figures:
    """Configures the mailbox and waits until every mail is done."""
    connection = await asyncpg.connect(at.database_url)
    async with bus(at.nats_url) as opened:
        started = time.monotonic()
        action = {"action": "move", "folder": FOLDER}
        mailbox = dovecot_mailbox(at.dovecot, at.user, on_processed=action, on_failed=action)
        await put_mailbox(opened, mailbox)
        await _until_done(connection, mails)
        seconds = time.monotonic() - started
    outcomes = {r["outcome"]: r["n"] for r in await connection.fetch(_OUTCOMES)}
    [(reports, records)] = await connection.fetch(_TOTALS)
    await connection.close()
    return Figures(
        mails=sum(outcomes.values()),
        reports=reports,
        records=records,
        seconds=round(seconds, 2),
        mails_per_second=round(mails / seconds, 1),
        reports_per_second=round(reports / seconds, 1),
        records_per_second=round(records / seconds, 1),
        moved=len(at.user.stored(FOLDER)),
        outcomes=outcomes,
        usage=at.watched.usage(),
    )


async def _until_done(connection: "asyncpg.Connection[asyncpg.Record]", mails: int) -> None:
    done = -1
    moved_at = time.monotonic()
    while done < mails:
        await asyncio.sleep(LOOK_EVERY_S)
        before, done = done, await connection.fetchval(_DONE)
        moved_at = time.monotonic() if done != before else moved_at
        if time.monotonic() - moved_at > NO_PROGRESS_S:
            raise SystemExit(f"no progress for {NO_PROGRESS_S:.0f} s at {done} of {mails} mails")


_DONE = "SELECT count(*) FROM mail WHERE action_state IN ('done', 'absent')"
_OUTCOMES = "SELECT outcome, count(*) AS n FROM mail GROUP BY outcome"
_TOTALS = "SELECT count(*) AS reports, coalesce(sum(record_count), 0)::bigint AS records FROM report"


def as_table(figures: Figures) -> str:
    """The figures for people."""
    lines = [
        f"{figures.mails:,} mails, {figures.reports:,} reports, {figures.records:,} records in {figures.seconds} s",
        f"{figures.mails_per_second:,} mails/s  {figures.reports_per_second:,} reports/s  "
        f"{figures.records_per_second:,} records/s",
        f"outcomes {figures.outcomes}, moved {figures.moved:,}",
        "",
        f"{'process':<12}{'CPU s':>8}{'ms a mail':>11}{'peak MB':>9}",
    ]
    for name, used in figures.usage.items():
        per_mail = 1000 * used.cpu_seconds / max(figures.mails, 1)
        lines.append(f"{name:<12}{used.cpu_seconds:>8.1f}{per_mail:>11.2f}{used.peak_megabytes:>9.0f}")
    return "\n".join(lines)


def main() -> None:
    """Runs the benchmark and prints the table, or JSON."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--mails", type=int, default=5000, help="how many mails (default 5000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with setting(options.mails) as at:
        figures = asyncio.run(measured(at, options.mails))
    if options.json:
        print(json.dumps(asdict(figures), indent=2))
        return
    print("real reports of the corpus" if (corpus() / "bulk.zip").is_file() else "generated reports (no corpus here)")
    print(as_table(figures))


if __name__ == "__main__":
    main()
