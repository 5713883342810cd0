"""Dead letters: what died and why, its bytes; and the end of those that are discarded."""

from collections import Counter
from datetime import datetime
from typing import Any

from pydantic import Field

from config_api.errors import Gone, NotFound, not_found
from config_api.web.absence import Maybe
from config_api.web.paging import MAX_BIGINT, Page, PageQuery, cursor_of, number_mark, page_of
from config_api.web.shapes import Filter, Row, Text
from pipeline.contracts.dead_letter import history_of, mailbox_of
from pipeline.contracts.mail_events import Event, MailCommand, MailDied, MailEvent
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import TYPE, decode, head
from pipeline.errors import Rejected
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.dead_letters import DeadLetter, DeadLetters, NoSuchDeadLetter

NOUN = "dead letter"
MAX_LOOKED_AT = 20_000  # dead letters that one request looks at


class DeadLetterFilter(Filter):
    """Which dead letters."""

    mailbox_id: Maybe[Text] = None
    reason: Maybe[Text] = Field(None, description="A reason code.")


class DeadLetterQuery(PageQuery, DeadLetterFilter):
    """Dead letters."""


class DeadLetterView(Row):
    """A dead letter. `id` is its number in the stream; `reason_text` tells an operator what the reason means.

    What cannot be read out of it is left empty. In a list, that is so for some very large ones.
    """

    id: int
    mailbox_id: str
    reason: str
    reason_text: str
    detail: str
    consumer: str
    deliveries: int
    at: datetime
    event_type: str
    mail_id: str | None = None
    subject_line: str = ""
    from_address: str = ""
    size: int
    salvaged: dict[str, str] = Field({}, description="What could still be seen in the document that was refused.")


class ReasonCount(Row):
    """How many dead letters have a reason."""

    reason: str
    reason_text: str
    letters: int


async def find(
    bus: Bus, wanted: DeadLetterFilter, *, limit: int, cursor: str | None, look_at: int = MAX_LOOKED_AT
) -> Page[DeadLetterView]:
    """Dead letters, newest first. A page may be short, and even empty, and still have a next one."""
    found: list[DeadLetterView] = []
    looked_at = 0
    async for dead_letter in DeadLetters(bus).newest(below=number_mark(cursor)):
        looked_at += 1
        if matches(dead_letter, wanted):
            found.append(view_of(dead_letter))
        if len(found) > limit:
            break
        if looked_at >= look_at:
            return Page(items=found, next_cursor=cursor_of((dead_letter.sequence,)))
    return page_of(found, limit, lambda view: (view.id,))


async def reasons(bus: Bus) -> list[ReasonCount]:
    """How many there are of each reason, the most frequent first."""
    counts: Counter[str] = Counter()
    async for dead_letter in DeadLetters(bus).newest():
        counts[history_of(dead_letter.wire.headers).reason] += 1
        if counts.total() >= MAX_LOOKED_AT:
            break
    return [
        ReasonCount(reason=reason, reason_text=_meaning(reason), letters=letters)
        for reason, letters in counts.most_common()
    ]


async def get(bus: Bus, letter_id: int) -> DeadLetterView:
    """One dead letter. Raises NotFound."""
    try:
        return view_of(await DeadLetters(bus).get(known_number(letter_id)))
    except NoSuchDeadLetter:
        raise not_found(NOUN) from None


async def mail_bytes(bus: Bus, letter_id: int) -> bytes:
    """The mail itself (RFC 5322). Raises NotFound, Gone (its bytes are gone)."""
    try:
        found = await DeadLetters(bus).cargo(known_number(letter_id))
    except NoSuchDeadLetter:
        raise not_found(NOUN) from None
    except Rejected as error:
        raise Gone(error.reason.text, title="The email cannot be read") from None
    if found is None:
        raise NotFound("This event carries no email.")
    return found


async def discard(bus: Bus, letter_id: int) -> None:
    """Throws it away. Raises NotFound."""
    try:
        await DeadLetters(bus).discard(known_number(letter_id))
    except NoSuchDeadLetter:
        raise not_found(NOUN) from None


def view_of(dead_letter: DeadLetter) -> DeadLetterView:
    """The dead letter as it is shown."""
    death = history_of(dead_letter.wire.headers)
    view = DeadLetterView(
        id=dead_letter.sequence,
        mailbox_id=mailbox_of(dead_letter.wire.subject),
        reason=death.reason,
        reason_text=_meaning(death.reason),
        detail=death.detail,
        consumer=death.consumer,
        deliveries=death.deliveries,
        at=death.at,
        event_type=dead_letter.wire.headers.get(TYPE, ""),
        size=dead_letter.size,
        salvaged=death.salvaged,
    )
    return view.model_copy(update=about_mail(dead_letter))


def about_mail(dead_letter: DeadLetter) -> dict[str, Any]:
    """The email that it is about, as fields of a view; nothing where it is about none, or cannot be read."""
    event = head(dead_letter.wire.headers) or _decoded(dead_letter)
    if not isinstance(event, MailEvent | MailCommand | MailDied):
        return {}
    size = {"size": event.size} if isinstance(event, MailEvent | MailDied) else {}
    return {
        **size,
        "mail_id": event.mail.mail_id,
        "subject_line": getattr(event, "subject_line", ""),
        "from_address": getattr(event, "from_address", ""),
    }


def _decoded(dead_letter: DeadLetter) -> Event | None:
    try:
        return decode(dead_letter.wire.headers, dead_letter.wire.payload).event
    except Rejected:
        return None


def matches(dead_letter: DeadLetter, wanted: DeadLetterFilter) -> bool:
    """Whether it is one of these."""
    if wanted.mailbox_id is not None and mailbox_of(dead_letter.wire.subject) != wanted.mailbox_id:
        return False
    return wanted.reason is None or history_of(dead_letter.wire.headers).reason == wanted.reason


def _meaning(reason: str) -> str:
    return Reason(reason).text if reason in set(Reason) else ""


def known_number(letter_id: int) -> int:
    """The number, if any dead letter may have it. Raises NotFound."""
    if not 0 < letter_id <= MAX_BIGINT:
        raise not_found(NOUN)
    return letter_id
