from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.dead_letter import AT, DELIVERIES, DETAIL, dead_letters, header_text, history_of, mailbox_of
from pipeline.contracts.mail_events import MailDied
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import KEY, TYPE, Envelope, Wire, decode, encode
from pipeline.errors import Dead
from tests.support.events import SAMPLES, fetched

BUG = Dead(Reason.BUG, "KeyError: 'x'\n\x00ä")


def test_a_dead_letter_keeps_the_event_and_tells_its_history() -> None:
    wire = encode(fetched(1, b"the bytes"))
    letter, _ = dead_letters(wire, BUG, consumer="extractor", deliveries=4)
    history = history_of(letter.headers)

    assert letter.subject == "dead.extractor.reports"
    assert decode(letter.headers, letter.payload) == fetched(1, b"the bytes")
    assert (history.reason, history.detail) == ("bug", "KeyError: 'x'???")
    assert (history.consumer, history.subject, history.deliveries) == ("extractor", "mail.fetched.reports", 4)
    assert abs((datetime.now(UTC) - history.at).total_seconds()) < 60


def test_the_ledger_hears_of_a_mail_that_died() -> None:
    _, fact = dead_letters(encode(fetched(7)), BUG, consumer="extractor", deliveries=1)
    died = decode(fact.headers, fact.payload).event

    assert isinstance(died, MailDied)
    assert (died.mail.uid, died.reason, died.consumer) == (7, Reason.BUG, "extractor")


@pytest.mark.parametrize("event", [e for e in SAMPLES if e.type in {"activity", "mail_acted", "mail_command"}])
def test_an_event_that_decides_no_mail_is_a_dead_letter_alone(event) -> None:
    assert len(dead_letters(encode(Envelope(event)), BUG, consumer="recorder", deliveries=1)) == 1


def test_foreign_headers_that_could_make_the_broker_refuse_are_left_behind() -> None:
    wire = Wire("mail.fetched.reports", {TYPE: "x", "Nats-Expected-Last-Sequence": "1", "Nats-Rollup": "all"}, b"y")
    (letter,) = dead_letters(wire, BUG, consumer="extractor", deliveries=1)

    assert {name for name in letter.headers if name.startswith("Nats-")} == {KEY}
    assert letter.headers[TYPE] == "x"


def test_headers_too_large_to_be_ours_are_left_behind() -> None:
    wire = Wire("mail.fetched.reports", {"Dmarq-Event": "x" * 60_000, KEY: "k" * 60_000}, b"y")
    (letter,) = dead_letters(wire, BUG, consumer="extractor", deliveries=1)

    assert sum(map(len, letter.headers.values())) < 5000


def test_two_unreadable_events_without_a_key_are_two_dead_letters() -> None:
    letters = [
        dead_letters(Wire("mail.fetched.reports", {}, payload), BUG, consumer="extractor", deliveries=1)[0]
        for payload in (b"one", b"two")
    ]

    assert letters[0].headers[KEY] != letters[1].headers[KEY]


@given(
    headers=st.dictionaries(st.sampled_from([AT, DELIVERIES, DETAIL]), st.text(max_size=30)),
)
def test_the_history_survives_any_headers(headers: dict[str, str]) -> None:
    assert history_of(headers).at.tzinfo is not None


@pytest.mark.parametrize(
    ("subject", "mailbox_id"),
    [
        ("mail.fetched.reports", "reports"),
        ("mailbox.command.reports", "reports"),
        ("event.reports.activity", "reports"),
        ("event", "event"),
    ],
)
def test_the_mailbox_is_in_the_subject(subject: str, mailbox_id: str) -> None:
    assert mailbox_of(subject) == mailbox_id


@given(text=st.text())
def test_header_text_is_one_bounded_printable_line(text: str) -> None:
    found = header_text(text)

    assert len(found) <= 500
    assert found.isascii()
    assert found.isprintable()
