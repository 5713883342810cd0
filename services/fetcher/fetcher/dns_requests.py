"""Answers what others ask about DNS over the bus: any fetcher may answer, for only fetchers have a way out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter

import structlog

from fetcher.sts_policies import WebOptions, WebPolicies
from pipeline.contracts.domain_dns import (
    DnsQuestion,
    DnsRecord,
    DnsVerdict,
    DomainDns,
    HostAnswer,
    HostQuestion,
    RecordKind,
)
from pipeline.contracts.topology import DNS_SUBJECT, HOSTS_SUBJECT
from pipeline.dns.hosts import confirmed_hosts
from pipeline.dns.resolver import Dns, Offline
from pipeline.dns.survey import survey
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.requests import serving

log = structlog.get_logger(__name__)

QUEUE = "fetcher"


@asynccontextmanager
async def answering_dns(bus: Bus, server: str, web: WebOptions | None = None) -> AsyncIterator[None]:
    """Answers while the context lasts, by the name server `server` ("host:port"), or the machine's where it is ""."""

    async def domain(payload: bytes) -> bytes:
        question = DnsQuestion.model_validate_json(payload)
        return (await _domain(question, server, web or WebOptions())).model_dump_json().encode()

    async def hosts(payload: bytes) -> bytes:
        return (await _hosts(HostQuestion.model_validate_json(payload), server)).model_dump_json().encode()

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(bus.client, DNS_SUBJECT, domain, queue=QUEUE))
        await stack.enter_async_context(serving(bus.client, HOSTS_SUBJECT, hosts, queue=QUEUE))
        yield


async def _domain(question: DnsQuestion, server: str, web: WebOptions) -> DomainDns:
    began = perf_counter()
    try:
        dns = _resolver(server)
        answer = await survey(dns, question, web=WebPolicies(dns, web))
    except Offline as why:
        answer = _unanswered(question.domain, str(why))
    log.info(
        "domain_dns_asked",
        domain=question.domain,
        records=sum(len(record.records) for record in answer.found),
        problem=answer.problem,
        seconds=round(perf_counter() - began, 1),
    )
    return answer


def _unanswered(domain: str, why: str) -> DomainDns:
    text = f"DNS cannot be asked ({why})"
    record = DnsRecord(kind=RecordKind.DMARC, name=f"_dmarc.{domain}", verdict=DnsVerdict.UNKNOWN, text=text)
    return DomainDns(domain=domain, found=(record,))


async def _hosts(question: HostQuestion, server: str) -> HostAnswer:
    try:
        return HostAnswer(hosts=await confirmed_hosts(_resolver(server), question.addresses))
    except Offline as why:
        log.info("host_names_unanswered", error=str(why))
        return HostAnswer(hosts={})


def _resolver(server: str) -> Dns:
    """Made for each question, so that a machine that gets another network asks its name servers. Raises Offline."""
    host, _, port = server.rpartition(":")
    return Dns(host.strip("[]"), port=int(port)) if server else Dns()
