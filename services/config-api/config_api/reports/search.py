"""Which reports a list is narrowed to, as SQL: filters by column, and a search that costs as much as it finds."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_network
from typing import Any

from pydantic import Field

from config_api.web.absence import Maybe
from config_api.web.shapes import PeriodFilter, Text
from pipeline.contracts.report import ReportKind
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements

REPORTS = Statements.of("config_api.reports")
LAST = "\U0010ffff"  # sorts behind every character
FREQUENT = 1000  # days of a domain and mailbox, above which no list of them is made
MAX_ID = 60  # characters of a report id that are looked at


class ReportFilter(PeriodFilter):
    """Which reports. The period is that of their beginning."""

    kind: Maybe[ReportKind] = None
    domain: Maybe[Text] = Field(None, description="The policy domain.")
    org_name: Maybe[Text] = Field(None, description="Who sent the report.")
    mailbox_id: Maybe[Text] = None
    repaired: Maybe[bool] = Field(None, description="Whether something had to be repaired to read it.")
    variant: Maybe[bool] = Field(None, description="Whether another report of the same identity came before.")
    q: Maybe[Text] = Field(
        None,
        description="A text in the sender or the domain, the beginning of a report id, or a source's address.",
    )


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A condition, and its parameters from $1 on."""

    sql: str
    values: tuple[Any, ...]


async def narrow(connection: Connection, wanted: ReportFilter) -> Narrowed | None:
    """The condition for these reports; None where nothing can be found.

    A text is looked up among the names of senders and domains, of which there are few, and not in every report; an
    address among the days that the overview has.
    """
    plain = REPORTS["report_filter"]
    values = (
        wanted.kind.value if wanted.kind else None,
        wanted.domain,
        wanted.org_name,
        wanted.mailbox_id,
        wanted.since,
        wanted.until,
        wanted.repaired,
        wanted.variant,
    )
    text = (wanted.q or "").strip()
    if not text:
        return Narrowed(plain, values)
    network = network_of(text)
    if network is not None:
        return await _with_address(connection, plain, values, network)
    orgs = [row["text"] for row in await connection.fetch(REPORTS["org_names"], text)]
    domains = [row["text"] for row in await connection.fetch(REPORTS["domains"], text)]
    start = text.lower()[:MAX_ID]
    return Narrowed(f"{plain} {REPORTS['text_filter']}", (*values, orgs, domains, start, start + LAST))


async def _with_address(connection: Connection, plain: str, values: tuple[Any, ...], network: str) -> Narrowed | None:
    days = await connection.fetchrow(REPORTS["days_of_address"], network, FREQUENT)
    is_frequent = days is not None and days["is_frequent"]
    if is_frequent:
        days = await connection.fetchrow(REPORTS["span_of_address"], network)
    others = [
        row["id"] for row in await connection.fetch(REPORTS["other_reports_of_address"], network.partition("/")[0])
    ]
    if days is None or days["first"] is None:
        return Narrowed(f"{plain} AND id = ANY($9::bigint[])", (*values, others)) if others else None
    condition = f"{plain} {REPORTS['frequent_address_filter' if is_frequent else 'address_filter']}"
    if not others:
        begin = datetime.combine(days["first"], time.min, UTC)
        end = datetime.combine(days["last"], time.min, UTC) + timedelta(days=1)
        return Narrowed(f"{condition} AND begin >= $11 AND begin < $12", (*values, network, others, begin, end))
    return Narrowed(condition, (*values, network, others))


def network_of(text: str) -> str | None:
    """The address or network that a text is, as PostgreSQL writes it; None where it is none.

    >>> network_of("192.0.2.1"), network_of("2001:DB8::/32"), network_of("example.com")
    ('192.0.2.1/32', '2001:db8::/32', None)
    """
    try:
        return str(ip_network(text.strip("[]"), strict=False))
    except ValueError:
        return None
