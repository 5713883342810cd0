"""A domain's SPF record: what it means, and how many lookups it costs whoever checks it (RFC 7208)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.contracts.domain_dns import DnsRecord, DnsVerdict, RecordKind, shown
from pipeline.dns.resolver import TxtRecords

MAX_LOOKUPS = 10  # RFC 7208 section 4.6.4; with more, the check fails for good
MAX_ASKED = 25  # records that are read, so that no chain of them keeps us
_TERM = re.compile(r"(?P<qualifier>[-+~?]?)(?P<name>[a-z0-9._-]+)(?P<sign>[:=/]?)(?P<value>\S*)", re.IGNORECASE)
_MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})
_COSTLY = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})


@dataclass(slots=True)
class _Count:
    """What was met while reading a record and those it includes."""

    lookups: int = 0
    asked: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


def spf_records(texts: Sequence[str]) -> list[str]:
    """The texts that are SPF records.

    >>> spf_records(["v=spf1 -all", "v=spf10 -all", "hello"])
    ['v=spf1 -all']
    """
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


async def survey_spf(dns: TxtRecords, domain: str) -> DnsRecord:
    """The record of a domain, with its lookups counted. Raises Offline."""
    found = spf_records(await dns.texts(domain))
    if len(found) != 1:
        return _missing(domain, found)
    count = _Count(asked={domain})
    await _read(dns, domain, found[0], count)
    verdict, text, remedy = _judged(found[0], count)
    return DnsRecord(
        kind=RecordKind.SPF,
        name=domain,
        records=shown(found),
        verdict=verdict,
        text=text,
        remedy=remedy,
        lookups=count.lookups,
    )


def _missing(domain: str, found: Sequence[str]) -> DnsRecord:
    if found:
        text, remedy = "several SPF records, so none counts", "keep one of them, with the terms of all"
    else:
        text = "no SPF record: only DKIM can make its mail pass"
        remedy = 'publish a TXT record that names who sends: "v=spf1 mx -all", or "v=spf1 -all" where nobody does'
    verdict = DnsVerdict.WRONG if found else DnsVerdict.ADVICE
    return DnsRecord(kind=RecordKind.SPF, name=domain, records=shown(found), verdict=verdict, text=text, remedy=remedy)


async def _read(dns: TxtRecords, domain: str, record: str, count: _Count) -> None:
    """Counts a record's lookups, and follows what it includes."""
    for term in record.split()[1:]:
        match = _TERM.fullmatch(term)
        name = match["name"].lower() if match else ""
        if match is None or (match["sign"] != "=" and name not in _MECHANISMS):
            count.faults.append(f'"{term[:60]}" in the record of {domain} is no term of SPF')
            continue
        if name in _COSTLY:
            count.lookups += 1
        if name in ("include", "redirect"):
            await _follow(dns, match["value"].rstrip(".").lower(), count)


async def _follow(dns: TxtRecords, target: str, count: _Count) -> None:
    """A target with a macro depends on the mail, and is only counted."""
    if "%" in target or target in count.asked or len(count.asked) > MAX_ASKED:
        return
    count.asked.add(target)
    found = spf_records(await dns.texts(target)) if target else []
    if len(found) == 1:
        await _read(dns, target, found[0], count)
    else:
        count.faults.append(f"{target[:253] or 'an empty name'} has {'several' if found else 'no'} SPF records")


def _judged(record: str, count: _Count) -> tuple[DnsVerdict, str, str]:
    cost = f"{count.lookups} of {MAX_LOOKUPS} lookups"
    if count.faults:
        return (
            DnsVerdict.WRONG,
            f"{count.faults[0]}: the check fails for good ({cost})",
            "correct the term or take it out",
        )
    if count.lookups > MAX_LOOKUPS:
        text = f"{count.lookups} lookups, and {MAX_LOOKUPS} are allowed: the check fails for good"
        return DnsVerdict.WRONG, text, "take out what no longer sends, or move services to subdomains of their own"
    terms = record.lower().split()
    if "all" in terms or "+all" in terms:
        return DnsVerdict.WRONG, f"the whole internet may send (+all; {cost})", "end the record with -all or ~all"
    if not any(term in ("-all", "~all") or term.startswith("redirect=") for term in terms):
        return (
            DnsVerdict.ADVICE,
            f"the record does not say that others may not send ({cost})",
            "end it with -all or ~all",
        )
    if any(term.lstrip("+-~?").split(":")[0] == "ptr" for term in terms):
        return DnsVerdict.ADVICE, f"ptr is slow and should not be used ({cost})", "name the addresses instead"
    if count.lookups == MAX_LOOKUPS:
        return DnsVerdict.ADVICE, f"{cost}: the next one breaks it", "take out what no longer sends"
    return DnsVerdict.OK, f"says who may send ({cost})", ""
