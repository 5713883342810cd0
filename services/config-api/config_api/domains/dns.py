"""What DNS says of a domain: as it was asked for last, with its history; and asked for now, by a fetcher."""

from datetime import timedelta
from typing import Any

from config_api.backend import Backend
from config_api.domains.queries import SQL, known_domain
from config_api.domains.shapes import DnsAnswer, DnsPeriod
from config_api.errors import Unavailable
from pipeline.contracts.domain_dns import DnsQuestion, DnsRecord, DomainDns, RecordKind
from pipeline.contracts.topology import DNS_SUBJECT
from pipeline.dns.organisation import DMARC, Record, records
from pipeline.dns.policies import policy_of
from pipeline.dns.published import PolicyTags, Reported, counted_from, differences, tags_in_dns
from pipeline.jetstream.requests import NobodyAnswers, request
from pipeline.postgres.connection import Connection, Database
from pipeline.sources.readiness import Policy, Published

TIMEOUT = 30.0  # seconds; a fetcher answers within 20
MOST_PERIODS = 100
COMPARED_DAYS = 30  # of reports, the latest


async def latest(database: Database, name: str) -> DnsAnswer:
    """What is known. Raises NotFound for a domain that no report speaks of."""
    async with database.transaction() as connection:
        domain = await known_domain(connection, name)
        asked = await connection.fetchrow(SQL["dns_asked"], domain["domain"])
        rows = await connection.fetch(SQL["dns_history"], domain["domain"], MOST_PERIODS)
        history = [_period(dict(row)) for row in rows]
        differing = await _differences(connection, domain["domain"], history[0]) if history else []
    return DnsAnswer(
        domain=domain["domain"],
        asked_at=asked["asked_at"] if asked else None,
        problem=(asked["problem"] if asked else "") or None,
        differences=differing,
        latest=history[0] if history else None,
        history=history[1:],
    )


async def ask(back: Backend, name: str) -> DnsAnswer:
    """Has a fetcher ask now, and keeps what it found. Raises NotFound, and Unavailable when no fetcher runs."""
    async with back.database.transaction() as connection:
        domain = (await known_domain(connection, name))["domain"]
        question = DnsQuestion.model_validate(await connection.fetchval(SQL["dns_question"], domain))
    try:
        payload = await request(back.bus.client, DNS_SUBJECT, question.model_dump_json().encode(), timeout=TIMEOUT)
    except NobodyAnswers:
        raise Unavailable("DNS is asked by a fetcher; start one.", title="No fetcher is running") from None
    answer = DomainDns.model_validate_json(payload)
    found = answer.model_dump(mode="json")["found"]
    async with back.database.transaction() as connection:
        await connection.execute(SQL["keep_dns"], domain, found, answer.problem)
    return await latest(back.database, domain)


async def published(connection: Connection, domain: str) -> Published | None:
    """The policy that DNS shows; None where it was not asked, did not answer, or has no record that counts."""
    rows = await connection.fetch(SQL["dns_history"], domain, 1)
    counted = _dmarc(domain, _period(dict(rows[0]))) if rows else None
    if counted is None:
        return None
    record, is_parent = counted
    tags = record.tags
    is_partial = tags.get("pct", "100").isdecimal() and int(tags.get("pct", "100")[:4]) < 100
    return Published(
        Policy(policy_of(record, is_parent=is_parent)),
        None if is_parent else _policy(tags.get("sp")),
        _policy(tags.get("np")),
        tags.get("t", "").lower() == "y" or is_partial,
    )


async def _differences(connection: Connection, domain: str, period: DnsPeriod) -> list[str]:
    """Where reports say another policy than DNS has, in words."""
    counted = _dmarc(domain, period)
    if counted is None:
        return []
    record, is_parent = counted
    since = counted_from(period.first_at).date() + timedelta(days=1)  # whole days that had to see it
    rows = await connection.fetch(SQL["latest_policies"], domain, since, COMPARED_DAYS)
    seen = [Reported(PolicyTags(*row[:-1]), row["reports"]) for row in rows]
    return [one.text for one in differences(tags_in_dns(record, is_parent=is_parent), seen)]


def _dmarc(domain: str, period: DnsPeriod) -> tuple[Record, bool] | None:
    """The record that counts, and whether it is a parent's; None where there is none, or several."""
    found = next((one for one in period.records if one.kind is RecordKind.DMARC), None)
    counted = records(found.records, DMARC) if found else []
    return (counted[0], found.name != f"_dmarc.{domain}") if found and len(counted) == 1 else None


def _policy(word: str | None) -> Policy | None:
    return Policy(word.lower()) if word and word.lower() in list(Policy) else None


def _period(row: dict[str, Any]) -> DnsPeriod:
    found = [DnsRecord.model_validate(one) for one in row["found"]]
    return DnsPeriod(first_at=row["first_at"], last_at=row["last_at"], records=found)
