"""MTA-STS policies: read, and judged beside the record that announces them, the MX hosts and what was seen before."""

from collections.abc import Sequence

import pytest

from pipeline.contracts.domain_dns import DnsQuestion, DnsVerdict, RecordKind, StsSeen
from pipeline.dns.resolver import Offline
from pipeline.dns.sts import NoPolicy, NotReached, judge_policy, matches, parse_policy
from pipeline.dns.survey import survey

RECORD = "v=STSv1; id=2026a"
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmx: *.backup.example\r\nmax_age: 604800\r\n"
MX = ("mx1.example.com", "a.backup.example")


def changed(before: str, now: str) -> str:
    return POLICY.replace(before, now)


@pytest.mark.parametrize(
    ("text", "verdict", "said"),
    [
        (POLICY, DnsVerdict.OK, "must be encrypted"),
        (POLICY.replace("\r\n", "\n"), DnsVerdict.OK, "must be encrypted"),
        (POLICY.upper().replace("STSV1", "STSv1"), DnsVerdict.OK, "must be encrypted"),
        (POLICY + "future: value\nno colon\n", DnsVerdict.OK, "must be encrypted"),
        (changed("enforce", "testing"), DnsVerdict.ADVICE, "mode: testing"),
        (changed("enforce", "none"), DnsVerdict.ADVICE, "switched off"),
        (changed("604800", "3600"), DnsVerdict.ADVICE, "3600 seconds"),
        (changed("mx: *.backup.example\r\n", ""), DnsVerdict.WRONG, "a.backup.example is not in the policy"),
        (
            changed("enforce", "testing").replace("mx: *.backup.example\r\n", ""),
            DnsVerdict.ADVICE,
            "a.backup.example is not in the policy",
        ),
        (changed("STSv1", "STSv2"), DnsVerdict.WRONG, "version"),
        (changed("enforce", "enforced\x1b[2J"), DnsVerdict.WRONG, "mode"),
        (changed("604800", "-1"), DnsVerdict.WRONG, "max_age"),
        (changed("604800", "9" * 4000), DnsVerdict.WRONG, "max_age"),
        (changed("604800", "٣"), DnsVerdict.WRONG, "max_age"),
        ("version: STSv1\nmode: enforce\nmax_age: 604800", DnsVerdict.WRONG, "no mail server"),
        ("<!doctype html><title>Not here</title>", DnsVerdict.WRONG, "version"),
        ("", DnsVerdict.WRONG, "version"),
    ],
)
def test_a_policy_is_judged_beside_the_mx_hosts(text: str, verdict: DnsVerdict, said: str) -> None:
    found = judge_policy("example.com", RECORD, parse_policy(text), exchanges=MX, seen=None)

    assert found.verdict is verdict
    assert said in found.text
    assert found.text.isprintable()
    assert found.remedy or verdict is DnsVerdict.OK


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (None, DnsVerdict.OK),
        (StsSeen(record=RECORD, policy=parse_policy(POLICY).text), DnsVerdict.OK),
        (StsSeen(record=RECORD, policy=parse_policy(changed("enforce", "testing")).text), DnsVerdict.WRONG),
        (StsSeen(record="v=STSv1; id=2025z", policy=parse_policy(changed("enforce", "testing")).text), DnsVerdict.OK),
        (StsSeen(record=RECORD, policy=""), DnsVerdict.OK),
    ],
)
def test_a_policy_that_changes_needs_another_id(seen: StsSeen | None, verdict: DnsVerdict) -> None:
    found = judge_policy("example.com", RECORD, parse_policy(POLICY), exchanges=MX, seen=seen)

    assert found.verdict is verdict
    assert ("another id" in found.remedy) is (verdict is DnsVerdict.WRONG)


@pytest.mark.parametrize(
    ("pattern", "host", "does"),
    [
        ("mx.example.com", "mx.example.com", True),
        ("*.example.com", "mx.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.mx.example.com", False),
        ("mx.*.com", "mx.example.com", False),
        ("", "mx.example.com", False),
    ],
)
def test_a_pattern_has_one_label_in_the_place_of_a_star(pattern: str, host: str, does: bool) -> None:
    assert matches(pattern, host) is does


class Zone:
    """A domain with a record, MX hosts and a policy, or what keeps one from it."""

    def __init__(self, record: str = RECORD, policy: str | Exception = POLICY) -> None:
        self.record = record
        self.policy = policy

    async def texts(self, name: str) -> Sequence[str]:
        return [self.record] if name == "_mta-sts.example.com" and self.record else []

    async def exchanges(self, domain: str) -> Sequence[str]:
        return MX

    async def fetch(self, domain: str) -> str:
        if isinstance(self.policy, Exception):
            raise self.policy
        return self.policy


@pytest.mark.parametrize(
    ("zone", "verdict", "said"),
    [
        (Zone(), DnsVerdict.OK, "must be encrypted"),
        (Zone(record=""), None, ""),
        (Zone(policy=NoPolicy("the web server answers 404")), DnsVerdict.WRONG, "answers 404"),
        (Zone(policy=NotReached("no connection")), DnsVerdict.UNKNOWN, "no connection"),
        (Zone(policy=Offline("the name server failed")), DnsVerdict.UNKNOWN, "the name server failed"),
    ],
)
async def test_a_policy_is_fetched_where_a_record_announces_one(
    zone: Zone, verdict: DnsVerdict | None, said: str
) -> None:
    answer = await survey(zone, DnsQuestion(domain="example.com"), web=zone)
    found = [one for one in answer.found if one.kind is RecordKind.MTA_STS_POLICY]

    assert [one.verdict for one in found] == ([verdict] if verdict else [])
    assert all(said in one.text for one in found)
