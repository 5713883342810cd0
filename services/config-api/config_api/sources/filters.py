"""What lists of sources are narrowed by, as SQL. Sums are those that are kept, or of the days that are asked for."""

from dataclasses import dataclass
from typing import Any

from config_api.sources.shapes import SourceFilter
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements

SQL = Statements.of("config_api.sources")

# One plan for what is asked: a plan for any filter would read everything. Nobody waits longer.
TERMS = (
    "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = '30s'; SET LOCAL work_mem = '64MB'"
)
FEW = 2000  # addresses that are looked up one by one


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A statement, and its parameters $1 to $12."""

    sql: str
    values: list[Any]


async def narrow(connection: Connection, statement: str, wanted: SourceFilter) -> Narrowed | None:
    """The statement with its parts filled in; None where nothing can be found."""
    pattern, addresses, domains = None, None, []
    if wanted.q is not None:
        pattern = f"%{_escaped(wanted.q.lower())}%"
        addresses = [row["source_ip"] for row in await connection.fetch(SQL["worded"], pattern, FEW + 1)]
        domains = [row["domain"] for row in await connection.fetch(SQL["called"], pattern, FEW)]
        if not addresses and not domains:
            return None
        addresses = addresses if len(addresses) <= FEW else None
    parts = {
        "found": SQL["found"],
        "matching": SQL["matching"],
        "searched": SQL["many" if addresses is None else "few"],
        "relation": SQL["window" if wanted.since is None else "period"],
        "one": SQL["one_window" if wanted.since is None else "one_period"],
    }
    for part, text in parts.items():
        statement = statement.replace(f"{{{part}}}", text)
    severity = None if wanted.verdict is None else wanted.verdict.severity
    plain = [wanted.domain, wanted.service, severity, wanted.standing, wanted.result, wanted.change, wanted.asn]
    return Narrowed(statement, [*plain, pattern, wanted.since, wanted.until, addresses, domains])


def _escaped(text: str) -> str:
    """For LIKE, without a meaning of its own."""
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
