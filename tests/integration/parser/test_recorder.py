"""Facts of the EVENT stream end in the ledger and in the tables for people; every one of them may come again."""

from datetime import UTC, datetime

import pytest

from parser.handler import ParserHandler
from parser.recorder import Recorder
from pipeline.contracts.events import ActivityLogged, FetchRunFinished, FetchTrigger
from pipeline.contracts.mail_events import ActResult, Event, MailActed, MailCommand, MailDied
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope
from pipeline.postgres.connection import Database
from pipeline.runtime.stage import Later
from tests.support.extracted import FETCHED_AT, HANDLING, extracted, mail_ref
from tests.support.fixtures_postgres import rows, values
from tests.support.reports import report_xml

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def recorder(postgres: Database) -> Recorder:
    return Recorder(postgres, committed=lambda: None)


async def record(recorder: Recorder, *events: Event) -> None:
    assert await recorder([Envelope(event) for event in events]) == [[] for _ in events]


def acted(result: ActResult, *, action: Action = Action.MOVE, reason: Reason | None = None) -> MailActed:
    ids = (mail_ref(1).mail_id,)
    return MailActed(mailbox_id="box", folder="INBOX", action=action, result=result, mail_ids=ids, reason=reason, at=AT)


def died(uid: int = 1, *, take: int = 0, reason: Reason = Reason.BUG) -> MailDied:
    return MailDied(
        mail=mail_ref(uid),
        handling=HANDLING,
        fetched_at=FETCHED_AT,
        consumer="extractor",
        reason=reason,
        detail="it broke",
        take=take,
    )


async def test_an_action_that_was_done_is_noted(parser: ParserHandler, recorder: Recorder, postgres: Database) -> None:
    await parser([extracted(1, report_xml())])

    await record(recorder, acted(ActResult.DONE))

    assert await rows(postgres, "SELECT action_state, acted_at FROM mail") == [{"action_state": "done", "acted_at": AT}]


async def test_what_was_done_stays_done_when_the_repeat_finds_the_mail_gone(
    parser: ParserHandler, recorder: Recorder, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])

    await record(recorder, acted(ActResult.DONE), acted(ActResult.ABSENT))

    assert await values(postgres, "SELECT action_state FROM mail") == ["done"]


async def test_an_action_that_failed_is_noted_with_its_reason_and_may_be_done_later(
    parser: ParserHandler, recorder: Recorder, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])

    await record(recorder, acted(ActResult.FAILED, reason=Reason.FOLDER_NOT_PERMITTED))

    noted = await rows(postgres, "SELECT action_state, action_reason FROM mail")
    assert noted == [{"action_state": "failed", "action_reason": "folder_not_permitted"}]
    await record(recorder, acted(ActResult.DONE))
    assert await values(postgres, "SELECT action_state FROM mail") == ["done"]


async def test_a_mail_that_died_before_the_parser_is_failed_and_gets_its_command(
    recorder: Recorder, postgres: Database
) -> None:
    await record(recorder, died(), died())

    [mail] = await rows(postgres, "SELECT * FROM mail")
    assert (mail["outcome"], mail["reason"], mail["detail"]) == ("failed", "bug", "it broke")
    assert (mail["action"], mail["action_state"]) == ("mark_read", "pending")
    assert await values(postgres, "SELECT subject FROM outbox") == ["mailbox.command.box"]


async def test_the_death_of_a_mail_that_has_an_outcome_changes_nothing(
    parser: ParserHandler, recorder: Recorder, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])

    await record(recorder, died(), died(take=1))

    assert await values(postgres, "SELECT outcome FROM mail") == ["imported"]


async def test_a_retried_mail_that_dies_again_is_failed_for_its_latest_reason(
    recorder: Recorder, postgres: Database
) -> None:
    await record(recorder, died())
    await record(recorder, died(take=1, reason=Reason.CRASH_LOOP))

    assert await rows(postgres, "SELECT take, reason FROM mail") == [{"take": 1, "reason": "crash_loop"}]


async def test_a_retried_mail_that_had_died_is_imported(
    parser: ParserHandler, recorder: Recorder, postgres: Database
) -> None:
    await record(recorder, died())
    envelope = extracted(1, report_xml(), take=1)

    assert await parser([envelope]) == [[]]
    assert await values(postgres, "SELECT outcome FROM mail") == ["imported"]
    [again] = await parser([envelope])
    assert not isinstance(again, Exception | Later)
    command = again[0].event
    assert isinstance(command, MailCommand)
    assert command.take == 1


async def test_fetch_runs_and_activity_are_written_once(recorder: Recorder, postgres: Database) -> None:
    run = FetchRunFinished(
        mailbox_id="box",
        run_id="run-1",
        folder="INBOX",
        trigger=FetchTrigger.POLL,
        started_at=AT,
        finished_at=AT,
        seen=5,
        fetched=3,
    )
    line = ActivityLogged(
        id="a-1", mailbox_id="box", source="imap", name="connected", text="nul \x00", data={"port": 993}, at=AT
    )

    await record(recorder, run, line, run, line)
    await record(recorder, line, run)

    assert await rows(postgres, "SELECT run_id, seen, fetched, trigger FROM fetch_run") == [
        {"run_id": "run-1", "seen": 5, "fetched": 3, "trigger": "poll"}
    ]
    assert await rows(postgres, "SELECT id, text, data, at FROM activity") == [
        {"id": "a-1", "text": "nul \ufffd", "data": {"port": 993}, "at": AT}
    ]


async def test_events_that_are_nothing_to_write_down_are_passed_over(recorder: Recorder, postgres: Database) -> None:
    await record(recorder, MailCommand(mail=mail_ref(1), outcome="imported", action="move"))

    assert await values(postgres, "SELECT count(*) FROM mail") == [0]
