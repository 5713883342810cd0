"""The sample domains have a story each: what their pages are there to tell."""

from collections import defaultdict
from datetime import UTC, date, datetime, time
from random import Random

import pytest

from dmarq.samples.content import BROKEN_SERVER, SampleReport, SampleRow, random_report
from dmarq.samples.reporters import REPORTERS

UNTIL = date(2026, 11, 1)


@pytest.fixture(scope="module")
def reports() -> dict[str, list[SampleReport]]:
    rng = Random(1)
    found = defaultdict(list)
    for serial in range(400):
        report = random_report(rng, reporter=REPORTERS[serial % len(REPORTERS)], serial=serial, until=UNTIL)
        found[report.domain].append(report)
    return found


def rows(reports: list[SampleReport], *, since: int = 99, until: int = 0) -> list[SampleRow]:
    """The rows of reports about days that many days before the last."""
    last = int(datetime.combine(UNTIL, time(), UTC).timestamp())
    found = [(row, (last - one.begin) // 86_400) for one in reports for row in one.rows]
    return [row for row, days_ago in found if until <= days_ago <= since]


def test_a_policy_goes_one_step_up(reports: dict[str, list[SampleReport]]) -> None:
    by_day = sorted((report.begin, report.policy) for report in reports["example.com"])

    assert [policy for _, policy in by_day] == sorted(policy for _, policy in by_day)
    assert {policy for _, policy in by_day} == {"none", "quarantine"}


def test_a_domain_is_spoofed_from_many_addresses_of_late(reports: dict[str, list[SampleReport]]) -> None:
    spoofed = [row for row in rows(reports["example.com"], since=12) if not row.dkim and not row.spf]
    before = [row for row in rows(reports["example.com"], until=13) if not row.dkim and not row.spf]

    assert len({row.source_ip for row in spoofed}) > 10
    assert sum(row.sent for row in spoofed) > 2 * sum(row.sent for row in before)
    assert {row.disposition for row in spoofed} == {"quarantine"}


def test_a_server_of_its_own_fails_since_a_day(reports: dict[str, list[SampleReport]]) -> None:
    early = [row.dkim for row in rows(reports["example.net"], until=10) if row.source_ip == BROKEN_SERVER]
    late = [row.dkim for row in rows(reports["example.net"], since=9) if row.source_ip == BROKEN_SERVER]

    assert (set(early), set(late)) == ({True}, {False})


def test_a_service_signs_with_its_own_domain_alone(reports: dict[str, list[SampleReport]]) -> None:
    service = [row for row in rows(reports["shop.example"]) if row.service]

    assert service
    assert not any(row.dkim or row.spf for row in service)


def test_forwarders_are_few_and_keep_the_signature(reports: dict[str, list[SampleReport]]) -> None:
    forwarded = [row for row in rows(reports["example.org"]) if row.override]

    assert 1 < len({row.source_ip for row in forwarded}) <= 6
    assert all(row.dkim and not row.spf for row in forwarded)
