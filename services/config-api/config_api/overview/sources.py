"""Who sent most of the messages of a period, out of very many addresses of which nearly all sent next to nothing.

They are not all added up where it can be told beforehand which ones may be among the first. Some that have many
messages are added up; the first ones have at least what the least of these has; and sums by month, which an index has
in order, tell which ones may (the threshold algorithm of Fagin, Lotem and Naor, 2003). Only where these are too many,
or in one mailbox or domain alone, all are added up.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from config_api.web.shapes import Count, Row
from pipeline.postgres.connection import Connection, Database
from pipeline.postgres.statements import Statements

SOURCES = Statements.of("config_api.overview", "sources.sql")

MANY = 500  # addresses; to look up the days of more of them takes about as long as to add up all
BY_INDEX = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
# One state of the database; nobody waits longer; a month may have some 100,000 addresses, whose sums fit then.
TERMS = """SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SET LOCAL statement_timeout = '30s';
SET LOCAL work_mem = '64MB'"""
AS_PLANNED = "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on; SET LOCAL enable_seqscan = on"


class SourceTotal(Row):
    """One sending address."""

    source_ip: str | None
    messages: Count
    passed: Count
    domains: int
    header_from: str | None


@dataclass(frozen=True, slots=True)
class Parts:
    """A period in months: those it touches, those it has whole, and its days in the others."""

    months: list[date]
    whole: list[date]
    days: list[date]


def parts_of(first: date, last: date) -> Parts:
    """The parts of the days `first` to `last`, both included. Months are their first days."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    months = sorted({day.replace(day=1) for day in days})
    whole = [month for month in months if month >= first and _last_of(month) <= last]
    inside = set(whole)
    return Parts(months, whole, [day for day in days if day.replace(day=1) not in inside])


async def top_sources(
    database: Database, first: date, last: date, *, domain: str | None, mailbox_id: str | None, top: int
) -> list[SourceTotal]:
    """The `top` addresses with most messages in these days, the first one first."""
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        possible = None if domain or mailbox_id else await possible_sources(connection, first, last, top=top)
        if possible is None:
            found = await connection.fetch(SOURCES["first"], first, last, domain, mailbox_id, top)
        else:
            found = await connection.fetch(SOURCES["of_addresses"], first, last, possible, top)
    return [SourceTotal.model_validate(dict(row)) for row in found]


async def possible_sources(connection: Connection, first: date, last: date, *, top: int) -> list[str] | None:
    """The addresses that can be among the `top` ones, as text of an inet; None where that are too many.

    For a transaction that sees one state of the database.
    """
    parts = parts_of(first, last)
    await connection.execute(BY_INDEX)
    likely = [row["source_ip"] for row in await connection.fetch(SOURCES["likely"], parts.months, top)]
    least = await connection.fetchval(SOURCES["least"], first, last, likely, parts.whole, parts.days)
    if least is not None and least > 0:
        heavy = await connection.fetch(SOURCES["possible"], first, last, parts.months, least, MANY + 1)
        if len(heavy) <= MANY:
            return [row["source_ip"] for row in heavy if row["is_possible"]]
    await connection.execute(AS_PLANNED)
    return None


def _last_of(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
