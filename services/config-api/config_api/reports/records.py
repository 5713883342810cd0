"""The rows of an aggregate report, sorted by any column; what failed most comes first where people look."""

from enum import StrEnum

from pydantic import Field, JsonValue

from config_api.errors import not_found
from config_api.reports.queries import NOUN, REPORTS, known_number
from config_api.web.absence import Maybe
from config_api.web.paging import MAX_COUNTED, Page, PageQuery, page_at
from config_api.web.shapes import Filter, Format, Row, Text
from config_api.web.sorting import Key, Order, parameters
from pipeline.postgres.connection import Database


class RecordFilter(Filter):
    """Which rows of a report."""

    disposition: Maybe[Text] = None
    dkim: Maybe[Text] = Field(None, description="The aligned result: pass or fail.")
    spf: Maybe[Text] = Field(None, description="The aligned result: pass or fail.")
    failing: Maybe[bool] = Field(None, description="Whether neither DKIM nor SPF passed.")
    q: Maybe[Text] = Field(None, description="A text in the address or in a domain.")


class RecordSort(StrEnum):
    """What the rows of a report are sorted by; "-" for falling. `failed` puts those that neither passed together."""

    POSITION = "position"
    POSITION_FALLING = "-position"
    FAILED = "failed"
    FAILED_FALLING = "-failed"
    COUNT = "count"
    COUNT_FALLING = "-count"
    SOURCE = "source_ip"
    SOURCE_FALLING = "-source_ip"
    DISPOSITION = "disposition"
    DISPOSITION_FALLING = "-disposition"
    DKIM = "dkim"
    DKIM_FALLING = "-dkim"
    SPF = "spf"
    SPF_FALLING = "-spf"
    FROM = "header_from"
    FROM_FALLING = "-header_from"


class RecordQuery(PageQuery, RecordFilter):
    """Rows of a report. With `format` all that match come as one file, whatever the limit."""

    sort: RecordSort = RecordSort.POSITION
    format: Maybe[Format] = None


class RecordRow(Row):
    """One row of an aggregate report. `dkim` and `spf` are the aligned results."""

    position: int
    source_ip: str | None
    count: int
    disposition: str | None
    dkim: str | None
    spf: str | None
    header_from: str | None
    envelope_from: str | None
    envelope_to: str | None
    reasons: list[dict[str, JsonValue]] | None
    dkim_results: list[dict[str, JsonValue]] | None
    spf_results: list[dict[str, JsonValue]] | None
    raw: dict[str, JsonValue] | None


class _Listed(RecordRow):
    """A row with what it is sorted by."""

    failed: int = Field(exclude=True)
    address_mark: str = Field(exclude=True)
    disposition_mark: str = Field(exclude=True)
    dkim_mark: str = Field(exclude=True)
    spf_mark: str = Field(exclude=True)
    from_mark: str = Field(exclude=True)


_POSITION = Key("position", "number", "position")
_COUNT = Key("count", "number", "count")
_FAILED = Key("(coalesce(dkim, '') <> 'pass' AND coalesce(spf, '') <> 'pass')::integer", "number", "failed")


def _text(column: str, field: str) -> Key:
    return Key(f"left(coalesce({column}, ''), 60)", "text", field)


ORDERS: dict[str, tuple[Key, ...]] = {
    "position": (_POSITION,),
    "failed": (_FAILED, _COUNT, _POSITION),
    "count": (_COUNT, _POSITION),
    "source_ip": (Key("coalesce(source_ip, '0.0.0.0/0')", "address", "address_mark"), _POSITION),
    "disposition": (_text("disposition", "disposition_mark"), _COUNT, _POSITION),
    "dkim": (_text("dkim", "dkim_mark"), _COUNT, _POSITION),
    "spf": (_text("spf", "spf_mark"), _COUNT, _POSITION),
    "header_from": (_text("header_from", "from_mark"), _COUNT, _POSITION),
}


async def records(
    database: Database,
    report_id: int,
    wanted: RecordFilter,
    *,
    sort: RecordSort = RecordSort.POSITION,
    limit: int,
    cursor: str | None,
) -> Page[RecordRow]:
    """Rows of a report. Raises NotFound, and Invalid for a cursor of another list."""
    order = Order.of(sort, ORDERS)
    place = order.place(cursor)
    async with database.connection() as connection:
        begin = await connection.fetchval(REPORTS["begin_of"], known_number(report_id))
        if begin is None:
            raise not_found(NOUN)
        values = [report_id, begin, *_values(wanted), *parameters(place), limit + 1]
        template = REPORTS["records"].replace("{filter}", REPORTS["record_filter"])
        statement = order.statement(template, place, first_parameter=8).replace("{limit}", f"${len(values)}")
        rows = await connection.fetch(statement, *values)
    page = page_at(place, [_Listed.model_validate(dict(row)) for row in rows], limit, order.mark)
    return Page[RecordRow].model_validate(page.model_dump())


async def count(database: Database, report_id: int, wanted: RecordFilter) -> int:
    """How many rows there are, counted up to one more than MAX_COUNTED."""
    statement = REPORTS["count_records"].replace("{filter}", REPORTS["record_filter"]).replace("{limit}", "$8")
    async with database.connection() as connection:
        begin = await connection.fetchval(REPORTS["begin_of"], known_number(report_id))
        return int(await connection.fetchval(statement, report_id, begin, *_values(wanted), MAX_COUNTED + 1))


def _values(wanted: RecordFilter) -> tuple[object, ...]:
    return wanted.disposition, wanted.dkim, wanted.spf, wanted.failing, wanted.q
