"""What would go if it were kept for so long: the dry run of what the parser clears every hour."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from config_api.web.shapes import Row
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements

SQL = Statements.of("config_api.system", "retention.sql")
ACTIVITY_DAYS = 30


class RetentionQuery(BaseModel):
    """For how long each kind of data would be kept; 0 is for ever."""

    model_config = ConfigDict(extra="forbid")

    documents_days: int = Field(0, ge=0, le=100_000, description="Report files, as DMARQ_KEEP_DOCUMENTS_DAYS.")
    failure_days: int = Field(0, ge=0, le=100_000, description="Failure reports, as DMARQ_KEEP_FAILURE_DAYS.")
    records_months: int = Field(0, ge=0, le=1200, description="Rows of reports, as DMARQ_KEEP_RECORDS_MONTHS.")


class KeptData(Row):
    """One kind of data: how much there is, since when, and how much would go."""

    kind: str = Field(description="documents, failure_reports, records or activities.")
    kept: int
    oldest: datetime | None
    due: int


class Retention(Row):
    """Each kind of data that goes after a time."""

    kinds: list[KeptData]


async def retention(database: Database, wanted: RetentionQuery) -> Retention:
    """The dry run. Nothing is changed."""
    spans = {
        "documents": wanted.documents_days,
        "failure_reports": wanted.failure_days,
        "records": wanted.records_months,
        "activities": ACTIVITY_DAYS,
    }
    async with database.connection() as connection:
        rows = {kind: await connection.fetchrow(SQL[kind], span) for kind, span in spans.items()}
    return Retention(kinds=[KeptData(kind=kind, **dict(row or {})) for kind, row in rows.items()])
