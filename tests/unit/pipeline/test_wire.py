import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.events import ActivityLogged, Level
from pipeline.contracts.mail_events import Event, MailExtracted
from pipeline.contracts.reasons import Reason
from pipeline.contracts.trace import attributes, mails_of
from pipeline.contracts.wire import (
    CARGO,
    HEAD,
    KEY,
    MAIL_ID,
    MAX_HEADER_BYTES,
    PREFIX,
    TYPE,
    Envelope,
    Parcel,
    decode,
    encode,
)
from pipeline.errors import Rejected
from tests.support.events import SAMPLES, extracted, fetched

PARCELS = st.lists(
    st.one_of(
        st.binary(max_size=50).map(Parcel.of),
        st.builds(Parcel, size=st.integers(0, 10**9), blob=st.text(min_size=1, max_size=40)),
    ),
    max_size=6,
)
MAIL = fetched(1, b"the mail").event


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_every_event_comes_back_as_it_was(event: Event) -> None:
    wire = encode(Envelope(event))

    assert decode(wire.headers, wire.payload) == Envelope(event)
    about = {MAIL_ID: ",".join(mails_of(event))} if mails_of(event) else {}
    assert (wire.subject, wire.headers) == (
        event.subject,
        {KEY: event.key, TYPE: event.type, **attributes(event), **about},
    )


@given(cargo=PARCELS)
def test_cargo_comes_back_in_order_and_blobs_stay_out_of_the_payload(cargo: list[Parcel]) -> None:
    wire = encode(Envelope(MAIL, tuple(cargo)))

    assert decode(wire.headers, wire.payload).cargo == tuple(cargo)


@given(text=st.text(), name=st.text(max_size=20), data=st.dictionaries(st.text(max_size=5), st.integers() | st.text()))
def test_any_text_in_an_event_travels(text: str, name: str, data: dict[str, int | str]) -> None:
    event = ActivityLogged(
        id="1", mailbox_id="m", source="s", name=name, text=text, data=data, level=Level.INFO, at="2026-01-01T00:00:00Z"
    )
    wire = encode(Envelope(event, (Parcel.of(b"x"),)))

    assert all(value.isascii() for value in wire.headers.values())
    assert decode(wire.headers, wire.payload).event == event


def test_the_payload_of_a_fetched_mail_is_the_mail_itself() -> None:
    assert encode(fetched(1, b"From: x\r\n\r\nbody")).payload == b"From: x\r\n\r\nbody"


def test_a_head_too_large_for_headers_travels_before_the_payload() -> None:
    small = extracted(fetched(1, b"mail"), b"document")
    assert isinstance(small.event, MailExtracted)
    lines = tuple({"path": str(n), "name": "ä" * 50, "outcome": "ignored"} for n in range(2000))
    event = MailExtracted.model_validate(small.event.model_dump() | {"lines": lines})
    wire = encode(Envelope(event, small.cargo))

    assert PREFIX in wire.headers
    assert sum(map(len, wire.headers.values())) < MAX_HEADER_BYTES
    assert wire.payload.endswith(b"maildocument")
    assert decode(wire.headers, wire.payload) == Envelope(event, small.cargo)


def test_a_field_of_a_later_version_is_ignored() -> None:
    wire = encode(Envelope(MAIL))
    payload = json.dumps(json.loads(wire.payload) | {"colour": "blue", "v": 2}).encode()
    event = decode(wire.headers, payload).event

    assert event == MAIL.model_copy(update={"v": 2})


GOOD = encode(fetched(1, b"12345678"))


@pytest.mark.parametrize(
    ("headers", "payload"),
    [
        ({}, b"{}"),  # no type
        ({TYPE: "mail_eaten"}, b"{}"),  # a type nobody knows
        ({TYPE: "mail_fetched"}, b""),  # nothing at all
        ({TYPE: "mail_fetched"}, b"\xff\xfe"),  # no UTF-8
        ({TYPE: "mail_fetched"}, b"[" * 100_000),  # nested without end
        ({TYPE: "mail_fetched"}, b"[]"),  # not an object
        ({TYPE: "mail_fetched", HEAD: "{}", CARGO: "[]"}, b""),  # fields are missing
        ({TYPE: "mail_fetched", HEAD: GOOD.headers[HEAD]}, b"12345678"),  # no cargo list
        (GOOD.headers | {CARGO: "[[7,null]]"}, b"12345678"),  # lengths do not add up
        (GOOD.headers | {CARGO: "[[16,null],[-8,null]]"}, b"12345678"),  # they do, by a negative one
        (GOOD.headers | {CARGO: "[[1e999,null]]"}, b"12345678"),  # infinite
        (GOOD.headers | {CARGO: '[["8",7]]'}, b"12345678"),  # wrong types
        (GOOD.headers | {CARGO: "[" * 100_000}, b"12345678"),  # nested without end
        (GOOD.headers | {CARGO: '{"a":1}'}, b"12345678"),  # not a list
        (GOOD.headers | {PREFIX: "4"}, b"12345678"),  # one length of two
        (GOOD.headers | {PREFIX: "4 9999"}, b"12345678"),  # longer than the payload
        (GOOD.headers | {PREFIX: "-4 8"}, b"12345678"),  # negative
        (GOOD.headers | {PREFIX: "9" * 5000 + " 1"}, b"12345678"),  # a number too long to be one
    ],
)
def test_what_cannot_be_decoded_is_rejected(headers: dict[str, str], payload: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        decode(headers, payload)

    assert caught.value.reason is Reason.UNDECODABLE_EVENT


HEADER = st.sampled_from([TYPE, HEAD, CARGO, PREFIX])
VALUE = st.one_of(
    st.text(max_size=30), st.sampled_from([*GOOD.headers.values(), "[[8,null]]", '[[8,"b"]]', "0 2", "2 2", "{}"])
)


@given(headers=st.dictionaries(HEADER, VALUE), payload=st.binary(max_size=20))
def test_nothing_but_a_refusal_comes_out_of_hostile_bytes(headers: dict[str, str], payload: bytes) -> None:
    with suppress(Rejected):
        decode({TYPE: "mail_fetched"} | headers, payload)


def test_bytes_that_were_never_loaded_are_refused_only_when_asked_for() -> None:
    parcel = Parcel(size=3, blob="b")

    with pytest.raises(Rejected) as caught:
        _ = parcel.bytes
    assert caught.value.reason is Reason.BLOB_MISSING
