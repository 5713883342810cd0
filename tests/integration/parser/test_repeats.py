"""The same mail, the same report, or a correction of it, once more: nothing is stored twice, nothing is lost."""

import asyncio
from dataclasses import replace

import pytest

from parser.handler import ParserHandler
from pipeline.contracts.mail import LineOutcome, PartLine
from pipeline.contracts.mail_events import MailCommand, MailExtracted, Outcome
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope
from pipeline.errors import PipelineError, Rejected
from pipeline.postgres.connection import Database
from pipeline.runtime.stage import Later, Result
from tests.support.extracted import extracted, mail_ref
from tests.support.fixtures_postgres import rows, values
from tests.support.reports import RECORD, changed, report_xml

CORRECTED = changed("<count>3</count>", "<count>4</count>")


def another_take(envelope: Envelope, take: int) -> Envelope:
    return replace(envelope, event=envelope.event.model_copy(update={"take": take}))


async def test_the_same_report_in_another_mail_is_a_duplicate(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml())])
    await parser([extracted(2, report_xml())])

    assert await values(postgres, "SELECT outcome FROM mail ORDER BY uid") == ["imported", "duplicate"]
    first, second = await rows(postgres, "SELECT id, report, bytes, outcome FROM document ORDER BY id")
    assert (second["report"], second["bytes"], second["outcome"]) == (first["id"], None, "duplicate")
    assert await values(postgres, "SELECT count(*) FROM record") == [1]


async def test_the_same_report_twice_in_one_batch_is_stored_once(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml()), extracted(2, report_xml()), extracted(3, report_xml(), report_xml())])

    outcomes = await values(postgres, "SELECT outcome FROM mail ORDER BY uid")
    assert outcomes == ["imported", "duplicate", "duplicate"]
    assert await values(postgres, "SELECT count(*) FROM report") == [1]


@pytest.mark.parametrize("reason", [Reason.MAIL_UNREADABLE, Reason.BLOB_MISSING])
async def test_a_mail_whose_bytes_come_after_all_is_imported(
    parser: ParserHandler, postgres: Database, reason: Reason
) -> None:
    withheld = PartLine(path="", size=10, outcome=LineOutcome.REFUSED, reason=reason)
    nothing = extracted(1, lines=[withheld])
    await parser([replace(nothing, cargo=())])
    first = await values(postgres, "SELECT outcome FROM mail")
    await parser([extracted(1, report_xml())])

    assert (first, await values(postgres, "SELECT outcome FROM mail")) == (["failed"], ["imported"])
    assert await values(postgres, "SELECT count(*) FROM report") == [1]


async def test_a_correction_is_kept_as_a_variant(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml())])
    await parser([extracted(2, CORRECTED), extracted(3, CORRECTED)])

    assert await values(postgres, "SELECT variant FROM report ORDER BY id") == [False, True]
    assert await values(postgres, "SELECT outcome FROM mail ORDER BY uid") == ["imported", "imported", "duplicate"]


async def test_of_two_versions_in_one_batch_one_is_the_variant(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml()), extracted(2, CORRECTED)])

    assert sorted(await values(postgres, "SELECT variant FROM report")) == [False, True]


async def test_a_redelivered_mail_gets_its_unfinished_command_again(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml())])

    [[again]] = await parser([extracted(1, report_xml())])  # type: ignore[misc]

    assert isinstance(again.event, MailCommand)
    assert (again.event.mail, again.event.folder) == (mail_ref(1), "Done")
    assert await values(postgres, "SELECT count(*) FROM report") == [1]


async def test_a_redelivered_mail_whose_command_was_carried_out_gets_none(
    parser: ParserHandler, postgres: Database
) -> None:
    await parser([extracted(1, report_xml())])
    await rows(postgres, "UPDATE mail SET action_state = 'done'")

    assert await parser([extracted(1, report_xml())]) == [[]]


async def test_a_redelivered_failed_mail_is_rejected_again(parser: ParserHandler) -> None:
    [first] = await parser([extracted(1, "<feedback><broken")])
    [again] = await parser([extracted(1, "<feedback><broken")])

    assert isinstance(first, Rejected)
    assert isinstance(again, Rejected)
    assert again.reason is first.reason


async def test_the_same_mail_twice_in_one_batch_is_one_mail(parser: ParserHandler, postgres: Database) -> None:
    results = await parser([extracted(1, report_xml()), extracted(1, report_xml())])

    assert [len(result) for result in results if not isinstance(result, Exception | Later)] == [0, 1]
    assert await values(postgres, "SELECT outcome FROM mail") == ["imported"]


async def test_a_retried_dead_letter_replaces_the_failed_row(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, "<feedback><broken")])

    assert await parser([another_take(extracted(1, report_xml()), 1)]) == [[]]
    assert await rows(postgres, "SELECT outcome, take FROM mail") == [{"outcome": "imported", "take": 1}]
    assert await values(postgres, "SELECT outcome FROM document") == ["stored"]


async def test_a_later_take_of_an_imported_mail_changes_nothing(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml())])
    await parser([another_take(extracted(1, CORRECTED), 1)])

    assert await rows(postgres, "SELECT outcome, take FROM mail") == [{"outcome": "imported", "take": 0}]
    assert await values(postgres, "SELECT count(*) FROM report") == [1]


