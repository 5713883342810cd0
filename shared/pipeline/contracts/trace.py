"""The trace of a mail: its id is the trace id, from the fetch to the action, in headers and in log lines; pure.

`mail_id` is 32 hexadecimal digits, which is also the form of a trace id in W3C Trace Context (section 3.2.2.3).

Events for third parties carry CloudEvents 1.0 attributes, in the binary content mode of the binding for NATS: each is a
header `ce-<name>`, the payload is the data. Their `traceparent` (Trace Context, section 3.2) has the mail's id as the
trace id, so a consumer's own spans join the way of the mail; what is about no mail begins a trace of its own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import TypedDict

from structlog.contextvars import bound_contextvars

from pipeline.contracts.mail_events import Event

MAX_NAMED = 200  # mails in one header or log line
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")


class Named(TypedDict, total=False):
    """What a log line says about its mails: `mail_id` of one, or `mail_ids` of the first ones and their number."""

    mail_id: str
    mail_ids: list[str]
    mails: int


def mails_of(event: Event) -> Sequence[str]:
    """The ids of the mails that the event is about; none for what is about a mailbox."""
    return event.about


def traceparent(key: str, mail_id: str = "") -> str:
    """A W3C trace context (section 3.2) for what is told once under this key: the same one for a repeat.

    The trace is the email's, where it is about one, else one of its own.
    """
    digest = sha256(key.encode()).hexdigest()
    return f"00-{mail_id if _TRACE_ID.fullmatch(mail_id) else digest[32:]}-{digest[:16]}-01"


def named(events: Iterable[Event]) -> Named:
    """For a log line about these events; empty when they are about no mail."""
    mail_ids = [mail_id for event in events for mail_id in mails_of(event)]
    if len(mail_ids) == 1:
        return {"mail_id": mail_ids[0]}
    return {"mail_ids": mail_ids[:MAX_NAMED], "mails": len(mail_ids)} if mail_ids else {}


@contextmanager
def traced(events: Iterable[Event]) -> Iterator[None]:
    """Every log line inside the block names the mails of these events."""
    with bound_contextvars(**named(events)):
        yield


SPEC_VERSION = "1.0"
SOURCE = "/dmarq"
PUBLIC = ("report.", "event.")  # how the subjects begin that third parties may subscribe to


def attributes(event: Event) -> dict[str, str]:
    """The headers, by name; none for an event that only our own services read."""
    if not event.subject.startswith(PUBLIC):
        return {}
    headers = {
        "ce-specversion": SPEC_VERSION,
        "ce-id": event.key,
        "ce-source": SOURCE,
        "ce-type": f"dmarq.{event.type}.v{event.v}",
        "ce-subject": event.subject,
        "ce-datacontenttype": "application/json",
        "traceparent": traceparent(event.key, next(iter(mails_of(event)), "")),
    }
    if event.occurred_at is not None:
        headers["ce-time"] = event.occurred_at.isoformat()
    return headers
