"""The monthly partitions of `record`, made when a month first needs one; impossible months go to the default."""

from collections.abc import Iterable
from datetime import UTC, datetime

import asyncpg
import structlog

from parser.sql import SQL
from pipeline.adapters.postgres import Connection, Database

log = structlog.get_logger(__name__)

LOCK = 0x646D6170  # "dmap": whoever holds this advisory lock makes partitions
FIRST = (2012, 1)  # the year of DMARC's first draft
MONTHS_AHEAD = 2

Month = tuple[int, int]  # year, month


class Partitions:
    """Knows which months have a partition, so that the database is asked only for new ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[Month] = set()

    async def ensure(self, begins: Iterable[datetime]) -> None:
        """Partitions exist for the months of these instants, but for impossible months, which need none."""
        now = datetime.now(UTC)
        wanted = {(begin.year, begin.month) for begin in begins} - self._known
        for month in sorted(wanted):
            if is_plausible(month, now=(now.year, now.month)):
                await self._make(month)
                self._known.add(month)

    async def _make(self, month: Month) -> None:
        async with self._database.transaction() as connection:
            await connection.execute("SET LOCAL lock_timeout = '10s'")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            existing = {row["name"] for row in await connection.fetch(SQL["partitions"])}
            if partition_name(month) not in existing:
                await _create(connection, month)


async def _create(connection: Connection, month: Month) -> None:
    """The default partition may hold rows of the month, from when it lay in the future: then it keeps the month."""
    try:
        async with connection.transaction():
            await connection.execute(SQL["make_partition"], *month)
    except asyncpg.CheckViolationError:
        log.warning("partition_left_out", name=partition_name(month), detail="the default partition has the month")


def is_plausible(month: Month, *, now: Month) -> bool:
    """Whether reports can be about this month: not before DMARC, not later than a wrong clock explains."""
    return FIRST <= month <= later(now, by=MONTHS_AHEAD)


def later(month: Month, *, by: int) -> Month:
    """The month so many months later."""
    year, index = divmod(month[0] * 12 + month[1] - 1 + by, 12)
    return year, index + 1


def partition_name(month: Month) -> str:
    """The name of the month's partition."""
    return f"record_{month[0]:04}_{month[1]:02}"
