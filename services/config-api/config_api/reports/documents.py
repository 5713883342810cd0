"""The file of a report as it was received, uncompressed piece by piece: it may be large."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from config_api.errors import Gone, not_found
from config_api.web.paging import MAX_BIGINT
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements

REPORTS = Statements.of("config_api.reports")

MEDIA_TYPES = {"xml": "application/xml", "json": "application/json", "arf": "message/rfc822"}
SUFFIXES = {"xml": ".xml", "json": ".json", "arf": ".eml"}
PIECE_BYTES = 64 * 1024
MAX_NAME_LENGTH = 120
GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class RawDocument:
    """`size` is bytes, uncompressed; `gzip` one gzip member."""

    name: str
    media_type: str
    size: int
    gzip: bytes

    def pieces(self) -> Iterator[bytes]:
        """The uncompressed bytes."""
        inflating = zlib.decompressobj(GZIP)
        waiting = self.gzip
        while waiting and not inflating.eof:
            yield inflating.decompress(waiting, PIECE_BYTES)
            waiting = inflating.unconsumed_tail
        yield inflating.flush()


async def get(database: Database, report_id: int) -> RawDocument:
    """The document of a report. Raises NotFound, Gone (its retention is over)."""
    if not 0 <= report_id <= MAX_BIGINT:
        raise not_found("report")
    async with database.connection() as connection:
        row = await connection.fetchrow(REPORTS["document"], report_id)
    if row is None:
        raise not_found("report")
    if row["bytes"] is None:
        raise Gone("The file was kept for DMARQ_KEEP_DOCUMENTS_DAYS and is gone.")
    return RawDocument(
        name=safe_name(row["name"], report_id=report_id, suffix=SUFFIXES.get(row["format"], ".bin")),
        media_type=MEDIA_TYPES.get(row["format"], "application/octet-stream"),
        size=row["size"],
        gzip=row["bytes"],
    )


def safe_name(name: str, *, report_id: int, suffix: str) -> str:
    """A file name that does no harm anywhere, with the suffix of what the file is.

    >>> safe_name("../a b!c.xml.gz", report_id=7, suffix=".xml")
    'a-b!c.xml'
    """
    base = re.split(r"[/\\]", name)[-1]
    stem = re.sub(r"(\.(xml|json|eml|gz|zip))+$", "", base, flags=re.IGNORECASE)
    plain = re.sub(r"[^A-Za-z0-9!@._-]+", "-", stem).strip(".-")[:MAX_NAME_LENGTH]
    return (plain or f"report-{report_id}") + suffix
