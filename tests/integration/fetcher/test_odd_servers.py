"""What mail servers were seen to do, and what the fetcher makes of it: no loop, nothing given up early or hidden."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fetcher.acting import jobs
from fetcher.connection_test import try_connection
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Deadlines
from pipeline.contracts.events import FetchRunFinished
from pipeline.contracts.mail_events import ActResult, MailActed
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from pipeline.contracts.status import MailboxStatus
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.statuses import StatusBucket
from tests.support.client import put_mailbox
from tests.support.fetching import acted, bodies, command, fetching, imap_log, runs, until, until_fetched
from tests.support.fixtures_imap import quiet, scripted_account
from tests.support.odd_mailbox import BODY, OK, OddFolder, OddMailbox, Told
from tests.support.scripted_folder import scripted_mailbox
from tests.support.scripted_imap import HANG_UP, ScriptedImap, scripted_imap

MOVING = "IMAP4rev1 MOVE UIDPLUS"
IDLING = MOVING + " IDLE"


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_DELAY", 0.05)
    monkeypatch.setattr(jobs, "GROWTH", 1.0)


@asynccontextmanager
async def served(
    bus: Bus, odd: OddMailbox, *, mails: int = 0, capabilities: str = MOVING, **settings: object
) -> AsyncIterator[ScriptedImap]:
    """A fetcher at work for the mailbox, with so many mails in its folder."""
    folder = str(settings.get("folder", "INBOX"))
    odd.folders.setdefault(folder, OddFolder(9)).deliver(*[BODY % number for number in range(mails)])
    async with scripted_imap(odd.answers(), capabilities=capabilities) as server:
        await put_mailbox(bus, scripted_mailbox(server.port, **settings))
        async with fetching(bus):
            yield server


async def status_where(bus: Bus, fits: Callable[[MailboxStatus], bool]) -> MailboxStatus:
    """The mailbox's status as soon as it fits."""
    async with asyncio.timeout(20):
        while (told := await StatusBucket(bus.js).get("scripted")) is None or not fits(told):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return told


@pytest.mark.parametrize(
    ("odd", "target"),
    [
        (OddMailbox(ignores_case=True), "reports"),
        (OddMailbox(ignores_case=True), "REPORTS"),
        (OddMailbox(second_prefix="INBOX."), "INBOX.Reports"),
        (OddMailbox(second_prefix="mail/"), "mail/Reports"),
    ],
)
async def test_a_folder_under_another_name_is_recognised_before_anything_is_moved(
    bus: Bus, odd: OddMailbox, target: str
) -> None:
    async with served(bus, odd, mails=2, folder="Reports") as server:
        mail, _ = await until_fetched(bus, 2)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder=target))
        status = await status_where(bus, lambda status: status.category != "ok")

    assert (event.result, event.reason) == (ActResult.FAILED, Reason.FOLDER_NOT_PERMITTED)
    assert "under another name" in event.detail
    assert "under another name" in status.detail
    assert "UID MOVE" not in server.commands()


async def test_a_mail_that_comes_back_is_fetched_once_more_and_then_left_where_it_is(bus: Bus) -> None:
    """The server tells nothing that would show beforehand that both names are one folder."""
    odd = OddMailbox(ignores_case=True, hides_counts=True)
    move = {"action": "move", "folder": "reports"}
    async with served(bus, odd, mails=1, folder="Reports", on_processed=move):
        (mail,) = await until_fetched(bus, 1)
        await acted(bus, command(mail, Action.MOVE, folder="reports"))
        _, again = await until_fetched(bus, 2)
        status = await status_where(bus, lambda status: status.category != "ok")

    assert mail.handling.on_processed.action is Action.MOVE
    assert again.handling.on_processed.action is Action.NONE
    assert "came back" in status.detail


async def test_a_folder_of_its_own_takes_mail_although_it_was_made_in_the_same_second(bus: Bus) -> None:
    odd = OddMailbox(folders={"INBOX": OddFolder(7), "Done": OddFolder(7)})
    async with served(bus, odd, mails=1):
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="Done"))

    assert event.result is ActResult.DONE
    assert len(odd.folders["Done"].mails) == 1


