"""Events for third parties carry CloudEvents attributes and a W3C trace context; our own services' events do not."""

import re
from datetime import datetime

import pytest

from pipeline.asyncapi import public_events
from pipeline.contracts.mail_events import Event
from pipeline.contracts.trace import mails_of, traceparent
from pipeline.contracts.wire import Envelope, encode
from tests.support.events import SAMPLES

PUBLIC = [event for event in SAMPLES if type(event) in public_events()]
PRIVATE = [event for event in SAMPLES if type(event) not in public_events()]


@pytest.mark.parametrize("event", PUBLIC, ids=lambda event: event.type)
def test_a_public_event_has_the_required_attributes_of_cloudevents_1_0(event: Event) -> None:
    headers = encode(Envelope(event)).headers
    assert headers["ce-specversion"] == "1.0"
    assert headers["ce-id"] == headers["Nats-Msg-Id"]
    assert headers["ce-source"] == "/dmarq"
    assert headers["ce-type"] == f"dmarq.{event.type}.v1"
    if event.occurred_at is not None:
        assert datetime.fromisoformat(headers["ce-time"]) == event.occurred_at


@pytest.mark.parametrize("event", PUBLIC, ids=lambda event: event.type)
def test_an_event_has_the_id_of_its_email_as_the_trace_id_or_one_of_its_own(event: Event) -> None:
    version, trace_id, span_id, flags = encode(Envelope(event)).headers["traceparent"].split("-")

    assert (version, flags) == ("00", "01")
    assert trace_id == mails_of(event)[0] if mails_of(event) else re.fullmatch(r"[0-9a-f]{32}", trace_id)
    assert re.fullmatch(r"[0-9a-f]{16}", span_id)
    assert {"0"} not in (set(span_id), set(trace_id))


@pytest.mark.parametrize("wrong", ["", "0" * 32, "A" * 32, "0" * 31 + "\n", "a" * 33, "../../etc"])
def test_what_is_no_trace_id_is_never_passed_on(wrong: str) -> None:
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", traceparent("key", wrong))
    assert wrong[:8] not in traceparent("key", wrong) or not wrong.strip("0")


@pytest.mark.parametrize("event", PRIVATE, ids=lambda event: event.type)
def test_events_between_our_services_carry_no_more_than_they_need(event: Event) -> None:
    assert not [name for name in encode(Envelope(event)).headers if name.startswith("ce-") or name == "traceparent"]
