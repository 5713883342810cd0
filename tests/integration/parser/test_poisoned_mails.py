"""Mails that run into a bug of ours are alone with it, however many they are."""

from parser.handler import ParserHandler
from pipeline.contracts.wire import Envelope
from pipeline.postgres.connection import Database
from pipeline.runtime.judge import RetryPolicy
from tests.attack.flood import flood
from tests.support.extracted import extracted
from tests.support.fixtures_postgres import rows, values
from tests.support.reports import changed

QUICK = RetryPolicy(bug_delays=(0.1, 0.2, 0.5))


async def test_poisoned_mails_among_good_ones_end_with_a_reason_and_hold_up_nobody(
    nats_url: str, migrated_url: str, postgres: Database
) -> None:
    ended = await flood(nats_url, migrated_url, good=150, poisoned=150, policy=QUICK)

    assert (ended.stored, ended.failed, ended.opened) == (150, 150, frozenset())
    assert await values(postgres, "SELECT DISTINCT reason FROM mail WHERE outcome = 'failed'") == ["bug"]


async def test_a_mail_whose_reading_ends_in_an_error_is_alone_with_it(
    parser: ParserHandler, postgres: Database
) -> None:
    good = [extracted(uid, changed("r-1", f"r-{uid}")) for uid in (1, 3)]
    poisoned = Envelope(extracted(2, "<feedback>").event, ())

    first, error, last = await parser([good[0], poisoned, good[1]])

    assert (first, last) == ([], [])
    assert isinstance(error, IndexError)
    assert [row["outcome"] for row in await rows(postgres, "SELECT outcome FROM mail")] == ["imported"] * 2
