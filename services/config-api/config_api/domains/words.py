"""What is said of a domain, in words for its page: spoofing, its records in DNS, and how these changed. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise

from config_api.domains.shapes import DnsAnswer, DnsPeriod
from config_api.web.words import Said
from pipeline.contracts.domain_dns import DnsVerdict, RecordKind
from pipeline.sources.spoofing import Spoofing

KINDS = {
    RecordKind.DMARC: "DMARC",
    RecordKind.SPF: "SPF",
    RecordKind.DKIM: "DKIM key",
    RecordKind.MTA_STS: "MTA-STS",
    RecordKind.MTA_STS_POLICY: "MTA-STS policy",
    RecordKind.TLS_RPT: "TLS reports",
    RecordKind.BIMI: "BIMI",
}
VERDICTS = {
    DnsVerdict.OK: Said("Good", "good"),
    DnsVerdict.ADVICE: Said("Could be better", "warn"),
    DnsVerdict.WRONG: Said("Wrong", "bad"),
    DnsVerdict.UNKNOWN: Said("Not known"),
}
SPOOFING = {
    Spoofing.NONE: "no sign of it",
    Spoofing.SCATTERED: "a little, as most domains see",
    Spoofing.CONCENTRATED: "much, from few addresses",
    Spoofing.WAVE: "a wave, from many addresses",
}
POLICY_FROM = {"dns": "as DNS has it", "reports": "as the latest report has it; DNS does not tell"}
MOST_CHANGES = 20


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What was found at a DNS name from `at` on, and until then; empty: nothing."""

    at: datetime
    kind: RecordKind
    name: str
    before: tuple[str, ...]
    now: tuple[str, ...]


def changes(answer: DnsAnswer) -> list[RecordChange]:
    """What changed between the periods, the latest first, at most 20."""
    periods = [answer.latest, *answer.history] if answer.latest else []
    found = (change for later, earlier in pairwise(periods) for change in _between(earlier, later))
    return list(islice(found, MOST_CHANGES))


def _between(earlier: DnsPeriod, later: DnsPeriod) -> Iterator[RecordChange]:
    before, now = _texts(earlier), _texts(later)
    for kind, name in dict.fromkeys((*now, *before)):
        was, became = before.get((kind, name), ()), now.get((kind, name), ())
        if was != became:
            yield RecordChange(later.first_at, kind, name, was, became)


def _texts(period: DnsPeriod) -> dict[tuple[RecordKind, str], tuple[str, ...]]:
    return {(record.kind, record.name): record.records for record in period.records}
