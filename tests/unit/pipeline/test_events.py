import json
import re

import pytest
from jsonschema import Draft202012Validator

from pipeline import asyncapi
from pipeline.asyncapi import public_events
from pipeline.contracts.events import EVENT_TYPES
from pipeline.contracts.mail import MailRef, mail_id_of
from pipeline.contracts.mail_events import Event, MailEvent
from pipeline.contracts.reasons import Reason
from pipeline.contracts.topology import STREAMS, actor, dead_subject, domain_token
from tests.support.events import MAIL, SAMPLES
from tests.support.golden import DIRECTORY, path_of, text_of, versions_of


def holding(subject: str) -> list[str]:
    """The names of the streams whose subjects match, by NATS's rule: * is one token."""
    patterns = {s.name: [re.escape(p).replace(r"\*", r"[^.\s*>]+") for p in s.subjects] for s in STREAMS}
    return [name for name, group in patterns.items() if any(re.fullmatch(p, subject) for p in group)]


def test_there_is_a_sample_of_every_event() -> None:
    assert {event.type for event in SAMPLES} == set(EVENT_TYPES)


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_an_event_still_looks_like_its_golden_file(event: Event) -> None:
    written = path_of(event).read_text(encoding="utf-8")

    assert text_of(event) == written, "where a field was added, run: python -m tests.support.golden"
    assert type(event).model_validate_json(written) == event


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
@pytest.mark.parametrize("age", ["", ".oldest"])
def test_every_version_of_an_event_can_be_read_for_ever(kind: type[Event], age: str) -> None:
    for version in versions_of(kind):
        event = kind.model_validate_json((DIRECTORY / f"{kind.type}.v{version}{age}.json").read_text(encoding="utf-8"))

        assert event.v == version
        assert holding(event.subject)


def test_no_golden_file_is_of_an_event_that_there_is_not() -> None:
    known = {f"{kind.type}.v{number}" for kind in EVENT_TYPES.values() for number in versions_of(kind)}

    assert {path.name.removesuffix(".json").removesuffix(".oldest") for path in DIRECTORY.iterdir()} == known


@pytest.mark.parametrize("kind", public_events(), ids=lambda kind: kind.type)
def test_a_golden_event_of_a_third_party_fits_its_published_schema(kind: type[Event]) -> None:
    validator = Draft202012Validator(asyncapi.schema_of(kind))
    written = json.loads((DIRECTORY / f"{kind.type}.v{versions_of(kind)[-1]}.json").read_text(encoding="utf-8"))

    assert not [error.message for error in validator.iter_errors(written)]


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_the_subject_of_an_event_belongs_to_exactly_one_stream(event: Event) -> None:
    assert len(holding(event.subject)) == 1


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_the_subject_of_an_event_has_the_form_of_its_address(event: Event) -> None:
    form = re.sub(r"\\{\w+\\}", "[^.]+", re.escape(event.address))
    assert re.fullmatch(form, event.subject)


def test_a_dead_letter_belongs_to_the_stream_of_the_dead() -> None:
    assert holding(dead_subject("extractor", "reports")) == ["DEAD"]
    assert holding(dead_subject(actor("reports").name, "")) == ["DEAD"]


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_the_key_of_a_fact_is_stable_and_fit_for_a_header(event: Event) -> None:
    again = type(event).model_validate_json(event.model_dump_json())

    assert event.key == again.key
    assert re.fullmatch(r"[!-~]+", event.key)


def test_different_events_about_one_mail_have_different_keys() -> None:
    assert len({event.key for event in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize("event", [e for e in SAMPLES if isinstance(e, MailEvent)], ids=lambda event: event.type)
def test_a_mail_whose_bytes_come_after_all_is_a_new_fact(event: MailEvent) -> None:
    """Or the broker would take the bytes for a repeat, and drop them."""
    withheld = event.model_copy(update={"refused": Reason.MAIL_UNREADABLE})

    assert withheld.key != event.key


@pytest.mark.parametrize("name", ["a.b", "*", ">", "A", "", "a b", "a\n", "../x", "x" * 64])
def test_a_mailbox_id_that_would_change_a_subject_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="mailbox_id"):
        MailRef(mail_id="0" * 32, mailbox_id=name, folder="INBOX", uidvalidity=1, uid=1)


@pytest.mark.parametrize(
    ("domain", "token"),
    [
        ("Mail.example.com", "mail_example_com"),
        ("", "-"),  # a token may not be empty
        (".", "_"),
        ("*", "-"),  # wildcards are none
        (">", "-"),
        ("a.>.b", "a_-_b"),
        ("a b\tc\r\nd", "a-b-c--d"),  # white space ends a subject
        ("exämple.com", "ex-mple_com"),
        ("\x00", "-"),
        ("İ", "i-"),  # one letter that becomes two in lower case
        ("x" * 500, "x" * 253),
    ],
)
def test_a_hostile_domain_is_one_harmless_token(domain: str, token: str) -> None:
    assert domain_token(domain) == token
    assert holding(f"report.stored.aggregate.{domain_token(domain)}") == ["REPORT"]


def test_a_mail_keeps_its_id_for_ever() -> None:
    assert mail_id_of(mailbox_id="reports", folder="INBOX", uidvalidity=7, uid=42) == "3252c78a02a15fc493b8f6dc0825e38d"
    assert MAIL.mail_id == "3252c78a02a15fc493b8f6dc0825e38d"


@pytest.mark.parametrize(
    "other",
    [
        {"mailbox_id": "other"},
        {"folder": "INBOX/2"},
        {"uidvalidity": 8},
        {"uid": 43},
        {"folder": 'INBOX", 7, 42'},  # no folder name can pass for other numbers
    ],
)
def test_another_place_is_another_mail(other: dict[str, str | int]) -> None:
    place: dict[str, str | int] = {"mailbox_id": "reports", "folder": "INBOX", "uidvalidity": 7, "uid": 42}

    assert MailRef.of(**(place | other)).mail_id != MAIL.mail_id  # type: ignore[arg-type]
