"""Each rule by which a source is judged, and by which a domain is ready, as tables."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from pipeline.sources.catalogue import Kind, Service
from pipeline.sources.changes import Change
from pipeline.sources.evidence import judge
from pipeline.sources.judge import Facts, Standing, Sums, Verdict
from pipeline.sources.naming import Identity, Mechanism
from pipeline.sources.readiness import Policy, Published, Readiness, Seen, SourceSums, readiness

SPF, DKIM = Mechanism.SPF, Mechanism.DKIM
SENDGRID = Service(
    id="sendgrid", name="SendGrid", kind=Kind.ESP, domains=("sendgrid.net",), help="https://docs.example/auth"
)
LISTS = Service(id="lists", name="Lists", kind=Kind.LIST_SERVER, domains=("lists.example",))
END = date(2026, 11, 20)


def facts(now: Sums, **others: Any) -> Facts:
    base = Facts("example.com", "192.0.2.1", now, last_day=END, window_end=END, first_day=END - timedelta(days=50))
    return replace(base, **{"domain_since": END - timedelta(days=90), **others})


def passed(domain: str, mechanism: Mechanism = SPF) -> Identity:
    return Identity(mechanism, domain, passed=True)


FAILED = Sums(2310)
GOOD = Sums(500, passed=500, dkim=500, spf=500)
BY_SENDGRID = {"service": SENDGRID, "identities": (passed("u1.sendgrid.net"),)}


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        (facts(GOOD), Verdict.ALIGNED),
        (facts(Sums(100, passed=98, dkim=98)), Verdict.ALIGNED),
        (facts(Sums(100, passed=97, dkim=97, spf=10)), Verdict.MISALIGNED),
        (facts(Sums(100, passed=20, spf=20)), Verdict.MISALIGNED),
        (facts(Sums(100, passed=19, spf=19)), Verdict.UNKNOWN),
        (facts(FAILED), Verdict.FAILING),
        (facts(FAILED, **BY_SENDGRID), Verdict.MISALIGNED),
        (facts(FAILED, service=SENDGRID), Verdict.FAILING),  # only its host name says so
        (facts(FAILED, service=SENDGRID, is_known_sender=True), Verdict.MISALIGNED),
        (facts(FAILED, standing=Standing.OURS), Verdict.MISALIGNED),
        (facts(FAILED, standing=Standing.NOT_OURS, **BY_SENDGRID), Verdict.FAILING),
        (facts(Sums(100, passed=30, spf=30), standing=Standing.NOT_OURS), Verdict.FAILING),
        (facts(FAILED, standing=Standing.IGNORE), Verdict.IGNORED),
        (facts(GOOD, standing=Standing.IGNORE), Verdict.IGNORED),
        (facts(Sums(40, passed=40, dkim=40, overridden=20)), Verdict.FORWARDED),
        (facts(Sums(40, passed=0, overridden=40)), Verdict.FORWARDED),
        (facts(Sums(40, passed=40, dkim=40), service=LISTS), Verdict.FORWARDED),
        (facts(Sums(40, passed=10, dkim=10), service=LISTS), Verdict.FORWARDED),
        (facts(Sums(40, passed=40, dkim=40), service=SENDGRID), Verdict.ALIGNED),
        (facts(Sums(40, passed=30, dkim=30), identities=(passed("relay.example"),)), Verdict.FORWARDED),
        (facts(Sums(40, passed=40, dkim=40), service=LISTS, standing=Standing.OURS), Verdict.ALIGNED),
        (facts(Sums(0), before=Sums(50, passed=50)), Verdict.ALIGNED),
        (facts(Sums(0)), Verdict.UNKNOWN),
        (facts(Sums(-5, passed=-5)), Verdict.UNKNOWN),
    ],
)
def test_a_source_is_what_its_sums_and_names_say(known: Facts, verdict: Verdict) -> None:
    assert judge(known).verdict is verdict


def test_evidence_names_the_service_its_numbers_and_what_is_missing() -> None:
    judgement = judge(facts(FAILED, **BY_SENDGRID))
    assert judgement.evidence == (
        "SendGrid sent 2,310 messages as example.com",
        "0 have an aligned DKIM signature, 0 aligned SPF, 2,310 neither",
        "SPF passes for u1.sendgrid.net",
        "no valid DKIM signature of example.com",
    )
    assert judgement.advice.startswith("set up domain authentication for example.com at SendGrid")
    assert judgement.link == SENDGRID.help


@pytest.mark.parametrize(
    ("known", "changes"),
    [
        (facts(GOOD), ()),
        (facts(GOOD, first_day=END - timedelta(days=6)), (Change.NEW,)),
        (facts(GOOD, first_day=END - timedelta(days=7)), ()),
        (facts(GOOD, first_day=END, domain_since=END - timedelta(days=3)), ()),
        (facts(Sums(19), first_day=END), ()),
        (facts(GOOD, last_day=END - timedelta(days=7)), (Change.SILENT,)),
        (facts(GOOD, last_day=END - timedelta(days=6)), ()),
        (facts(Sums(0), last_day=END - timedelta(days=60)), ()),
        (facts(GOOD, before=Sums(100, passed=100)), (Change.MORE,)),
        (facts(GOOD, before=Sums(101, passed=101)), ()),
        (facts(Sums(100, passed=90, spf=90), before=Sums(100, passed=98)), (Change.FAILING,)),
        (facts(Sums(100, passed=91, spf=91), before=Sums(100, passed=98)), ()),
        (facts(Sums(100, passed=50, spf=50), before=Sums(100, passed=97)), ()),
        (facts(GOOD, first_day=END, standing=Standing.IGNORE), ()),
    ],
)
def test_a_change_is_told_from_its_numbers(known: Facts, changes: tuple[Change, ...]) -> None:
    assert judge(known).changes == changes


def source(verdict: Verdict, messages: int, failed: int = 0, name: str = "S", advice: str = "") -> SourceSums:
    return SourceSums(name, verdict, messages, failed, advice)


MUCH = Seen(days=30, reporters=8)
FINE = [source(Verdict.ALIGNED, 10_000)]
SOME_LOST = [*FINE, source(Verdict.MISALIGNED, 80, 80, "Shop", "authenticate the shop")]
MUCH_LOST = [*FINE, source(Verdict.MISALIGNED, 500, 500, "Shop", "authenticate the shop")]


def ready(answer: Readiness) -> tuple[bool, bool]:
    return answer.targets[0].ready, answer.targets[1].ready


@pytest.mark.parametrize(
    ("seen", "sources", "expected"),
    [
        (MUCH, FINE, (True, True)),
        (MUCH, SOME_LOST, (True, False)),
        (MUCH, MUCH_LOST, (False, False)),
        (Seen(14, 3), FINE, (True, True)),
        (Seen(13, 3), FINE, (False, False)),
        (Seen(14, 2), FINE, (False, False)),
        (MUCH, [source(Verdict.ALIGNED, 99)], (False, False)),
        (MUCH, [*FINE, source(Verdict.FAILING, 90_000, 90_000)], (True, True)),  # spoofing is not yours
        (MUCH, [*FINE, source(Verdict.FORWARDED, 500, 200)], (True, True)),
        (MUCH, [*FINE, source(Verdict.IGNORED, 500, 500)], (True, True)),
        (MUCH, [], (False, False)),
    ],
)
def test_readiness_is_told_from_days_reporters_and_what_would_be_lost(
    seen: Seen, sources: list[SourceSums], expected: tuple[bool, bool]
) -> None:
    answer = readiness(Published(), seen, sources)
    assert ready(answer) == expected
    assert all(target.ready == (not target.reasons) for target in answer.targets)


@pytest.mark.parametrize(
    ("published", "sources", "record"),
    [
        (Published(), FINE, "v=DMARC1; p=quarantine; np=reject; t=y"),
        (Published(), MUCH_LOST, None),
        (Published(Policy.QUARANTINE, is_testing=True), FINE, "v=DMARC1; p=quarantine; np=reject"),
        (Published(Policy.QUARANTINE), FINE, "v=DMARC1; p=reject; np=reject; t=y"),
        (Published(Policy.QUARANTINE), SOME_LOST, None),
        (Published(Policy.REJECT, is_testing=True), FINE, "v=DMARC1; p=reject; np=reject"),
        (Published(Policy.REJECT), FINE, "v=DMARC1; p=reject; np=reject"),
        (Published(Policy.REJECT, np=Policy.REJECT), FINE, None),
        (Published(sp=Policy.NONE), FINE, "v=DMARC1; p=quarantine; sp=none; np=reject; t=y"),
    ],
)
def test_the_next_record_is_the_next_step_and_no_more(
    published: Published, sources: list[SourceSums], record: str | None
) -> None:
    assert readiness(published, MUCH, sources).next_record == record


@pytest.mark.parametrize(
    ("published", "seen", "sources", "first"),
    [
        (Published(), MUCH, MUCH_LOST, "authenticate the shop"),
        (Published(), Seen(2, 8), MUCH_LOST, "wait: reports of 2 days; 14 are needed"),
        (Published(), MUCH, FINE, "publish v=DMARC1; p=quarantine; np=reject; t=y"),
        (Published(Policy.REJECT), MUCH, FINE, "nothing: the policy is reject, and your mail passes"),
    ],
)
def test_what_to_do_first_is_one_thing(published: Published, seen: Seen, sources: list[SourceSums], first: str) -> None:
    assert readiness(published, seen, sources).first == first


def test_readiness_says_its_numbers_and_who_is_in_the_way() -> None:
    answer = readiness(Published(), MUCH, [*MUCH_LOST, source(Verdict.FORWARDED, 50, 5), source(Verdict.FAILING, 9, 9)])
    assert (answer.messages, answer.yours, answer.lost, answer.forwarded_lost, answer.spoofed) == (
        10559,
        10550,
        500,
        5,
        9,
    )
    assert answer.lost_share == pytest.approx(500 / 10550)
    assert [one.name for one in answer.in_the_way] == ["Shop"]
