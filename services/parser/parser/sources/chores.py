"""Names sources, adds up those of domains with news, judges and groups them; a few at a time: storing goes first."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from parser.chore import TIMEOUT, chore, long_transaction
from parser.sources.data import NamingData
from pipeline.postgres.connection import Connection, Database, Record
from pipeline.postgres.statements import Statements
from pipeline.sources.catalogue import Catalogue
from pipeline.sources.facts import facts_of, identities_of
from pipeline.sources.judge import weigh
from pipeline.sources.naming import service_of

SQL = Statements.of("parser.sources")
EVERY = 5.0  # seconds
SOME = 2000  # sources in a transaction


@dataclass(frozen=True, slots=True)
class Many:
    """From how many on groups are kept: of a domain that takes so long to add up, and of all domains together."""

    took_ms: int = 50
    sources: int = 20_000


MANY = Many()


async def keep_sources(database: Database, data: NamingData, stopping: asyncio.Event) -> None:
    """Does all of it, again and again until told to stop."""

    async def work() -> None:
        await data.refresh()
        await name_sources(database, data, stopping)
        await sum_domains(database, stopping)
        await judge_sources(database, data.catalogue, stopping)
        await group_sources(database, stopping)

    await chore("sources", work, every=EVERY, stopping=stopping)


async def name_sources(database: Database, data: NamingData, stopping: asyncio.Event) -> None:
    """Names those that are new, or were named with other data. Raises TryLater."""
    version = data.version
    while not stopping.is_set():
        async with database.transaction() as connection:
            found = await _in_turn(connection, "unnamed", version, SOME)
            if not found:
                return
            await connection.execute(SQL["name"], [_named(dict(row), data) for row in found], version)
        await asyncio.sleep(0)


def _named(row: Mapping[str, Any], data: NamingData) -> dict[str, Any]:
    address = row["source_ip"].partition("/")[0]
    is_address = not row["source_ip"].endswith("/0")
    identities = [[mechanism, name, True, ""] for mechanism, name in row["identities"]]
    service = service_of(data.catalogue, identities_of(identities), host=row["host"]) if is_address else None
    network = data.networks.network(address) if is_address else None
    return {
        "source_ip": row["source_ip"],
        "service": service.id if service else None,
        "network": network.prefix if network else None,
        "asn": network.asn if network else None,
        "organisation": network.organisation if network else None,
        "country": network.country if network else None,
    }


async def _in_turn(connection: Connection, statement: str, *values: Any) -> Sequence[Record]:
    """What the statement finds; nothing while another parser does this."""
    if not await connection.fetchval(SQL["take_turn"]):
        return ()
    found: list[Record] = await connection.fetch(SQL[statement], *values)
    return found


async def sum_domains(database: Database, stopping: asyncio.Event) -> None:
    """Adds up the sources of domains with news, small ones many at a time. Raises TryLater."""
    while not stopping.is_set():
        async with long_transaction(database) as connection:
            found = await _in_turn(connection, "due_domains")
            if not found:
                return
            due = [row["domain"] for row in found], [row["last_day"] for row in found]
            began = perf_counter()
            await connection.execute(SQL["sum_sources"], *due, timeout=TIMEOUT)
            await connection.execute(SQL["sum_silent"], *due, timeout=TIMEOUT)
            took_ms = round((perf_counter() - began) * 1000 / len(found))
            await connection.execute(SQL["summed"], due[0], took_ms)


async def judge_sources(database: Database, catalogue: Catalogue, stopping: asyncio.Event) -> None:
    """Judges those that have no verdict. Raises TryLater."""
    while not stopping.is_set():
        async with database.transaction() as connection:
            found = await _in_turn(connection, "unjudged", SOME)
            if not found:
                return
            await connection.execute(SQL["judge"], list(_verdicts([dict(row) for row in found], catalogue)))
        await asyncio.sleep(0)


async def group_sources(database: Database, stopping: asyncio.Event, many: Many = MANY) -> None:
    """Makes the groups that are kept again, where verdicts or names changed. Raises TryLater."""
    async with database.transaction() as connection:
        await connection.execute(SQL["keep_groups"], many.took_ms, many.sources)
    while not stopping.is_set():
        async with long_transaction(database) as connection:
            found = await _in_turn(connection, "due_groups")
            if not found:
                return
            await connection.execute(SQL["group"], found[0]["domain"], timeout=TIMEOUT)


def _verdicts(rows: Iterable[Mapping[str, Any]], catalogue: Catalogue) -> Iterable[dict[str, Any]]:
    for row in rows:
        verdict, changes = weigh(facts_of(row, catalogue))
        yield {
            "domain": row["domain"],
            "source_ip": row["source_ip"],
            "verdict": verdict.value,
            "severity": verdict.severity,
            "changes": [change.value for change in changes],
        }