@pytest.mark.parametrize(
    "idle",
    [
        b"{tag} BAD Could not parse command\r\n",
        b"{tag} NO not now\r\n",
        [b"+ idling\r\n{tag} NO changed my mind\r\n"],
    ],
)
async def test_where_idle_is_refused_the_mailbox_is_polled_and_mails_are_moved(bus: Bus, idle: Told) -> None:
    odd = OddMailbox()
    odd.refuse("IDLE", idle, times=1000)
    async with served(bus, odd, mails=1, capabilities=IDLING) as server:
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="Done"))
        await until(bus, FetchRunFinished, 5)
        odd.folders["INBOX"].deliver(BODY % 99)
        await until_fetched(bus, 2)

    assert event.result is ActResult.DONE
    assert server.commands().count("LOGIN") == 2  # one to fetch, one to act
    assert server.commands().count("IDLE") == 1


@pytest.mark.parametrize("idle", [b"+ idling\r\n* BYE not here\r\n" + HANG_UP, b"* BYE\r\n" + HANG_UP, HANG_UP])
async def test_a_server_that_hangs_up_in_idle_is_polled_without_it_and_mails_are_moved(bus: Bus, idle: Told) -> None:
    odd = OddMailbox()
    odd.refuse("IDLE", idle, times=1000)
    async with served(bus, odd, mails=1, capabilities=IDLING) as server:
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="Done"))
        await until(bus, FetchRunFinished, 8, where=lambda run: run.category == "ok")

    assert event.result is ActResult.DONE
    assert server.commands().count("IDLE") == 2
    assert server.commands().count("LOGIN") <= 4


@pytest.mark.parametrize("noise", [b"* 1 EXISTS\r\n", b"* 0 RECENT\r\n* 1 EXISTS\r\n", b"* 1 FETCH (FLAGS ())\r\n"])
async def test_noise_in_idle_is_no_news(bus: Bus, noise: bytes) -> None:
    odd = OddMailbox()
    odd.refuse("IDLE", [b"+ idling\r\n" + noise, OK], times=10_000)
    async with served(bus, odd, mails=1, capabilities=IDLING, poll_interval_minutes=60) as server:
        await until_fetched(bus, 1)
        await asyncio.sleep(1.0)

    assert server.commands().count("UID SEARCH") == 1


async def test_a_server_that_announces_mail_all_the_time_is_looked_at_once_a_second(bus: Bus) -> None:
    odd = OddMailbox()
    odd.refuse("IDLE", [b"+ idling\r\n* 0 EXISTS\r\n* 9 EXISTS\r\n", OK], times=10_000)
    async with served(bus, odd, mails=1, capabilities=IDLING, poll_interval_minutes=60) as server:
        await until_fetched(bus, 1)
        await asyncio.sleep(2.5)

    assert 2 <= server.commands().count("UID SEARCH") <= 4


@pytest.mark.parametrize(
    ("refused", "answer"),
    [
        ("SELECT", b"{tag} NO Server Unavailable. 15\r\n"),
        ("SELECT", b"{tag} NO something odd\r\n"),
        ("UID MOVE", b"{tag} NO [OVERQUOTA] mailbox is full\r\n"),
        ("UID MOVE", b"{tag} NO Quota exceeded\r\n"),
        ("UID MOVE", b"{tag} NO System Error\r\n"),
        ("UID MOVE", b"{tag} NO [UNAVAILABLE] later\r\n"),
        ("UID MOVE", b"{tag} NO [SERVERBUG] oops\r\n"),
    ],
)
async def test_a_refusal_that_may_pass_is_shown_and_tried_again_until_it_has_passed(
    bus: Bus, refused: str, answer: bytes
) -> None:
    odd = OddMailbox(folders={"INBOX": OddFolder(7), "Done": OddFolder(8)})
    async with served(bus, odd, mails=1, poll_interval_minutes=60):
        (mail,) = await until_fetched(bus, 1)
        await until(bus, FetchRunFinished)
        odd.refuse(refused, answer, times=1000)
        await bus.publish([command(mail, Action.MOVE, folder="Done")])
        await status_where(bus, lambda status: status.category != "ok")
        odd.refusals.clear()
        (event,) = await until(bus, MailActed)
        await status_where(bus, lambda status: status.category == "ok")

    assert event.result is ActResult.DONE
    assert len(odd.folders["Done"].mails) == 1


