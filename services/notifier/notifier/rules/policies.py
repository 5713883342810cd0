"""The rule about policies: reporters see another than DNS has, than others see, or than the day before."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from notifier.facts import DnsPolicy, Facts, PolicySeen
from notifier.findings import Check, Finding, clean
from pipeline.dns.organisation import DMARC, records
from pipeline.dns.published import Reported, counted_from, differences, tags_in_dns
from pipeline.notifications.rules import Rule

LATE = timedelta(days=3)  # what reporters saw on the days since then is compared with each other

Asked = tuple[str, str]
"""What a policy asks for: p, and what holds for subdomains (p where sp is missing)."""


@dataclass(frozen=True, slots=True)
class _Different:
    """Something that differs: in words, and how many reports say so."""

    text: str
    reports: int


def policy_differs(facts: Facts, threshold: float) -> Sequence[Finding]:
    """One finding a domain, with everything that differs."""
    seen: dict[str, list[PolicySeen]] = defaultdict(list)
    for one in (one for one in facts.policies if one.tags.p):  # a report that shows no policy differs from nothing
        seen[one.domain].append(one)
    in_dns = {one.domain: one for one in facts.dns}
    found = []
    for domain, policies in seen.items():
        late = [one for one in policies if one.day >= facts.today - LATE]
        different = [*_from_dns(in_dns.get(domain), policies), *_from_the_day_before(late), *_from_each_other(late)]
        told = [one for one in different if one.reports >= max(threshold, 1)]
        if told:
            found.append(_finding(domain, told))
    return found


def _finding(domain: str, told: list[_Different]) -> Finding:
    return Finding(
        rule=Rule.POLICY_DIFFERS,
        subject=domain,
        title=f"Reporters see another policy for {clean(domain)}",
        detail=" ".join(one.text for one in told),
        count=max(one.reports for one in told),
        domain=domain,
        link=f"/domains/{quote(domain, safe='')}#dns",
    )


def _from_dns(dns: DnsPolicy | None, seen: list[PolicySeen]) -> Iterator[_Different]:
    """What most reports that had to see the record say other than DNS."""
    counted = records(dns.texts, DMARC) if dns else []
    if dns is None or len(counted) != 1:
        return
    since = counted_from(dns.first_at).date() + timedelta(days=1)  # whole days that had to see it
    reported = [Reported(one.tags, one.reports) for one in seen if one.day >= since]
    tags = tags_in_dns(counted[0], is_parent=dns.name != f"_dmarc.{dns.domain}")
    for difference in differences(tags, reported):
        yield _Different(f"{clean(difference.text)}.", difference.reports)


def _from_the_day_before(seen: list[PolicySeen]) -> Iterator[_Different]:
    """Most reports about a day say other than most about the day before; the latest such change."""
    days = _by_day(seen)
    for before, day in reversed(list(zip(sorted(days), sorted(days)[1:], strict=False))):
        was, now = _most(days[before]), _most(days[day])
        if was != now:
            text = f"Since {day:%d %B} most reports say {_words(now)}; about {before:%d %B} they said {_words(was)}."
            yield _Different(text, days[day][now])
            return


def _from_each_other(seen: list[PolicySeen]) -> Iterator[_Different]:
    """Reports about one day that say other than most about it; the latest day with such reports."""
    days = _by_day(seen)
    for day in sorted(days, reverse=True):
        most = _most(days[day])
        others = [one for one in seen if one.day == day and _asked(one) != most]
        if others:
            reports = sum(one.reports for one in others)
            first = max(others, key=lambda one: one.reports)
            who = clean(first.reporter) + (" and others" if len({one.reporter for one in others}) > 1 else "")
            text = f"On {day:%d %B} {who} saw {_words(_asked(first))} ({reports:,} of {days[day].total():,} reports)"
            yield _Different(f"{text}; most saw {_words(most)}.", reports)
            return


def _by_day(seen: list[PolicySeen]) -> dict[date, Counter[Asked]]:
    days: dict[date, Counter[Asked]] = defaultdict(Counter)
    for one in seen:
        days[one.day][_asked(one)] += one.reports
    return days


def _most(counts: Counter[Asked]) -> Asked:
    return max(counts, key=lambda asked: (counts[asked], asked))


def _asked(one: PolicySeen) -> Asked:
    p = one.tags.p or ""
    return p, one.tags.sp or p  # some reporters fill sp in, others leave it out


def _words(asked: Asked) -> str:
    p, sp = (clean(word, limit=30) or "?" for word in asked)
    return f"p={p}" if p == sp else f"p={p} sp={sp}"


CHECKS: dict[Rule, Check] = {Rule.POLICY_DIFFERS: policy_differs}
