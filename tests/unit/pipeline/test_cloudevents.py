"""Events for third parties carry CloudEvents attributes and a W3C trace context; our own services' events do not."""

import re
from datetime import datetime

import pytest

from pipeline.asyncapi import public_events
from pipeline.contracts.mail_events import Event
from pipeline.contracts.trace import mails_of
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
def test_an_event_about_an_email_has_its_id_as_the_trace_id(event: Event) -> None:
    headers = encode(Envelope(event)).headers
    if not mails_of(event):
        assert "traceparent" not in headers
        return
    version, trace_id, span_id, flags = headers["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", mails_of(event)[0], "01")
    assert re.fullmatch(r"[0-9a-f]{16}", span_id)
    assert set(span_id) != {"0"}


@pytest.mark.parametrize("event", PRIVATE, ids=lambda event: event.type)
def test_events_between_our_services_carry_no_more_than_they_need(event: Event) -> None:
    assert not [name for name in encode(Envelope(event)).headers if name.startswith("ce-") or name == "traceparent"]
