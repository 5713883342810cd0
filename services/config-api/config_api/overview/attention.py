"""What needs attention first: sources that are new and fail, services of one's own, policies, reporters, dead letters.

Rules are those of the sources (docs/sources.md); each line says what is wrong with its numbers, and leads to the place
where something can be done about it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from config_api.backend import Backend
from config_api.backend.confinement import confined_to
from config_api.domains import queries as domains
from config_api.domains.shapes import DomainFilter, DomainRow
from pipeline.contracts.topology import DEAD
from pipeline.counting import plural
from pipeline.errors import TryLater
from pipeline.jetstream.lag import blob_store, holding
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements
from pipeline.sources.catalogue import Catalogue
from pipeline.sources.judge import Verdict

ATTENTION = Statements.of("config_api.overview", "attention.sql")

MOST = 4  # of a kind
MOST_DOMAINS = 50
LEAST_DELIVERED = 20  # messages that failed and were delivered all the same
DELIVERED_SHARE = 0.2  # of those that failed: below it, receivers follow the policy
STRICT = ("quarantine", "reject")
NAME_SHOWN = 80  # characters of a name that a sender or a reporter chose


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. `tone` is that of a badge; `link` says what is behind `href`."""

    tone: str
    kind: str
    text: str
    href: str
    link: str


async def needs_attention(database: Database, catalogue: Catalogue) -> list[Item]:
    """What the reports show, the most urgent first."""
    async with database.connection() as connection:
        new = await connection.fetch(ATTENTION["new_failing"], MOST)
        own = await connection.fetch(ATTENTION["own_failing"], MOST)
        silent = await connection.fetch(ATTENTION["silent_reporters"], MOST)
    rows = (await domains.find(database, DomainFilter(), limit=MOST_DOMAINS, cursor=None)).items
    return [
        *(_new(dict(row), catalogue) for row in new),
        *(_own(dict(row), catalogue) for row in own),
        *list(_not_followed(rows))[:MOST],
        *(_silent(dict(row)) for row in silent),
    ]


async def on_the_bus(services: Backend) -> list[Item]:
    """What waits in the message bus: for room, and for somebody to look."""
    return [*await full_store(services), *await dead_letters(services)]


async def full_store(services: Backend) -> list[Item]:
    """Whether large emails wait for room in the object store; nothing while the bus is away."""
    try:
        store = await blob_store(services.bus.js)
    except TryLater:
        return []
    if store.room > 0:
        return []
    full = f"{store.fullness:.0%} full"
    text = f"The store for large emails is {full}. They wait in their mailboxes; small ones are fetched."
    return [Item("bad", "Store full", text, "/dead-letters", "Refused emails take room")]


async def dead_letters(services: Backend) -> list[Item]:
    """The dead letters that wait for somebody; none while the bus is away, and none for a viewer of some domains."""
    if confined_to() is not None:
        return []
    try:
        count = (await holding(services.bus.js, DEAD)).events
    except TryLater:
        return []
    if not count:
        return []
    text = f"{plural(count, 'email')} could not be processed, and are kept until somebody looks."
    return [Item("bad", "Emails not read", text, "/attention", "Needs attention")]


def _new(row: Mapping[str, Any], catalogue: Catalogue) -> Item:
    name = _name(row, catalogue)
    text = f"{name} began to send as {row['domain']}: {row['failed']:,} of {row['messages']:,} messages fail."
    return Item("bad", "New and failing", text, _source_path(row), "Look at the source")


def _own(row: Mapping[str, Any], catalogue: Catalogue) -> Item:
    name = _name(row, catalogue)
    text = f"{name} sends for you as {row['domain']}, and {row['failed']:,} of {row['messages']:,} messages fail."
    return Item("bad", "Your service fails", text, _source_path(row), "What to do")


def _not_followed(rows: list[DomainRow]) -> Iterator[Item]:
    for row in rows:
        if row.p not in STRICT or row.is_testing:
            continue  # a test is not applied, or to a part only
        spared = sum(sums.failed for sums in row.verdicts if sums.verdict is Verdict.FORWARDED)
        failed = row.failed - spared
        delivered = failed - row.quarantined - row.rejected
        if delivered >= LEAST_DELIVERED and delivered >= DELIVERED_SHARE * failed:
            text = (
                f"{delivered:,} of {failed:,} messages as {row.domain} that failed were delivered, "
                f"though its policy is {row.p}."
            )
            yield Item("warn", "Policy not followed", text, f"/domains/{quote(row.domain)}#dispositions", "By day")


def _silent(row: Mapping[str, Any]) -> Item:
    day = f"{row['last_day'].day} {row['last_day']:%b %Y}"
    name = _shown(row["org_name"]) or "A reporter without a name"
    text = f"{name} has sent no report about a day after {day}, and did so regularly before."
    query = urlencode({"org_name": row["org_name"]}) if row["org_name"] else ""
    return Item("warn", "Reporter silent", text, f"/reports?{query}", "Its reports")


def _name(row: Mapping[str, Any], catalogue: Catalogue) -> str:
    service = catalogue.services.get(row["service"] or "")
    return _shown(service.name if service else row["service"] or row["source_ip"]) or "An address that is not readable"


def _source_path(row: Mapping[str, Any]) -> str:
    if row["service"]:
        return f"/sources/services/{quote(row['service'])}?{urlencode({'domain': row['domain']})}"
    if row["source_ip"]:
        return f"/sources/{quote(row['source_ip'])}"
    return f"/sources?{urlencode({'by': 'address', 'domain': row['domain']})}"


def _shown(name: str | None) -> str:
    text = name or ""
    return text if len(text) <= NAME_SHOWN else f"{text[:NAME_SHOWN]}…"