@pytest.mark.parametrize("answer", [b"{tag} NO [NOPERM] no\r\n", b"{tag} NO Permission denied\r\n"])
async def test_what_cannot_change_by_itself_is_final_when_it_was_said_again_and_again(bus: Bus, answer: bytes) -> None:
    odd = OddMailbox(folders={"INBOX": OddFolder(7), "Done": OddFolder(8)})
    odd.refuse("UID MOVE", answer, times=1000)
    async with served(bus, odd, mails=1) as server:
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="Done"))
        status = await status_where(bus, lambda status: status.category != "ok")
        await asyncio.sleep(0.5)
        tries = server.commands().count("UID MOVE")
        odd.refusals.clear()
        (retried,) = await acted(bus, command(mail, Action.MOVE, folder="Done", take=1))

    assert (event.result, event.reason) == (ActResult.FAILED, Reason.FOLDER_NOT_PERMITTED)
    assert tries == jobs.FINAL_AFTER
    assert status.category == "permissions"
    assert retried.result is ActResult.DONE


async def test_a_mail_that_is_refused_holds_up_no_other(bus: Bus) -> None:
    odd = OddMailbox(refused_uids=frozenset({2}))
    async with served(bus, odd, mails=5):
        mails = await until_fetched(bus, 5)
        events = await acted(bus, *[command(m, Action.MARK_READ) for m in mails if m.mail.uid != 2])
        await bus.publish([command(m, Action.MOVE, folder="Done", take=1) for m in mails])
        await until(bus, MailActed, 2, where=lambda event: event.action is Action.MOVE)
        odd.refused_uids = frozenset()
        async with asyncio.timeout(20):
            while odd.moved < 5:  # noqa: ASYNC110 the server does not tell
                await asyncio.sleep(0.05)

    assert {event.result for event in events} == {ActResult.DONE}
    assert odd.folders["INBOX"].mails == {}


async def test_a_mail_that_cannot_be_read_does_not_hold_up_what_is_done_to_the_others(bus: Bus) -> None:
    odd = OddMailbox(hangs_up_at=3)
    async with served(bus, odd, mails=3):
        await until(bus, FetchRunFinished, where=lambda run: run.category != "ok")
        odd.hangs_up_at = 0
        mail, *_ = await until_fetched(bus, 1)
        odd.hangs_up_at = 3
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="Done"))

    assert event.result is ActResult.DONE


async def test_a_move_that_moved_nothing_is_not_done(bus: Bus) -> None:
    odd = OddMailbox(moves_nothing=3)
    async with served(bus, odd, mails=1) as server:
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="INBOX2"))

    assert event.result is ActResult.DONE
    assert odd.folders["INBOX"].mails == {}
    assert server.commands().count("UID MOVE") >= 4


@pytest.mark.parametrize("answer", [b"{tag} NO Mailbox already exists.\r\n", b"{tag} NO [ALREADYEXISTS] is there\r\n"])
async def test_a_folder_that_turns_out_to_be_there_is_no_trouble(bus: Bus, answer: bytes) -> None:
    odd = OddMailbox(folders={"INBOX": OddFolder(7), "Done": OddFolder(8)})
    odd.refuse("UID MOVE", b"{tag} NO [TRYCREATE] try\r\n", times=1)
    odd.refuse("CREATE", answer, times=1)
    odd.refuse("LIST", OK, times=1)
    async with served(bus, odd, mails=1):
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="Done"))

    assert event.result is ActResult.DONE


async def test_an_empty_folder_is_not_searched(bus: Bus) -> None:
    odd = OddMailbox()
    async with served(bus, odd) as server:
        looks = await until(bus, FetchRunFinished, 3)
        odd.folders["INBOX"].deliver(BODY % 1)
        await until_fetched(bus, 1)

    assert {run.category for run in looks} == {"ok"}
    assert server.commands().count("LOGIN") == 1


