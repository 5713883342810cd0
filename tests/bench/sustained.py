"""A mailbox full of mail, emptied: how many mails a second, and what each process used for it."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from tests.bench.setting import Setting
from tests.bench.usage import Usage
from tests.support.client import bus, dovecot_mailbox, put_mailbox

LOOK_EVERY_S = 1.0  # looking costs; when the last mail was moved is read from the ledger
NO_PROGRESS_S = 60.0
FOLDER = "Processed"


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


async def measured(at: Setting) -> Figures:
    """Configures the mailbox and waits until every mail is done."""
    connection = await asyncpg.connect(at.database_url)
    async with bus(at.nats_url) as opened:
        started = datetime.now(UTC)
        action = {"action": "move", "folder": FOLDER}
        mailbox = dovecot_mailbox(at.dovecot, at.user, on_processed=action, on_failed=action)
        await put_mailbox(opened, mailbox)
        await _until_done(connection, at.mails)
        seconds = (await connection.fetchval(_LAST_MOVED) - started).total_seconds()
    outcomes = {r["outcome"]: r["n"] for r in await connection.fetch(_OUTCOMES)}
    [(reports, records)] = await connection.fetch(_TOTALS)
    await connection.close()
    return Figures(
        mails=sum(outcomes.values()),
        reports=reports,
        records=records,
        seconds=round(seconds, 2),
        mails_per_second=round(at.mails / seconds, 1),
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
_LAST_MOVED = "SELECT max(acted_at) FROM mail"
_OUTCOMES = "SELECT outcome, count(*) AS n FROM mail GROUP BY outcome"
_TOTALS = "SELECT count(*) AS reports, coalesce(sum(record_count), 0)::bigint AS records FROM report"


def as_table(figures: Figures) -> str:
    """The figures for people."""
    cpu = sum(used.cpu_seconds for used in figures.usage.values())
    return "\n".join(
        (
            f"{figures.mails:,} mails, {figures.reports:,} reports, {figures.records:,} records in {figures.seconds} s",
            f"{figures.mails_per_second:,} mails/s  {figures.reports_per_second:,} reports/s  "
            f"{figures.records_per_second:,} records/s",
            f"outcomes {figures.outcomes}, moved {figures.moved:,}",
            f"{cpu / figures.seconds:.2f} cores used on average",
            "",
            *usage_table(figures.usage, mails=figures.mails),
        )
    )


def usage_table(usage: dict[str, Usage], *, mails: int) -> list[str]:
    """One line a process, and their sum."""
    lines = [f"{'process':<12}{'CPU s':>8}{'ms a mail':>11}{'peak MB':>9}"]
    for name, used in usage.items():
        per_mail = 1000 * used.cpu_seconds / max(mails, 1)
        lines.append(f"{name:<12}{used.cpu_seconds:>8.1f}{per_mail:>11.2f}{used.peak_megabytes:>9.0f}")
    cpu = sum(used.cpu_seconds for used in usage.values())
    return [*lines, f"{'all':<12}{cpu:>8.1f}{1000 * cpu / max(mails, 1):>11.2f}"]
