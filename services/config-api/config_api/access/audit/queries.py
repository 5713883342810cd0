"""The audit log, read."""

from datetime import datetime

from pydantic import Field

from config_api.access.audit.entries import SQL
from config_api.web.absence import Maybe
from config_api.web.paging import Page, PageQuery, moment_number_mark, page_of
from config_api.web.shapes import Format, PeriodFilter, Row, Text
from pipeline.postgres.connection import Database


class AuditFilter(PeriodFilter):
    """Which lines."""

    who: Maybe[Text] = Field(None, description="A user, “admin token”, or “token” and the name of one.")
    action: Maybe[Text] = Field(None, description="A code, like user_changed.")
    q: Maybe[Text] = Field(None, description="A text in what was done, what to, or in the address.")


class AuditQuery(PageQuery, AuditFilter):
    """Lines of the audit log. With `format` all that match come as one file, whatever the limit."""

    format: Maybe[Format] = None


class ChangedRow(Row):
    """What changed; the values are empty where they may not be shown."""

    name: str
    before: str = ""
    after: str = ""


class AuditLine(Row):
    """Who did what."""

    id: int
    at: datetime
    who: str
    via: str = Field(description="browser, program, command line, or dmarq for what it does by itself.")
    address: str = Field(description="Where the request came from.")
    action: str
    target: str
    text: str
    changes: list[ChangedRow]


COLUMNS = ("at", "who", "via", "address", "action", "target", "text", "changes")


async def find(database: Database, wanted: AuditFilter, *, limit: int, cursor: str | None) -> Page[AuditLine]:
    """Lines, the latest first. Raises Invalid for a cursor of another list."""
    mark = moment_number_mark(cursor) or (None, None)
    async with database.connection() as connection:
        rows = await connection.fetch(
            SQL["lines"], wanted.who, wanted.action, wanted.since, wanted.until, wanted.q, *mark, limit + 1
        )
    found = [AuditLine.model_validate(dict(row)) for row in rows]
    return page_of(found, limit, lambda line: (line.at, line.id))


async def actions(database: Database) -> list[str]:
    """The codes that there are lines of."""
    async with database.connection() as connection:
        return [row["action"] for row in await connection.fetch(SQL["actions"])]
