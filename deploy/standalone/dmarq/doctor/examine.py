"""One domain after another: what DNS says about its reports, and about the mail that they speak of."""

from collections.abc import Collection, Sequence

from dmarq.doctor.judge import (
    Finding,
    agreement_name,
    external_hosts,
    judge_agreement,
    judge_delivery,
    judge_dmarc,
    judge_tls,
    unanswered,
    unknown_domain,
)
from pipeline.contracts.domain_dns import DnsQuestion, RecordKind, Selector
from pipeline.dns.organisation import DMARC, Kinship, Texts, dmarc_places, host_of, kinship, records
from pipeline.dns.resolver import Dns, Offline
from pipeline.dns.survey import dmarc_record, survey

_TITLES = {RecordKind.SPF: "SPF", RecordKind.DKIM: "DKIM", RecordKind.MTA_STS: "MTA-STS", RecordKind.BIMI: "BIMI"}


async def examine(dns: Dns, domain: str, ours: Collection[str]) -> list[Finding]:
    """What is found for a domain; `ours` are the mail addresses that we read."""
    try:
        place, texts = await dmarc_record(dns, domain)
        if not texts and not await dns.knows(domain):
            return [unknown_domain(domain)]
    except Offline as why:
        return [unanswered(domain, f"_dmarc.{domain}", str(why)), await _tls(dns, domain, ours)]
    found = [judge_dmarc(domain, place, texts, ours)]
    found += [await _agreement(dns, domain, place, host) for host in external_hosts(domain, place, texts)]
    hosts = {host_of(address) for record in records(texts, DMARC) for address in record.addresses}
    found += [await _delivery(dns, domain, host) for host in sorted(filter(None, hosts))]
    return [*found, await _tls(dns, domain, ours)]


async def authentication(dns: Dns, domain: str, keys: Sequence[Selector]) -> list[Finding]:
    """What makes the domain's mail pass: all that it publishes beside what `examine` looks at."""
    answer = await survey(dns, DnsQuestion(domain=domain, selectors=tuple(keys)))
    others = [record for record in answer.found if record.kind not in (RecordKind.DMARC, RecordKind.TLS_RPT)]
    return [Finding(domain, one.name, one.verdict, f"{_TITLES[one.kind]}: {one.text}", one.remedy) for one in others]


async def _agreement(dns: Dns, domain: str, place: str, host: str) -> Finding:
    name = agreement_name(place=place, host=host)
    try:
        texts = await dns.texts(name)
        relation = (
            Kinship.FOREIGN if records(texts, DMARC) else kinship(await _walk(dns, place), await _walk(dns, host))
        )
    except Offline as why:
        return unanswered(domain, name, str(why))
    return judge_agreement(domain, texts, place=place, host=host, relation=relation)


async def _walk(dns: Dns, domain: str) -> Texts:
    return {place: await dns.texts(f"_dmarc.{place}") for place in dmarc_places(domain)}


async def _delivery(dns: Dns, domain: str, host: str) -> Finding:
    try:
        return judge_delivery(domain, host, has_mail=await dns.takes_mail(host))
    except Offline as why:
        return unanswered(domain, host, str(why))


async def _tls(dns: Dns, domain: str, ours: Collection[str]) -> Finding:
    try:
        return judge_tls(domain, await dns.texts(f"_smtp._tls.{domain}"), ours)
    except Offline as why:
        return unanswered(domain, f"_smtp._tls.{domain}", str(why))
