"""Rules about the addresses that send for a domain."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from notifier.facts import Facts, Source
from notifier.findings import Check, Finding, clean, share
from pipeline.notifications.rules import Rule

NEW_DAYS = 7
KNOWN_MESSAGES = 50  # so many messages before make an address a known one
GOOD = 0.95  # of the messages before passed: the address is one of ours
BAD = 0.5  # less than this of late: it fails


def new_failing(facts: Facts, threshold: float) -> Sequence[Finding]:
    """An address that was not seen before the last week, and whose messages fail: one finding a domain.

    A spoofing wave comes from thousands of addresses; it is one alert, which names the worst of them.
    """
    since = facts.today - timedelta(days=NEW_DAYS)
    found: dict[str, list[Source]] = {}
    for source in facts.sources:
        if not source.address:
            continue
        if source.first_day > since and source.before == 0 and source.week - source.week_passed >= max(threshold, 1):
            found.setdefault(source.domain, []).append(source)
    return [_new(domain, sources) for domain, sources in found.items()]


def _new(domain: str, sources: list[Source]) -> Finding:
    worst = sorted(sources, key=lambda source: source.week_passed - source.week)
    failing = sum(source.week - source.week_passed for source in sources)
    named = ", ".join(f"{s.label}: {s.week - s.week_passed}" for s in worst[:5])
    more = f" and {len(worst) - 5} more" if len(worst) > 5 else ""
    return Finding(
        rule=Rule.NEW_FAILING_SOURCE,
        subject=domain,
        title=f"{worst[0].label} is new and fails for {clean(domain)}"
        if len(worst) == 1
        else f"New sources fail for {clean(domain)}",
        detail=f"{failing} messages failed DMARC from {_addresses(len(worst))} not seen before: {named}{more}.",
        count=failing,
        domain=domain,
        link=_link(domain),
    )


def begins_to_fail(facts: Facts, threshold: float) -> Sequence[Finding]:
    """An address or a service whose messages passed until lately, and now fail."""
    return [
        Finding(
            rule=Rule.SOURCE_FAILING,
            subject=_subject(source),
            title=f"{source.label} begins to fail for {clean(source.domain)}",
            detail=f"{source.late - source.late_passed:,} of {source.late:,} messages failed in the last two days; "
            f"before, {share(source.before_passed, source.before)} of {source.before:,} passed.",
            count=source.late - source.late_passed,
            domain=source.domain,
            link=_link(source.domain),
        )
        for source in _together(
            source
            for source in _known(facts)
            if source.before_passed >= GOOD * source.before
            and source.late - source.late_passed >= max(threshold, 1)
            and source.late_passed < BAD * source.late
        )
    ]


def loses_signature(facts: Facts, threshold: float) -> Sequence[Finding]:
    """An address or a service whose messages were signed until lately, and no longer are; SPF may still pass."""
    return [
        Finding(
            rule=Rule.SIGNATURE_LOST,
            subject=_subject(source),
            title=f"{source.label} no longer signs for {clean(source.domain)}",
            detail=f"DKIM passed for {source.late_signed:,} of {source.late:,} messages in the last two days; before, "
            f"for {share(source.before_signed or 0, source.before)} of {source.before:,}.",
            count=source.late - (source.late_signed or 0),
            domain=source.domain,
            link=_link(source.domain),
        )
        for source in _together(
            source
            for source in _known(facts)
            if source.late_signed is not None
            and source.before_signed is not None
            and source.before_signed >= GOOD * source.before
            and source.late - source.late_signed >= max(threshold, 1)
            and source.late_signed < BAD * source.late
        )
    ]


def _known(facts: Facts) -> Iterator[Source]:
    return (source for source in facts.sources if source.before >= KNOWN_MESSAGES)


def _together(sources: Iterable[Source]) -> list[Source]:
    """Without the addresses of a service that is found as a whole: it is one alert."""
    found = list(sources)
    whole = {(source.domain, source.service) for source in found if not source.address}
    return [source for source in found if not source.address or (source.domain, source.service) not in whole]


def _subject(source: Source) -> str:
    return f"{source.domain} {source.address or source.service}"


def _addresses(number: int) -> str:
    return "an address" if number == 1 else f"{number} addresses"


def _link(domain: str) -> str:
    return f"/?{urlencode({'domain': domain})}"


CHECKS: dict[Rule, Check] = {
    Rule.NEW_FAILING_SOURCE: new_failing,
    Rule.SOURCE_FAILING: begins_to_fail,
    Rule.SIGNATURE_LOST: loses_signature,
}
