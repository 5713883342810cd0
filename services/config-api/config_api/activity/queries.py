"""The activity log: fetch runs, settings changes, and the lines of the IMAP connection log."""

from datetime import datetime
from heapq import merge
from typing import Any, Literal

from pydantic import Field, JsonValue, computed_field

from config_api.web.absence import Maybe
from config_api.web.paging import Page, moment_mark, page_of
from config_api.web.shapes import Filter, PeriodFilter, Row, Text
from pipeline.contracts.events import Level
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements

ACTIVITY = Statements.of("config_api.activity")

IMAP = "imap"


class ActivityFilter(PeriodFilter):
    """Which lines."""

    mailbox_id: Maybe[Text] = None
    source: Maybe[Text] = Field(None, description="imap (the connection log) or settings (who changed what).")
    level: Maybe[Level] = Field(None, description="This level and what matters more.")
    q: Maybe[Text] = Field(None, description="A text that the line holds.")


class RunFilter(PeriodFilter):
    """Which fetch runs."""

    mailbox_id: Maybe[Text] = None
    eventful: bool = Field(False, description="Only runs that saw a new mail or failed.")


class EntryFilter(Filter):
    """Which entries of the activity log."""

    mailbox_id: Maybe[Text] = None


class ActivityLine(Row):
    """A line for people."""

    id: str
    mailbox_id: str
    source: str
    name: str
    level: Level
    text: str
    data: dict[str, JsonValue]
    at: datetime


class FetchRun(Row):
    """One look into a mailbox: what was seen, filtered and fetched, how its mails ended, and why it failed."""

    run_id: str
    mailbox_id: str
    folder: str
    trigger: str
    started_at: datetime
    finished_at: datetime
    seen: int
    filtered: int
    fetched: int
    fetched_bytes: int
    imported: int = 0
    duplicate: int = 0
    failed: int = 0
    not_a_report: int = 0
    category: str
    detail: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def duration_ms(self) -> int:
        """From start to finish, in milliseconds."""
        return round((self.finished_at - self.started_at).total_seconds() * 1000)


class ActivityEntry(Row):
    """A fetch run or a line, in the order of time."""

    id: str
    at: datetime
    kind: Literal["run", "line"]
    run: FetchRun | None = None
    line: ActivityLine | None = None


async def find(database: Database, wanted: ActivityFilter, *, limit: int, cursor: str | None) -> Page[ActivityLine]:
    """Lines, newest first."""
    rows = await _lines(database, wanted, without=None, limit=limit, cursor=cursor)
    return page_of(rows, limit, lambda line: (line.at, line.id))


async def runs(database: Database, wanted: RunFilter, *, limit: int, cursor: str | None) -> Page[FetchRun]:
    """Fetch runs, newest first."""
    return page_of(
        await _runs(database, wanted, limit=limit, cursor=cursor), limit, lambda run: (run.started_at, run.run_id)
    )


async def entries(database: Database, wanted: EntryFilter, *, limit: int, cursor: str | None) -> Page[ActivityEntry]:
    """Fetch runs and lines together, newest first, without the IMAP log."""
    about = ActivityFilter(mailbox_id=wanted.mailbox_id)
    found_lines = await _lines(database, about, without=IMAP, limit=limit, cursor=cursor)
    found_runs = await _runs(database, RunFilter(mailbox_id=wanted.mailbox_id), limit=limit, cursor=cursor)
    lines = [ActivityEntry(id=line.id, at=line.at, kind="line", line=line) for line in found_lines]
    looks = [ActivityEntry(id=run.run_id, at=run.started_at, kind="run", run=run) for run in found_runs]
    together = list(merge(lines, looks, key=_mark, reverse=True))
    return page_of(together[: limit + 1], limit, _mark)


def _mark(entry: ActivityEntry) -> tuple[datetime, str]:
    return entry.at, entry.id


def from_level_on(level: Level | None) -> list[str] | None:
    """The level and those that matter more; None for all."""
    order = list(Level)
    return None if level is None else [each.value for each in order[order.index(level) :]]


async def _lines(
    database: Database, wanted: ActivityFilter, *, without: str | None, limit: int, cursor: str | None
) -> list[ActivityLine]:
    values: tuple[Any, ...] = (
        wanted.mailbox_id,
        wanted.source,
        without,
        from_level_on(wanted.level),
        wanted.since,
        wanted.until,
        wanted.q,
        *(moment_mark(cursor) or (None, None)),
        limit + 1,
    )
    async with database.connection() as connection:
        return [ActivityLine.model_validate(dict(row)) for row in await connection.fetch(ACTIVITY["lines"], *values)]


async def _runs(database: Database, wanted: RunFilter, *, limit: int, cursor: str | None) -> list[FetchRun]:
    mark = moment_mark(cursor) or (None, None)
    values = (wanted.mailbox_id, wanted.since, wanted.until, *mark, wanted.eventful, limit + 1)
    async with database.connection() as connection:
        return [FetchRun.model_validate(dict(row)) for row in await connection.fetch(ACTIVITY["runs"], *values)]
