"""The activity log: fetch runs, settings changes, and the lines of the IMAP connection log."""

from collections.abc import Mapping
from datetime import datetime
from heapq import merge
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, computed_field, model_validator

from config_api.activity.sentences import sentence_of
from config_api.web.absence import Maybe
from config_api.web.paging import Page, PageQuery, Place, moment_mark, page_at, page_of
from config_api.web.shapes import Filter, PeriodFilter, Row, Text
from config_api.web.sorting import Key, Order, parameters
from pipeline.contracts.events import Level, from_level_on
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


class LogQuery(PageQuery, ActivityFilter):
    """Lines of the IMAP log, if nothing else is asked for."""

    source: Maybe[Text] = Field(IMAP, description="imap (the connection log) or settings (who changed what).")


class EntryQuery(PageQuery, EntryFilter):
    """Entries of the activity log."""


class RunQuery(PageQuery, RunFilter):
    """Fetch runs."""


class StreamQuery(BaseModel):
    """What a live view is to tell of."""

    model_config = ConfigDict(extra="forbid")

    mailbox_id: Maybe[str] = None
    source: Maybe[str] = None
    level: Maybe[Level] = None


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

    @model_validator(mode="before")
    @classmethod
    def _has_a_sentence(cls, line: Any) -> Any:
        """Steps of a connection come as names and facts; what is shown is a sentence."""
        values = dict(line) if isinstance(line, Mapping) else {name: getattr(line, name) for name in cls.model_fields}
        if not values.get("text"):
            values["text"] = sentence_of(str(values.get("name", "")), values.get("data") or {}).text
        return values


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
    skipped: int = Field(0, description="Of `not_a_report`: whose format is switched off.")
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


LINES = Order((Key("at", "moment", "at"), Key("id", "text", "id")), is_falling=True)
RUNS = Order((Key("run.started_at", "moment", "started_at"), Key("run.run_id", "text", "run_id")), is_falling=True)


async def find(database: Database, wanted: ActivityFilter, *, limit: int, cursor: str | None) -> Page[ActivityLine]:
    """Lines, newest first."""
    place = LINES.place(cursor)
    return page_at(place, await _lines(database, wanted, without=None, limit=limit, place=place), limit, LINES.mark)


async def runs(database: Database, wanted: RunFilter, *, limit: int, cursor: str | None) -> Page[FetchRun]:
    """Fetch runs, newest first."""
    place = RUNS.place(cursor)
    return page_at(place, await _runs(database, wanted, limit=limit, place=place), limit, RUNS.mark)


async def entries(database: Database, wanted: EntryFilter, *, limit: int, cursor: str | None) -> Page[ActivityEntry]:
    """Fetch runs and lines together, newest first, without the IMAP log."""
    about = ActivityFilter(mailbox_id=wanted.mailbox_id)
    place = Place(moment_mark(cursor))
    found_lines = await _lines(database, about, without=IMAP, limit=limit, place=place)
    found_runs = await _runs(database, RunFilter(mailbox_id=wanted.mailbox_id), limit=limit, place=place)
    lines = [ActivityEntry(id=line.id, at=line.at, kind="line", line=line) for line in found_lines]
    looks = [ActivityEntry(id=run.run_id, at=run.started_at, kind="run", run=run) for run in found_runs]
    together = list(merge(lines, looks, key=_mark, reverse=True))
    return page_of(together[: limit + 1], limit, _mark)


def _mark(entry: ActivityEntry) -> tuple[datetime, str]:
    return entry.at, entry.id


async def _lines(
    database: Database, wanted: ActivityFilter, *, without: str | None, limit: int, place: Place
) -> list[ActivityLine]:
    values: list[Any] = [
        wanted.mailbox_id,
        wanted.source,
        without,
        from_level_on(wanted.level),
        wanted.since,
        wanted.until,
        wanted.q,
        limit + 1,
        *parameters(place),
    ]
    statement = LINES.statement(ACTIVITY["lines"], place, first_parameter=9)
    async with database.connection() as connection:
        return [ActivityLine.model_validate(dict(row)) for row in await connection.fetch(statement, *values)]


async def _runs(database: Database, wanted: RunFilter, *, limit: int, place: Place) -> list[FetchRun]:
    values = (wanted.mailbox_id, wanted.since, wanted.until, wanted.eventful, limit + 1, *parameters(place))
    statement = RUNS.statement(ACTIVITY["runs"], place, first_parameter=6)
    async with database.connection() as connection:
        return [FetchRun.model_validate(dict(row)) for row in await connection.fetch(statement, *values)]