async def until_done(parser: ParserHandler, envelopes: list[Envelope]) -> list[Result]:
    """As the runtime does it: what could not be done now is tried again."""
    while True:
        try:
            return list(await parser(envelopes))
        except PipelineError:
            await asyncio.sleep(0.01)


async def test_two_parsers_with_the_same_mails_store_each_once(
    parser: ParserHandler, second_parser: ParserHandler, postgres: Database
) -> None:
    mails = [extracted(uid, changed("r-1", f"r-{uid}")) for uid in range(1, 31)]

    await asyncio.gather(until_done(parser, mails), until_done(second_parser, mails[::-1]))

    assert await values(postgres, "SELECT count(*) FROM mail WHERE outcome = 'imported'") == [30]
    assert await values(postgres, "SELECT count(*) FROM report") == [30]
    assert await values(postgres, "SELECT count(*) FROM record") == [30]


async def test_two_parsers_with_different_versions_agree_on_one_variant(
    parser: ParserHandler, second_parser: ParserHandler, postgres: Database
) -> None:
    first = [extracted(uid, changed("r-1", f"r-{uid}")) for uid in range(1, 21)]
    corrected = [extracted(uid + 100, CORRECTED.replace("r-1", f"r-{uid}")) for uid in range(20, 0, -1)]

    await asyncio.gather(until_done(parser, first), until_done(second_parser, corrected))

    counted = "SELECT count(*) AS versions, count(*) FILTER (WHERE variant) AS variants FROM report GROUP BY identity"
    assert await rows(postgres, counted) == [{"versions": 2, "variants": 1}] * 20


async def test_a_mail_event_of_another_type_is_no_mail_for_the_parser(parser: ParserHandler) -> None:
    envelope = extracted(1, report_xml())
    assert isinstance(envelope.event, MailExtracted)
    command = MailCommand(mail=envelope.event.mail, outcome=Outcome.IMPORTED, action=Action.MARK_READ)

    with pytest.raises(Rejected, match="undecodable_event"):
        await parser([Envelope(command)])


async def test_a_huge_report_sent_twice_leaves_one(parser: ParserHandler, postgres: Database) -> None:
    huge = report_xml(records=RECORD * 5000)

    await parser([extracted(1, huge), extracted(2, huge)])

    assert await values(postgres, "SELECT count(*) FROM record") == [5000]


def under_settings(envelope: Envelope, version: int) -> Envelope:
    handling = extracted_event(envelope).handling.model_copy(update={"settings_version": version})
    return replace(envelope, event=envelope.event.model_copy(update={"handling": handling}))


def extracted_event(envelope: Envelope) -> MailExtracted:
    assert isinstance(envelope.event, MailExtracted)
    return envelope.event


SWITCHED_OFF = PartLine(path="1", size=10, outcome=LineOutcome.IGNORED, reason=Reason.FORMAT_NOT_ALLOWED, detail="zip")
TOO_LARGE = PartLine(path="1", size=10, outcome=LineOutcome.REFUSED, reason=Reason.ATTACHMENT_TOO_LARGE)


@pytest.mark.parametrize("line", [SWITCHED_OFF, TOO_LARGE], ids=["format switched off", "too large"])
async def test_a_mail_that_is_fetched_again_under_newer_settings_ends_as_they_say(
    parser: ParserHandler, postgres: Database, line: PartLine
) -> None:
    await parser([under_settings(extracted(1, lines=[line]), 1)])
    await parser([under_settings(extracted(1, report_xml()), 1)])
    assert await values(postgres, "SELECT settings_version FROM mail WHERE outcome <> 'imported'") == [1]

    await parser([under_settings(extracted(1, report_xml()), 2)])

    assert await rows(postgres, "SELECT outcome, settings_version, reason FROM mail") == [
        {"outcome": "imported", "settings_version": 2, "reason": None}
    ]
    assert await values(postgres, "SELECT count(*) FROM report") == [1]


async def test_a_mail_that_fails_again_under_newer_settings_gets_a_command_that_is_no_repeat(
    parser: ParserHandler, postgres: Database
) -> None:
    for version in (1, 2):
        await parser([under_settings(extracted(1, lines=[TOO_LARGE]), version)])

    keys = await values(postgres, "SELECT headers->>'Nats-Msg-Id' FROM outbox WHERE subject LIKE 'mailbox.command.%'")
    assert len(set(keys)) == 2
    (repeat,) = await parser([under_settings(extracted(1, lines=[TOO_LARGE]), 2)])
    assert isinstance(repeat, Rejected)


async def test_an_imported_mail_stays_as_it_is_under_newer_settings(parser: ParserHandler, postgres: Database) -> None:
    await parser([under_settings(extracted(1, report_xml()), 1)])
    await parser([under_settings(extracted(1, lines=[SWITCHED_OFF]), 2)])

    assert await values(postgres, "SELECT outcome FROM mail") == ["imported"]


async def test_a_mail_without_a_report_says_which_format_is_switched_off(
    parser: ParserHandler, postgres: Database
) -> None:
    await parser([extracted(1, lines=[SWITCHED_OFF])])

    [mail] = await rows(postgres, "SELECT outcome, reason, detail FROM mail")
    assert dict(mail) == {"outcome": "not_a_report", "reason": "format_not_allowed", "detail": "zip"}
