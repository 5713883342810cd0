"""All that a domain publishes about its mail, asked for at once, within a time that is bounded."""

import asyncio
from collections.abc import Awaitable, Sequence

from pipeline.contracts.domain_dns import DnsQuestion, DnsRecord, DnsVerdict, DomainDns, RecordKind, Selector
from pipeline.dns.keys import judge_key, key_name
from pipeline.dns.organisation import DMARC, dmarc_places, records
from pipeline.dns.policies import judge_bimi, judge_dmarc_record, judge_tls_record, policy_of
from pipeline.dns.resolver import MailRecords, Offline, TxtRecords
from pipeline.dns.spf import survey_spf
from pipeline.dns.sts import (
    NoPolicy,
    NotReached,
    StsPolicies,
    judge_policy,
    judge_sts,
    missing_policy,
    parse_policy,
    policy_url,
    unknown_policy,
)

OVERALL_S = 20.0
AT_ONCE = 5  # keys asked for at the same time


async def survey(
    dns: MailRecords, question: DnsQuestion, *, web: StsPolicies | None = None, within: float = OVERALL_S
) -> DomainDns:
    """What DNS says now; a kind that it does not answer for in time is `unknown`, and keeps no other.

    With `web`, the MTA-STS policy as well, where a record announces one.
    """
    domain, room = question.domain, asyncio.Semaphore(AT_ONCE)
    until = asyncio.get_running_loop().time() + within
    asked = [
        _known(RecordKind.DMARC, f"_dmarc.{domain}", _dmarc(dns, domain), until),
        _known(RecordKind.SPF, domain, survey_spf(dns, domain), until),
        _known(RecordKind.TLS_RPT, f"_smtp._tls.{domain}", _tls(dns, domain), until),
        _known(RecordKind.BIMI, f"default._bimi.{domain}", _bimi(dns, domain), until),
        *(_known(RecordKind.DKIM, key_name(key), _key(dns, key, room), until) for key in question.selectors),
    ]
    (dmarc, spf, *others), sts = await asyncio.gather(asyncio.gather(*asked), _mta_sts(dns, web, question, until))
    return DomainDns(domain=domain, found=(dmarc, spf, *sts, *others))


async def dmarc_record(dns: TxtRecords, domain: str) -> tuple[str, Sequence[str]]:
    """The domain whose DMARC record counts, and the texts there: the nearest, upwards. Raises Offline."""
    for place in dmarc_places(domain):
        texts = await dns.texts(f"_dmarc.{place}")
        if records(texts, DMARC):
            return place, texts
    return domain, ()


async def _known(kind: RecordKind, name: str, asking: Awaitable[DnsRecord], until: float) -> DnsRecord:
    try:
        async with asyncio.timeout_at(until):
            return await asking
    except Offline as why:
        reason = str(why)
    except TimeoutError:
        reason = "no answer in time"
    text = f"DNS does not answer ({reason})"
    return DnsRecord(
        kind=kind, name=name, verdict=DnsVerdict.UNKNOWN, text=text, remedy="try again when you are online"
    )


async def _dmarc(dns: TxtRecords, domain: str) -> DnsRecord:
    place, texts = await dmarc_record(dns, domain)
    return judge_dmarc_record(domain, place, texts)


async def _mta_sts(dns: MailRecords, web: StsPolicies | None, question: DnsQuestion, until: float) -> list[DnsRecord]:
    """The record, and the policy where the record announces one."""
    name = f"_mta-sts.{question.domain}"
    record = await _known(RecordKind.MTA_STS, name, _sts(dns, question.domain), until)
    if web is None or len(record.records) != 1:
        return [record]
    asking = _sts_policy(dns, web, question, record.records[0])
    return [record, await _known(RecordKind.MTA_STS_POLICY, policy_url(question.domain), asking, until)]


async def _sts(dns: TxtRecords, domain: str) -> DnsRecord:
    return judge_sts(domain, await dns.texts(f"_mta-sts.{domain}"))


async def _sts_policy(dns: MailRecords, web: StsPolicies, question: DnsQuestion, record: str) -> DnsRecord:
    try:
        policy = parse_policy(await web.fetch(question.domain))
    except NoPolicy as why:
        return missing_policy(question.domain, str(why))
    except NotReached as why:
        return unknown_policy(question.domain, str(why))
    exchanges = await dns.exchanges(question.domain)
    return judge_policy(question.domain, record, policy, exchanges=exchanges, seen=question.sts)


async def _tls(dns: TxtRecords, domain: str) -> DnsRecord:
    return judge_tls_record(domain, await dns.texts(f"_smtp._tls.{domain}"))


async def _bimi(dns: TxtRecords, domain: str) -> DnsRecord:
    texts = await dns.texts(f"default._bimi.{domain}")
    place, dmarc = await dmarc_record(dns, domain)
    found = records(dmarc, DMARC)
    return judge_bimi(domain, texts, policy_of(found[0], is_parent=place != domain) if len(found) == 1 else "none")


async def _key(dns: TxtRecords, key: Selector, room: asyncio.Semaphore) -> DnsRecord:
    async with room:
        return judge_key(key, await dns.texts(key_name(key)))
