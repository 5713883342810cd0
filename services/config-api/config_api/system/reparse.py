"""Reading kept documents again: a parser is asked to, and the database tells how far it has come."""

from config_api.backend import Backend
from config_api.errors import FieldError, Unavailable, invalid, not_found
from config_api.web.paging import MAX_BIGINT
from config_api.web.shapes import FIRST_YEAR, LAST_YEAR
from pipeline.contracts.questions import ReparseJob, ReparseOptions, ReparseRequest
from pipeline.contracts.topology import REPARSE_SUBJECT
from pipeline.jetstream.requests import NobodyAnswers, request
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements

REPARSE = Statements.of("config_api.system", "reparse.sql")

TIMEOUT = 10.0  # seconds


async def start(backend: Backend, options: ReparseOptions, *, who: str) -> ReparseJob:
    """The job that the request became. Raises Invalid, and Unavailable where no parser is there to take it."""
    for name in ("since", "until"):
        at = getattr(options, name)
        if at is not None and not FIRST_YEAR <= at.year <= LAST_YEAR:
            raise invalid(FieldError(field=name, text=f"A year between {FIRST_YEAR} and {LAST_YEAR} is needed."))
    payload = ReparseRequest(wish=options, who=who).model_dump_json().encode()
    try:
        answer = await request(backend.bus.client, REPARSE_SUBJECT, payload, timeout=TIMEOUT)
    except NobodyAnswers:
        raise Unavailable("Start one, or wait until it is connected.", title="No parser is running") from None
    return ReparseJob.model_validate_json(answer)


async def get(database: Database, job_id: int) -> ReparseJob:
    """How far a job has come. Raises NotFound."""
    if not 0 < job_id <= MAX_BIGINT:
        raise not_found("reparse")
    async with database.connection() as connection:
        row = await connection.fetchrow(REPARSE["job"], job_id)
    if row is None:
        raise not_found("reparse")
    return ReparseJob.model_validate(dict(row))