async def test_a_folder_that_was_rewound_is_read_again_and_old_numbers_are_not_acted_on(bus: Bus) -> None:
    odd = OddMailbox(folders={"INBOX": OddFolder(7), "Done": OddFolder(8)})
    async with served(bus, odd, mails=3):
        old = await until_fetched(bus, 3)
        await until(bus, FetchRunFinished)
        restored = OddFolder(7)
        restored.deliver(BODY % 0, BODY % 77)
        odd.folders["INBOX"] = restored
        *_, new = await until_fetched(bus, 5)
        status = await status_where(bus, lambda status: status.category != "ok")
        (left_alone,) = await acted(bus, command(old[1], Action.MOVE, folder="Done"))
        (moved,) = await acted(bus, command(new, Action.MOVE, folder="Done"))
        again = (await bodies(bus))[3:]
        restored.deliver(BODY % 78)
        *_, newest = await until_fetched(bus, 6)

    assert "again" in status.detail
    assert len(await imap_log(bus, "folder_rewound")) == 1
    assert again == [BODY % 0, BODY % 77]
    assert (new.mail.uid, new.mail.mail_id) != (old[1].mail.uid, old[1].mail.mail_id)
    assert (left_alone.result, left_alone.reason) == (ActResult.FAILED, Reason.UIDVALIDITY_CHANGED)
    assert moved.result is ActResult.DONE
    assert newest.mail.uid == 3
    assert restored.mails == {1: BODY % 0, 3: BODY % 78}


async def test_a_folder_that_was_rewound_and_has_grown_beyond_the_cursor_is_read_again(bus: Bus) -> None:
    """UIDNEXT says nothing any more: only the email at the cursor shows that it is another folder."""
    odd = OddMailbox(folders={"INBOX": OddFolder(7), "Done": OddFolder(8)})
    async with served(bus, odd, mails=3):
        old = await until_fetched(bus, 3)
        await until(bus, FetchRunFinished)
        restored = OddFolder(7, date=b"18-Jul-2026 03:00:00 +0000")
        restored.deliver(BODY % 0, *[BODY % number for number in range(70, 75)])
        odd.folders["INBOX"] = restored
        new = (await until_fetched(bus, 9))[3:]
        again = (await bodies(bus))[3:]
        (left_alone,) = await acted(bus, command(old[2], Action.MOVE, folder="Done"))
        (moved,) = await acted(bus, command(new[2], Action.MOVE, folder="Done"))

    assert again == [BODY % 0, *[BODY % number for number in range(70, 75)]]
    assert {mail.mail.mail_id for mail in old}.isdisjoint(mail.mail.mail_id for mail in new)
    assert (left_alone.result, left_alone.reason) == (ActResult.FAILED, Reason.UIDVALIDITY_CHANGED)
    assert moved.result is ActResult.DONE
    assert len(await imap_log(bus, "folder_rewound")) == 1


async def test_a_uidnext_that_the_emails_contradict_reads_nothing_again_and_holds_up_no_action(bus: Bus) -> None:
    odd = OddMailbox(folders={"INBOX": OddFolder(7), "Done": OddFolder(8)}, said_uidnext=2)
    async with served(bus, odd, mails=3):
        mails = await until_fetched(bus, 3)
        await until(bus, FetchRunFinished, len(await runs(bus)) + 3)
        (moved,) = await acted(bus, command(mails[0], Action.MOVE, folder="Done"))

        assert len(await bodies(bus)) == 3
    assert moved.result is ActResult.DONE
    assert await imap_log(bus, "folder_rewound") == []


async def test_a_machine_that_lags_behind_again_and_again_does_not_read_everything_each_time(bus: Bus) -> None:
    odd = OddMailbox()
    async with served(bus, odd, mails=3):
        await until_fetched(bus, 3)
        upto_date, behind = odd.folders["INBOX"], OddFolder(odd.folders["INBOX"].uidvalidity)
        behind.deliver(BODY % 0)
        for _ in range(4):
            for folder in (behind, upto_date):
                odd.folders["INBOX"] = folder
                await until(bus, FetchRunFinished, len(await runs(bus)) + 2)

        assert len(await imap_log(bus, "folder_rewound")) == 2


async def test_a_server_that_changes_its_dates_is_not_read_again_for_ever(bus: Bus) -> None:
    odd = OddMailbox()
    async with served(bus, odd, mails=1):
        await until_fetched(bus, 1)
        for day in range(1, 6):
            odd.folders["INBOX"].date = b"0%d-Aug-2026 03:00:00 +0000" % day
            await until(bus, FetchRunFinished, len(await runs(bus)) + 2)

        assert len(await imap_log(bus, "folder_rewound")) == 2


