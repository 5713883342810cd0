"""The reports in the database of another tool: parsedmarc's tables, or the `raw_xml` of dmarcts-report-parser.

Only read, in one transaction that sees one moment, and a report at a time.
"""

from collections.abc import AsyncGenerator
from typing import Final

from dmarq.foreign.document import Found
from dmarq.foreign.dump import TOOL as RAW
from dmarq.foreign.dump import report_in
from dmarq.foreign.parsedmarc import rebuilt
from pipeline.postgres.foreign import entries, tables
from pipeline.postgres.statements import Statements

SQL = Statements.of("dmarq.foreign")

PARSEDMARC: Final = ("dmarc_aggregate_report", "smtp_tls_report", "dmarc_failure_report")


class NothingKnown(Exception):
    """The database has no table of a tool that is known."""


async def of_database(url: str) -> AsyncGenerator[Found, None]:
    """The documents. Raises NothingKnown, OSError where the database cannot be read."""
    there = await tables(url)
    known = [name for name in PARSEDMARC if name in there]
    if not known and "report" not in there:
        raise NothingKnown("it has neither the tables of parsedmarc nor those of dmarcts-report-parser")
    for table in known:
        async for number, entry in entries(url, SQL[table]):
            yield rebuilt(entry, name=f"{table}#{number}")
    if not known:
        async for number, entry in entries(url, SQL["raw_xml"]):
            document = report_in(str(entry or "").encode())
            name = f"report#{number}"
            yield Found(RAW, name, document) if document else Found(RAW, name, refused="raw_xml is no report")
