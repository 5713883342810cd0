"""Values on their way into the database, and what belongs together on the way."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from parser.documents import GROUP_BYTES, groups
from parser.kinds.values import bigint
from parser.storage.records import is_plausible, later
from parser.storage.tables import utc
from pipeline.contracts.mail_events import MailExtracted
from pipeline.contracts.wire import Envelope
from pipeline.postgres.statements import Statements
from tests.support.extracted import extracted


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (None, None),
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 12, tzinfo=UTC)),  # noqa: DTZ001 - what a mail may say
        (
            datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=23))),
            datetime(2025, 12, 31, 13, tzinfo=UTC),
        ),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), None),
    ],
)
def test_an_instant_is_given_in_utc_where_the_calendar_has_it(at: datetime | None, expected: datetime | None) -> None:
    assert utc(at) == expected


@pytest.mark.parametrize(("number", "expected"), [(5, 5), (2**80, 2**63 - 1), (-(2**80), -(2**63 - 1))])
def test_a_sum_that_no_bigint_holds_is_bounded(number: int, expected: int) -> None:
    assert bigint(number) == expected


@pytest.mark.parametrize(
    ("month", "by", "expected"), [((2026, 11), 1, (2026, 12)), ((2026, 11), 2, (2027, 1)), ((2026, 12), 1, (2027, 1))]
)
def test_months_follow_each_other(month: tuple[int, int], by: int, expected: tuple[int, int]) -> None:
    assert later(month, by=by) == expected


@pytest.mark.parametrize(
    ("month", "expected"),
    [((2011, 12), False), ((2012, 1), True), ((2026, 11), True), ((2027, 1), True), ((2027, 2), False)],
)
def test_only_plausible_months_get_a_partition(month: tuple[int, int], expected: bool) -> None:
    assert is_plausible(month, now=(2026, 11)) is expected


def _sized(uid: int, size: int) -> Envelope:
    envelope = extracted(uid, "<feedback/>")
    assert isinstance(envelope.event, MailExtracted)
    info = envelope.event.documents[0].model_copy(update={"size": size})
    return Envelope(envelope.event.model_copy(update={"documents": (info,)}), envelope.cargo)


def test_small_mails_are_read_together_and_a_huge_one_alone() -> None:
    sizes = [10, 20, GROUP_BYTES * 10, 30, 40]

    found = list(groups([_sized(uid, size) for uid, size in enumerate(sizes, start=1)]))

    assert [len(group) for group in found] == [2, 1, 2]


def test_every_statement_says_what_it_does() -> None:
    assert [name for name, sql in Statements.of("parser.storage").items() if not sql.startswith("-- ")] == []
