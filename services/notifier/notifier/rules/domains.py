"""Rules about domains, and about those who report about them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from statistics import median
from urllib.parse import urlencode

from notifier.facts import DomainDay, Facts
from notifier.findings import Check, Finding, clean, share
from pipeline.notifications.rules import Rule

USUAL_DAYS = 7  # days with reports that it takes to know what is usual
USUAL_MESSAGES = 100  # on a usual day; of less, chance makes multiples
SETTLED_DAYS = 2  # after so many days nearly every reporter has sent its report


def unusual_volume(facts: Facts, threshold: float) -> Sequence[Finding]:
    """The last settled day has so many times more or fewer messages than the usual one (the median of the others)."""
    return [finding for days in _by_domain(facts) if (finding := _volume(facts, days, max(threshold, 1.1)))]


def _volume(facts: Facts, days: list[DomainDay], threshold: float) -> Finding | None:
    settled = facts.today - timedelta(days=SETTLED_DAYS)
    before = [day.messages for day in days if day.day < settled]
    judged = [day for day in days if day.day == settled]
    if len(before) < USUAL_DAYS or not judged:
        return None  # a day without any report is what the rule about silence is for
    usual = median(before)
    day = judged[0]
    if max(usual, day.messages) < USUAL_MESSAGES or usual / threshold < day.messages < usual * threshold:
        return None
    much = "more" if day.messages > usual else "less"
    return Finding(
        rule=Rule.VOLUME_UNUSUAL,
        subject=day.domain,
        title=f"Far {much} email than usual for {clean(day.domain)}",
        detail=f"{day.messages} messages on {day.day:%d %B}; a usual day has {usual:.0f}.",
        count=day.messages,
        domain=day.domain,
        link=_link(day.domain),
    )


def silent_reporters(facts: Facts, threshold: float) -> Sequence[Finding]:
    """A reporter that was heard on most days, and for so many days no more."""
    days = max(threshold, 1)
    return [
        Finding(
            rule=Rule.REPORTER_SILENT,
            subject=reporter.name,
            title=f"No more reports from {clean(reporter.name)}",
            detail=f"Its last report is about {reporter.last_day:%d %B}; it reported on {reporter.days} of "
            "the last 28 days.",
            count=(facts.today - reporter.last_day).days,
            link="/reports",
        )
        for reporter in facts.reporters
        if reporter.days >= USUAL_DAYS and _missing(facts.today, reporter.last_day) >= days
    ]


def silent_domains(facts: Facts, threshold: float) -> Sequence[Finding]:
    """A domain that reports came about on most days, and for so many days no more."""
    found = []
    for days in _by_domain(facts):
        last = max(day.day for day in days)
        if len(days) < USUAL_DAYS or _missing(facts.today, last) < max(threshold, 1):
            continue
        domain = days[0].domain
        found.append(
            Finding(
                rule=Rule.DOMAIN_SILENT,
                subject=domain,
                title=f"No more reports about {clean(domain)}",
                detail=f"The last one is about {last:%d %B}. Is rua= still in its DMARC record, and the mailbox read?",
                count=(facts.today - last).days,
                domain=domain,
                link=_link(domain),
            )
        )
    return found


def tls_failures(facts: Facts, threshold: float) -> Sequence[Finding]:
    """SMTP sessions to the domain's servers that failed for want of good TLS."""
    return [
        Finding(
            rule=Rule.TLS_FAILURES,
            subject=tls.domain,
            title=f"TLS sessions to {clean(tls.domain)} fail",
            detail=f"{tls.failed} sessions failed in the last two days, "
            f"{share(tls.failed, tls.failed + tls.succeeded)} of all that were reported.",
            count=tls.failed,
            domain=tls.domain,
            link=f"/reports?{urlencode({'kind': 'tls', 'domain': tls.domain})}",
        )
        for tls in facts.tls
        if tls.failed >= max(threshold, 1)
    ]


def _missing(today: date, last: date) -> int:
    """Days without a report that should have come by now: the report about a day comes on the day after."""
    return (today - last).days - 1


def _by_domain(facts: Facts) -> Iterator[list[DomainDay]]:
    found: dict[str, list[DomainDay]] = defaultdict(list)
    for day in facts.domain_days:
        found[day.domain].append(day)
    return iter(found.values())


def _link(domain: str) -> str:
    return f"/?{urlencode({'domain': domain})}"


CHECKS: dict[Rule, Check] = {
    Rule.VOLUME_UNUSUAL: unusual_volume,
    Rule.REPORTER_SILENT: silent_reporters,
    Rule.DOMAIN_SILENT: silent_domains,
    Rule.TLS_FAILURES: tls_failures,
}
