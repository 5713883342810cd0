"""What DNS says of a domain: as it was asked for last, with its history; and asked for now, by a fetcher."""

from typing import Any

from config_api.backend import Backend
from config_api.domains.shapes import DnsAnswer, DnsPeriod
from config_api.domains.sql import SQL
from config_api.web.problem import Problem, not_found
from pipeline.contracts.domain_dns import DnsQuestion, DnsRecord, DomainDns, RecordKind
from pipeline.contracts.topology import DNS_SUBJECT
from pipeline.dns.organisation import DMARC, records
from pipeline.dns.policies import policy_of
from pipeline.jetstream.requests import NobodyAnswers, request
from pipeline.postgres.connection import Connection, Database
from pipeline.sources.readiness import Policy, Published

TIMEOUT = 30.0  # seconds; a fetcher answers within 20
MOST_PERIODS = 100


async def latest(database: Database, name: str) -> DnsAnswer:
    """What is known. Raises Problem 404 for a domain that no report speaks of."""
    async with database.transaction() as connection:
        domain = await _known(connection, name)
        asked = await connection.fetchrow(SQL["dns_asked"], domain)
        history = [_period(dict(row)) for row in await connection.fetch(SQL["dns_history"], domain, MOST_PERIODS)]
    return DnsAnswer(
        domain=domain,
        asked_at=asked["asked_at"] if asked else None,
        problem=(asked["problem"] if asked else "") or None,
        latest=history[0] if history else None,
        history=history[1:],
    )


async def ask(back: Backend, name: str) -> DnsAnswer:
    """Has a fetcher ask now, and keeps what it found. Raises Problem 404, and 503 when no fetcher runs."""
    async with back.database.transaction() as connection:
        domain = await _known(connection, name)
        question = DnsQuestion.model_validate(await connection.fetchval(SQL["dns_question"], domain))
    try:
        payload = await request(back.bus.client, DNS_SUBJECT, question.model_dump_json().encode(), timeout=TIMEOUT)
    except NobodyAnswers:
        raise Problem(503, "No fetcher is running", "DNS is asked by a fetcher; start one.", retry_after=5) from None
    answer = DomainDns.model_validate_json(payload)
    found = answer.model_dump(mode="json")["found"]
    async with back.database.transaction() as connection:
        await connection.execute(SQL["keep_dns"], domain, found, answer.problem)
    return await latest(back.database, domain)


async def published(connection: Connection, domain: str) -> Published | None:
    """The policy that DNS shows; None where it was not asked, did not answer, or has no record that counts."""
    rows = await connection.fetch(SQL["dns_history"], domain, 1)
    found = [one for row in rows for one in _period(dict(row)).records if one.kind is RecordKind.DMARC]
    counted = records(found[0].records, DMARC) if found else []
    if len(counted) != 1:
        return None
    tags = counted[0].tags
    is_parent = found[0].name != f"_dmarc.{domain}"
    is_partial = tags.get("pct", "100").isdecimal() and int(tags.get("pct", "100")[:4]) < 100
    return Published(
        Policy(policy_of(counted[0], is_parent=is_parent)),
        None if is_parent else _policy(tags.get("sp")),
        _policy(tags.get("np")),
        tags.get("t", "").lower() == "y" or is_partial,
    )


def _policy(word: str | None) -> Policy | None:
    return Policy(word.lower()) if word and word.lower() in list(Policy) else None


async def _known(connection: Connection, name: str) -> str:
    row = await connection.fetchrow(SQL["domain"], name.lower().rstrip("."))
    if row is None:
        raise not_found("domain")
    return str(row["domain"])


def _period(row: dict[str, Any]) -> DnsPeriod:
    found = [DnsRecord.model_validate(one) for one in row["found"]]
    return DnsPeriod(first_at=row["first_at"], last_at=row["last_at"], records=found)
