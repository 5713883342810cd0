"""What becomes of a mail, from the mailbox to the database and back."""

import gzip
from collections import Counter

import pytest

from dmarq.samples import SampleKind, SampleMail, make_mails, total
from pipeline.contracts.mail_events import MailCommand
from pipeline.contracts.topology import DEAD
from tests.support.dovecot import User
from tests.support.fetching import stored
from tests.support.mails import aggregate_xml, mail, part
from tests.support.site import Inspector


def samples(kind: SampleKind, *, seed: int, count: int = 1) -> list[SampleMail]:
    """Sample mails of one kind; another seed gives other reports."""
    return [sample for sample in make_mails(300, seed) if sample.kind is kind][:count]


@pytest.mark.parametrize(
    ("action", "inbox", "done"),
    [
        ({"action": "none"}, "---", 0),
        ({"action": "mark_read"}, "SSS", 0),
        ({"action": "move", "folder": "DMARC/Verarbeitet & erledigt"}, "", 3),
        ({"action": "delete"}, "", 0),
    ],
)
async def test_a_processed_mail_gets_its_action(
    inspector: Inspector, user: User, action: dict[str, str], inbox: str, done: int
) -> None:
    seed = 100 + len(str(action))
    mails = [sample.raw for sample in samples(SampleKind.REPORT, seed=seed, count=3)]
    user.deliver(*mails)
    mailbox = await inspector.work_for(user, on_processed=action)
    await inspector.until_done(mailbox, 3)

    assert await inspector.outcomes(mailbox) == {"imported": 3}
    assert [mail.flags or "-" for mail in user.stored()] == list(inbox)
    if done:
        assert sorted(mail.raw for mail in user.stored("DMARC.Verarbeitet & erledigt")) == sorted(mails)
    assert await inspector.action_states(mailbox) == {"none" if action["action"] == "none" else "done": 3}


@pytest.mark.parametrize("kind", [SampleKind.TWO_ATTACHMENTS, SampleKind.TWO_IN_A_ZIP])
async def test_a_mail_with_two_reports_is_one_mail_and_two_reports(
    inspector: Inspector, user: User, kind: SampleKind
) -> None:
    sample = samples(kind, seed=200)[0]
    user.deliver(sample.raw)
    mailbox = await inspector.work_for(user)
    await inspector.until_done(mailbox, 1)
    assert await inspector.outcomes(mailbox) == {"imported": 1}
    assert await inspector.figures(mailbox) == (2, sample.records, sample.messages)
    assert [mail.seen for mail in user.stored()] == [True]


async def test_a_report_that_comes_again_is_a_duplicate_and_is_counted_once(inspector: Inspector, user: User) -> None:
    xml = aggregate_xml(report_id="comes-twice")
    user.deliver(
        mail(part(gzip.compress(xml), "application/gzip", name="a.xml.gz")),
        mail(part(xml, "text/xml", name="a.xml")),
    )
    mailbox = await inspector.work_for(user)
    await inspector.until_done(mailbox, 2)
    assert await inspector.outcomes(mailbox) == {"imported": 1, "duplicate": 1}
    assert await inspector.figures(mailbox) == (1, 1, 1)
    assert [mail.seen for mail in user.stored()] == [True, True]


async def test_a_broken_mail_is_kept_with_its_bytes_and_its_reason(inspector: Inspector, user: User) -> None:
    sample = samples(SampleKind.BROKEN, seed=400)[0]
    user.deliver(sample.raw)
    mailbox = await inspector.work_for(user, on_failed={"action": "move", "folder": "Failed"})
    await inspector.until_done(mailbox, 1)

    assert await inspector.outcomes(mailbox) == {"failed": 1}
    dead = [one for one in await stored(inspector.bus, DEAD.name) if mailbox.id in one.event.subject]
    assert len(dead) == 1
    assert dead[0].cargo[0].bytes == sample.raw
    assert not isinstance(dead[0].event, MailCommand)
    assert [mail.raw for mail in user.stored("Failed")] == [sample.raw]
    assert await inspector.value("SELECT count(*) FROM mail WHERE reason IS NOT NULL AND mailbox_id = $1", mailbox.id)


async def test_a_mail_that_is_no_report_is_left_as_it_is(inspector: Inspector, user: User) -> None:
    user.deliver(samples(SampleKind.NEWSLETTER, seed=500)[0].raw)
    mailbox = await inspector.work_for(user)
    await inspector.until_done(mailbox, 1)
    assert await inspector.outcomes(mailbox) == {"not_a_report": 1}
    assert [mail.flags for mail in user.stored()] == [""]


async def test_a_dry_run_stores_everything_and_touches_nothing(inspector: Inspector, user: User) -> None:
    user.deliver(*[sample.raw for sample in samples(SampleKind.REPORT, seed=600, count=4)])
    mailbox = await inspector.work_for(user, dry_run=True, on_processed={"action": "delete"})
    await inspector.until_done(mailbox, 4)
    assert await inspector.outcomes(mailbox) == {"imported": 4}
    assert await inspector.action_states(mailbox) == {"skipped": 4}
    assert [mail.flags for mail in user.stored()] == ["", "", "", ""]


async def test_every_mail_of_a_mixed_mailbox_is_accounted_for_and_a_second_reading_changes_nothing(
    inspector: Inspector, user: User
) -> None:
    mails = list(make_mails(150, 700))
    expected = total(mails)
    user.deliver(*[sample.raw for sample in mails])
    mailbox = await inspector.work_for(user)
    await inspector.until_done(mailbox, expected.mails)

    outcomes = {outcome.value: number for outcome, number in expected.outcomes.items() if number}
    figures = (expected.reports, expected.records, expected.messages)
    assert await inspector.outcomes(mailbox) == outcomes
    assert await inspector.figures(mailbox) == figures
    flags = Counter(mail.flags for mail in user.stored())

    await inspector.read_again(mailbox)
    await inspector.until_runs(mailbox, 2 * expected.mails)
    await inspector.until_done(mailbox, expected.mails)
    assert await inspector.outcomes(mailbox) == outcomes
    assert await inspector.figures(mailbox) == figures
    assert Counter(mail.flags for mail in user.stored()) == flags
