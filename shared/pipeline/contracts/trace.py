"""The trace of a mail: its id is the trace id, from the fetch to the action, in headers and in log lines.

`mail_id` is 32 hexadecimal digits, which is also the form of a trace id in W3C Trace Context (section 3.2.2.3).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypedDict

from structlog.contextvars import bound_contextvars

from pipeline.contracts.mail_events import Event

MAX_NAMED = 200  # mails in one header or log line


class Named(TypedDict, total=False):
    """What a log line says about its mails: `mail_id` of one, or `mail_ids` of the first ones and their number."""

    mail_id: str
    mail_ids: list[str]
    mails: int


def mails_of(event: Event) -> Sequence[str]:
    """The ids of the mails that the event is about; none for what is about a mailbox."""
    return event.about


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
