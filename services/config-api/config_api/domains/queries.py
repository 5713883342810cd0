"""Domains from the tables: the list, one in full, whether it is ready."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from config_api.domains import dns
from config_api.domains.shapes import (
    DomainDay,
    DomainDetail,
    DomainFilter,
    DomainRow,
    InTheWay,
    NameSeen,
    PolicySeen,
    ReadinessAnswer,
    Reporter,
    SpoofingRow,
    TargetRow,
    TlsDay,
    TlsFailureSums,
    VerdictSums,
)
from config_api.domains.sql import SQL
from config_api.sources.queries import TERMS
from config_api.sources.shapes import Period
from config_api.web.paging import Page, mixed_mark, page_of
from config_api.web.problem import not_found
from pipeline.postgres.connection import Connection, Database, Record
from pipeline.sources.catalogue import Catalogue
from pipeline.sources.facts import NO_ADDRESS
from pipeline.sources.judge import Verdict
from pipeline.sources.readiness import Policy, Published, Seen, SourceSums, readiness
from pipeline.sources.spoofing import spoofing

WINDOW_DAYS = 30
HISTORY_DAYS = 90
MOST_REPORTERS = 100
NOUN = "domain"


async def find(database: Database, wanted: DomainFilter, *, limit: int, cursor: str | None) -> Page[DomainRow]:
    """Domains, those with most messages first."""
    mark = mixed_mark(cursor, numbers=1, texts=1) or (None, None)
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        rows = await connection.fetch(SQL["domains"], wanted.q, *mark, limit + 1, None)
        page = page_of(rows, limit, lambda row: (-int(row["messages"]), row["domain"]))
        verdicts = await _verdicts(connection, [row["domain"] for row in page.items])
    items = [DomainRow.model_validate({**dict(row), "verdicts": verdicts[row["domain"]]}) for row in page.items]
    return Page(items=items, next_cursor=page.next_cursor)


async def get(database: Database, name: str, period: Period, *, days: int = HISTORY_DAYS) -> DomainDetail:
    """One domain; the last `days` that were reported on where no period is asked for. Raises Problem 404."""
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        domain = await _known(connection, name)
        last = period.until or domain["last_day"]
        since = period.since or last - timedelta(days=days - 1)
        head = await connection.fetchrow(SQL["domains"], None, None, None, 1, domain["domain"])
        return DomainDetail.model_validate(
            {
                **dict(head or {}),
                **await _lists(connection, domain["domain"], since, last),
                "since": since,
                "until": last,
                "verdicts": (await _verdicts(connection, [domain["domain"]]))[domain["domain"]],
            }
        )


async def ready(database: Database, catalogue: Catalogue, name: str) -> ReadinessAnswer:
    """Whether a domain may ask for quarantine and for reject. Raises Problem 404."""
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        domain = await _known(connection, name)
        first, last = domain["last_day"] - timedelta(days=WINDOW_DAYS - 1), domain["last_day"]
        key = domain["domain"]
        policies = await connection.fetch(SQL["policies"], key, first, last)
        seen = await connection.fetchrow(SQL["seen"], key, first, last)
        sums = await connection.fetch(SQL["sums"], key)
        in_dns = await dns.published(connection, key)
        verdicts = (await _verdicts(connection, [key]))[key]
    published = in_dns or _published(policies)
    answer = readiness(
        published,
        Seen(days=seen["days"] if seen else 0, reporters=seen["reporters"] if seen else 0),
        [_source_sums(row, key, catalogue) for row in sums],
    )
    return ReadinessAnswer(
        domain=key,
        since=first,
        until=last,
        policy=published.p,
        policy_from="dns" if in_dns else "reports",
        is_testing=published.is_testing,
        days=answer.seen.days,
        reporters=answer.seen.reporters,
        messages=answer.messages,
        yours=answer.yours,
        lost=answer.lost,
        lost_share=answer.lost_share,
        forwarded_lost=answer.forwarded_lost,
        spoofed=answer.spoofed,
        spoofing=_spoofing(key, verdicts),
        targets=[TargetRow(policy=one.policy, ready=one.ready, reasons=list(one.reasons)) for one in answer.targets],
        in_the_way=[InTheWay.model_validate(one, from_attributes=True) for one in answer.in_the_way],
        first=answer.first,
        next_record=answer.next_record,
    )


def _spoofing(domain: str, verdicts: Sequence[VerdictSums]) -> SpoofingRow:
    failing = [sums for sums in verdicts if sums.verdict is Verdict.FAILING]
    found = spoofing(
        domain,
        messages=sum(sums.failed for sums in failing),
        addresses=sum(sums.sources for sums in failing),
        all_messages=sum(sums.messages for sums in verdicts),
    )
    return SpoofingRow.model_validate(found, from_attributes=True)


async def _known(connection: Connection, name: str) -> Record:
    domain: Record | None = await connection.fetchrow(SQL["domain"], name.lower().rstrip("."))
    if domain is None:
        raise not_found(NOUN)
    return domain


async def _lists(connection: Connection, domain: str, first: date, last: date) -> dict[str, Any]:
    names = await connection.fetch(SQL["names"], domain, first)
    of_mechanism = {
        mechanism: _all(NameSeen, [row for row in names if row["mechanism"] == mechanism])
        for mechanism in ("from", "dkim")
    }
    return {
        "days": [_day(row) for row in await connection.fetch(SQL["days"], domain, first, last)],
        "policies": _all(PolicySeen, await connection.fetch(SQL["policies"], domain, first, last)),
        "reporters": _all(Reporter, await connection.fetch(SQL["reporters"], domain, first, last, MOST_REPORTERS)),
        "from_domains": of_mechanism["from"],
        "selectors": of_mechanism["dkim"],
        "tls": _all(TlsDay, await connection.fetch(SQL["tls"], domain, first, last)),
        "tls_failures": _all(TlsFailureSums, await connection.fetch(SQL["tls_failures"], domain, first, last)),
        "failure_reports": await connection.fetchval(SQL["failure_reports"], domain, first, last),
    }


def _all(shape: Any, rows: Sequence[Record]) -> list[Any]:
    return [shape.model_validate(dict(row)) for row in rows]


def _day(row: Record) -> DomainDay:
    """A message that passes by either is counted in both sums, so what is counted twice passed by both."""
    both = max(row["dkim"] + row["spf"] - row["passed"], 0)
    return DomainDay.model_validate({**dict(row), "both": both, "neither": row["messages"] - row["passed"]})


async def _verdicts(connection: Connection, domains: list[str]) -> dict[str, list[VerdictSums]]:
    found: dict[str, list[VerdictSums]] = {domain: [] for domain in domains}
    for row in await connection.fetch(SQL["verdicts"], domains):
        found[row["domain"]].append(VerdictSums.model_validate(dict(row)))
    return {domain: sorted(sums, key=lambda one: one.verdict.severity) for domain, sums in found.items()}


def _published(policies: Sequence[Record]) -> Published:
    """What was published last; a word that is no policy counts as none, as receivers have it."""
    if not policies:
        return Published()
    row = policies[0]
    is_partial = row["pct"] is not None and row["pct"] < 100
    return Published(
        _policy(row["p"]) or Policy.NONE, _policy(row["sp"]), _policy(row["np"]), row["testing"] == "y" or is_partial
    )


def _policy(word: str | None) -> Policy | None:
    return Policy(word) if word in list(Policy) else None


def _source_sums(row: Record, domain: str, catalogue: Catalogue) -> SourceSums:
    service = catalogue.services.get(row["service"] or "")
    name = service.name if service else row["service"] or row["source_ip"] or NO_ADDRESS
    return SourceSums(
        name=name,
        verdict=Verdict(row["verdict"]),
        messages=row["messages"],
        failed=row["failed"],
        advice=f"set up domain authentication for {domain} at {name}",
        link=service.help if service else None,
    )
