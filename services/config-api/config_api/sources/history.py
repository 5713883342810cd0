"""The days of a source and of a service, and one service in full."""

from datetime import UTC, date, datetime, timedelta

from config_api.errors import not_found
from config_api.sources.filters import SQL, TERMS
from config_api.sources.groups import GroupRow, group_of_service
from config_api.sources.shapes import Period, SourceDay
from config_api.web.shapes import Row
from pipeline.postgres.connection import Database
from pipeline.sources.catalogue import Catalogue, Kind, Service

HISTORY_DAYS = 90


class ServiceDetail(Row):
    """A service: `sums` of the last 30 days that reports speak of, null where it sent nothing; `days` of the period."""

    id: str
    name: str
    kind: Kind
    domains: list[str]
    help: str | None
    sums: GroupRow | None
    since: date
    until: date
    days: list[SourceDay]


def known_service(catalogue: Catalogue, service_id: str) -> Service:
    """The service of this id. Raises NotFound."""
    service = catalogue.services.get(service_id)
    if service is None:
        raise not_found("service")
    return service


def days_of(period: Period, *, until: date) -> tuple[date, date]:
    """The days that are asked for, or the 90 that end with the last one there was something; none still to come."""
    if period.since is not None and period.until is not None:
        return period.since, period.until
    last = min(until, datetime.now(UTC).date())
    return last - timedelta(days=HISTORY_DAYS - 1), last


async def service_detail(database: Database, service: Service, period: Period, domain: str | None) -> ServiceDetail:
    """A service, as far as it sends as a domain, or whole."""
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        sums = await group_of_service(connection, service, domain)
        since, until = days_of(period, until=sums.last_day if sums else date.max)
        rows = await connection.fetch(SQL["service_days"], service.id, since, until, domain)
    return ServiceDetail(
        **service.model_dump(include={"id", "name", "kind", "help"}),
        domains=list(service.domains),
        sums=sums,
        since=since,
        until=until,
        days=[SourceDay.model_validate(dict(row)) for row in rows],
    )