async def test_a_uidvalidity_that_changes_at_every_look_does_not_read_everything_each_time(bus: Bus) -> None:
    odd = OddMailbox(restless=True)
    async with served(bus, odd, mails=3):
        await until_fetched(bus, 3)
        status = await status_where(bus, lambda status: "UIDVALIDITY" in status.detail)
        odd.folders["INBOX"].deliver(BODY % 99)
        await until_fetched(bus, 4)
        mails = await bodies(bus)

    assert status.category != "ok"
    assert mails == [BODY % 0, BODY % 1, BODY % 2, BODY % 99]


async def test_an_email_of_a_uidvalidity_that_means_nothing_is_to_be_left_alone(bus: Bus) -> None:
    """Two machines that number their emails each in its way: the UID may be another email's on the other one."""
    delete = {"action": "delete"}
    odd = OddMailbox(folders={"INBOX": OddFolder(9)})
    async with served(bus, odd, mails=1, on_processed=delete, on_failed=delete):
        (first,) = await until_fetched(bus, 1)
        await until(bus, FetchRunFinished)
        odd.restless = True
        await status_where(bus, lambda status: "UIDVALIDITY" in status.detail)
        odd.folders["INBOX"].deliver(BODY % 99)
        *_, second = await until_fetched(bus, 2)

    assert first.handling.on_processed.action is Action.DELETE
    assert second.mail.uidvalidity == first.mail.uidvalidity
    assert {second.handling.on_processed.action, second.handling.on_failed.action} == {Action.NONE}


async def test_a_uidvalidity_that_changes_with_every_session_is_believed_twice(bus: Bus) -> None:
    odd = OddMailbox()
    async with served(bus, odd, mails=1):
        for fetched in range(1, 4):
            await until_fetched(bus, fetched)
            odd.folders["INBOX"].uidvalidity += 1
        await status_where(bus, lambda status: "UIDVALIDITY" in status.detail)
        mails = await bodies(bus)

    assert mails == [BODY % 0] * 3


@pytest.mark.parametrize("said", [2**32 - 1, 2**63, 200_000_000])
async def test_the_size_of_a_mail_is_asked_of_its_bytes(bus: Bus, said: int) -> None:
    odd = OddMailbox(said_size=said)
    async with served(bus, odd, mails=2):
        first, _ = await until_fetched(bus, 2)
        mails = await bodies(bus)

    assert mails == [BODY % 0, BODY % 1]
    assert (first.refused, first.size) == (None, len(BODY % 0))


async def test_a_mail_that_is_as_large_as_said_is_not_downloaded(bus: Bus) -> None:
    odd = OddMailbox()
    odd.folders["INBOX"].deliver(BODY % 1 + b"x" * 2_000_000)
    async with (
        scripted_imap(odd.answers()) as server,
    ):
        await put_mailbox(bus, scripted_mailbox(server.port))
        async with fetching(bus, max_mail_bytes="1000000"):
            (large,) = await until_fetched(bus, 1)

    assert large.refused is Reason.MAIL_TOO_LARGE


@pytest.mark.parametrize(
    ("odd", "target"),
    [
        (OddMailbox(ignores_case=True), "reports"),
        (OddMailbox(second_prefix="INBOX."), "INBOX.Reports"),
        (OddMailbox(), "Reports"),
    ],
)
async def test_the_connection_test_says_that_mail_would_be_moved_onto_itself(odd: OddMailbox, target: str) -> None:
    odd.folders["Reports"] = OddFolder(9)
    odd.folders["Reports"].deliver(BODY % 1)
    async with scripted_imap(odd.answers(), capabilities=MOVING) as server:
        mailbox = scripted_mailbox(server.port, folder="Reports", on_processed={"action": "move", "folder": target})

        async def sign_in(deadlines: Deadlines) -> ImapSession:
            return await ImapSession.open(scripted_account(server.port, deadlines=deadlines), log=quiet)

        tested = await try_connection(mailbox.settings, sign_in)

    assert not tested.success
    assert target in tested.summary
    assert tested.recovery_steps


