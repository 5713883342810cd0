"""Has fetchers ask DNS, now and then and a little at a time: the records of domains, the host names of sources."""

import asyncio
from dataclasses import dataclass

import structlog

from parser.chore import chore
from pipeline.contracts.domain_dns import DnsQuestion, DomainDns, HostAnswer, HostQuestion
from pipeline.contracts.topology import DNS_SUBJECT, HOSTS_SUBJECT
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.requests import NobodyAnswers, request
from pipeline.postgres.connection import Database
from pipeline.postgres.statements import Statements
from pipeline.runtime.retry import unless

log = structlog.get_logger(__name__)

SQL = Statements.of("parser.sources", "lookups.sql")
EVERY = 10.0  # seconds
TIMEOUT = 30.0  # seconds; a fetcher answers within 20
MOST_DOMAINS = 500  # those known longest: reports may name any number
SOME_ADDRESSES = 50
KEPT_DAYS = 30  # a host name, and that there is none


@dataclass(frozen=True, slots=True)
class LookupOptions:
    """`dns_hours`: how often a domain is asked for, 0: never. `host_names`: whether sources are asked for."""

    dns_hours: float
    host_names: bool


async def keep_lookups(database: Database, bus: Bus, options: LookupOptions, stopping: asyncio.Event) -> None:
    """Does all of it, again and again until told to stop."""

    async def work() -> None:
        if options.dns_hours:
            await ask_domains(database, bus, hours=options.dns_hours, stopping=stopping)
        if options.host_names:
            await ask_hosts(database, bus, stopping)

    await chore("lookups", work, every=EVERY, stopping=stopping)


async def ask_domains(database: Database, bus: Bus, *, hours: float, stopping: asyncio.Event) -> None:
    """Asks for each domain whose turn it is; one that was not answered, again an hour later. Raises TryLater."""
    while not stopping.is_set():
        async with database.transaction() as connection:
            domain = await connection.fetchval(SQL["claim_domain"], hours, MOST_DOMAINS)
            if domain is None:
                return
            question = DnsQuestion.model_validate(await connection.fetchval(SQL["question"], domain))
        _, answer = await unless(_asked(bus, question), stopping)
        if answer is None:  # told to stop: the domain is asked for again an hour later
            return
        found, problem = answer
        async with database.transaction() as connection:
            await connection.execute(SQL["keep_domain"], domain, found, problem)


async def _asked(bus: Bus, question: DnsQuestion) -> tuple[list[object], str]:
    try:
        payload = await request(bus.client, DNS_SUBJECT, question.model_dump_json().encode(), timeout=TIMEOUT)
    except NobodyAnswers:
        return [], "no fetcher is running"
    except TryLater as error:
        return [], error.detail
    answer = DomainDns.model_validate_json(payload)
    return answer.model_dump(mode="json")["found"], answer.problem


async def ask_hosts(database: Database, bus: Bus, stopping: asyncio.Event) -> None:
    """Asks for the host names of some sources that have none. Raises TryLater."""
    if stopping.is_set():
        return
    async with database.transaction() as connection:
        rows = await connection.fetch(SQL["claim_hosts"], KEPT_DAYS, SOME_ADDRESSES)
    if not rows:
        return
    question = HostQuestion(addresses=tuple(row["source_ip"] for row in rows))
    asking = request(bus.client, HOSTS_SUBJECT, question.model_dump_json().encode(), timeout=TIMEOUT)
    try:
        _, payload = await unless(asking, stopping)
    except NobodyAnswers:
        raise TryLater("fetcher", "no fetcher is running") from None
    if payload is None:
        return
    hosts = HostAnswer.model_validate_json(payload).hosts
    kept = [{"source_ip": address, "host": host} for address, host in hosts.items() if address in question.addresses]
    async with database.transaction() as connection:
        await connection.execute(SQL["keep_hosts"], kept)
    log.info(
        "host_names_asked", asked=len(rows), answered=len(kept), named=sum(one["host"] is not None for one in kept)
    )
