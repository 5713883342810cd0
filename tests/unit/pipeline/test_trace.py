import structlog

from pipeline.contracts.trace import MAX_NAMED, mails_of, named, traced
from pipeline.contracts.wire import MAIL_ID, encode
from tests.support.events import SAMPLES, fetched

MAILS = [fetched(uid) for uid in range(MAX_NAMED + 5)]
EVENTS = [mail.event for mail in MAILS]


def test_every_event_about_a_mail_names_it() -> None:
    about_none = {event.type for event in SAMPLES if not mails_of(event)}

    assert about_none == {"activity", "fetch_run_finished"}


def test_the_header_of_an_event_has_the_id_of_its_mail() -> None:
    (mail_id,) = mails_of(EVENTS[0])

    assert encode(MAILS[0]).headers[MAIL_ID] == mail_id


def test_a_line_names_one_mail_or_the_first_of_many() -> None:
    ids = [mail_id for event in EVENTS for mail_id in mails_of(event)]

    assert named([]) == {}
    assert named(EVENTS[:1]) == {"mail_id": ids[0]}
    assert named(EVENTS[:2]) == {"mail_ids": ids[:2], "mails": 2}
    assert named(EVENTS) == {"mail_ids": ids[:MAX_NAMED], "mails": MAX_NAMED + 5}


def test_lines_inside_the_block_alone_name_the_mails() -> None:
    with traced(EVENTS[:1]):
        assert structlog.contextvars.get_contextvars()["mail_id"] == mails_of(EVENTS[0])[0]

    assert "mail_id" not in structlog.contextvars.get_contextvars()