NAMELESS = b"From: a@b.example\r\nSubject: report\r\n\r\nno Message-ID\r\n"
ALWAYS = 1000


def with_target(**odd: Any) -> OddMailbox:
    return OddMailbox(folders={"INBOX": OddFolder(7), "Done": OddFolder(8)}, **odd)


@pytest.mark.parametrize("capabilities", ["IMAP4rev1 UIDPLUS", MOVING])
async def test_a_copy_that_is_answered_ok_and_made_nowhere_removes_nothing_and_fails_for_a_person(
    bus: Bus, capabilities: str
) -> None:
    odd = with_target(copies_nothing=ALWAYS)
    odd.refuse("UID MOVE", b"{tag} BAD unknown command\r\n", times=ALWAYS)
    async with served(bus, odd, mails=1, capabilities=capabilities):
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="Done"))
        await status_where(bus, lambda status: status.failed_actions == 1 and status.category != "ok")
        tries, left = odd.copied, dict(odd.folders["INBOX"].mails)
        odd.copies_nothing = 0
        (retried,) = await acted(bus, command(mail, Action.MOVE, folder="Done", take=1))

    assert event.result is ActResult.FAILED
    assert "not there" in event.detail
    assert tries == jobs.NOT_DONE_FINAL_AFTER
    assert left == {1: BODY % 0}
    assert retried.result is ActResult.DONE
    assert list(odd.folders["Done"].mails.values()) == [BODY % 0]
    assert odd.folders["INBOX"].mails == {}


@pytest.mark.parametrize("flags", [{"\\Deleted", "$DmarqMoving"}, {"\\Deleted"}])
async def test_an_email_that_is_copied_and_cannot_be_removed_is_copied_once(bus: Bus, flags: set[str]) -> None:
    odd = with_target(expunges_nothing=ALWAYS, keeps_flags=frozenset(flags))
    async with served(bus, odd, mails=1, capabilities="IMAP4rev1 UIDPLUS") as server:
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="Done"))
        tries = server.commands().count("UID EXPUNGE")
        odd.expunges_nothing = 0
        (retried,) = await acted(bus, command(mail, Action.MOVE, folder="Done", take=1))

    assert (event.result, retried.result) == (ActResult.FAILED, ActResult.DONE)
    assert "still there" in event.detail
    assert tries == jobs.NOT_DONE_FINAL_AFTER
    assert odd.copied == 1
    assert list(odd.folders["Done"].mails.values()) == [BODY % 0]


async def test_an_email_without_a_name_is_not_copied_for_ever(bus: Bus) -> None:
    odd = with_target(expunges_nothing=ALWAYS)
    odd.folders["INBOX"].deliver(NAMELESS)
    async with served(bus, odd, capabilities="IMAP4rev1 UIDPLUS"):
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.MOVE, folder="Done"))

    assert event.result is ActResult.FAILED
    assert odd.copied == jobs.NOT_DONE_FINAL_AFTER


async def test_a_deletion_that_removes_nothing_is_a_failure_that_a_person_can_retry(bus: Bus) -> None:
    odd = with_target(expunges_nothing=ALWAYS)
    async with served(bus, odd, mails=1, capabilities="IMAP4rev1 UIDPLUS"):
        (mail,) = await until_fetched(bus, 1)
        (event,) = await acted(bus, command(mail, Action.DELETE))
        odd.expunges_nothing = 0
        (retried,) = await acted(bus, command(mail, Action.DELETE, take=1))

    assert (event.result, event.reason) == (ActResult.FAILED, Reason.ACTION_REFUSED)
    assert retried.result is ActResult.DONE
    assert odd.folders["INBOX"].mails == {}


async def test_a_move_that_only_copies_is_finished_and_not_repeated(bus: Bus) -> None:
    odd = with_target(moves_by_copy=True)
    async with served(bus, odd, mails=2):
        mails = await until_fetched(bus, 2)
        events = await acted(bus, *[command(mail, Action.MOVE, folder="Done") for mail in mails])

    assert {event.result for event in events} == {ActResult.DONE}
    assert sorted(odd.folders["Done"].mails.values()) == [BODY % 0, BODY % 1]
    assert odd.folders["INBOX"].mails == {}
    assert odd.moved == 2
