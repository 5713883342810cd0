"""Dead letters: an event that no retry can help, kept with its bytes, its reason and its history."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from pipeline.contracts.mail_events import Event, MailCommand, MailDied, MailEvent, MailExtracted, MailFetched
from pipeline.contracts.mailbox import Handling
from pipeline.contracts.reasons import Reason
from pipeline.contracts.topology import dead_subject
from pipeline.contracts.wire import (
    CARGO,
    HEAD,
    KEY,
    MAIL_ID,
    MAX_HEADER_BYTES,
    PREFIX,
    TYPE,
    Envelope,
    Wire,
    decode,
    encode,
)
from pipeline.errors import Dead, Rejected

REASON, DETAIL, CONSUMER = "Dmarq-Dead-Reason", "Dmarq-Dead-Detail", "Dmarq-Dead-Consumer"
DEATH = "Dmarq-Dead-"
SUBJECT, DELIVERIES, AT = "Dmarq-Dead-Subject", "Dmarq-Dead-Deliveries", "Dmarq-Dead-At"
SALVAGED = "Dmarq-Dead-Salvaged"
MAX_DETAIL_LENGTH = 500
MAX_SALVAGED_LENGTH = 2000  # of the JSON; what has no room is left out
# No others: a foreign header may tell the broker to refuse the dead letter.
KEPT_HEADERS = (TYPE, MAIL_ID, HEAD, CARGO, PREFIX)

_SALVAGED = TypeAdapter(dict[str, str])


@dataclass(frozen=True, slots=True)
class History:
    """What the headers of a dead letter say about its death. `at` is aware, UTC."""

    reason: str
    detail: str
    consumer: str
    subject: str
    deliveries: int
    at: datetime
    salvaged: dict[str, str]


def dead_letters(wire: Wire, verdict: Dead, *, consumer: str, deliveries: int) -> list[Wire]:
    """What is published when an event dies: the dead letter, and for a mail the fact that the ledger must know."""
    event = _readable(wire)
    headers = {
        **_kept(wire.headers),
        KEY: f"dead.{consumer}.{header_text(wire.headers.get(KEY, '')) or sha256(wire.payload).hexdigest()}",
        REASON: verdict.reason.value,
        DETAIL: header_text(verdict.detail),
        CONSUMER: consumer,
        SUBJECT: header_text(wire.subject),
        DELIVERIES: str(deliveries),
        AT: datetime.now(UTC).isoformat(),
        **_salvaged_header(verdict.salvaged),
    }
    wires = [Wire(dead_subject(consumer, mailbox_of(wire.subject)), headers, wire.payload)]
    if isinstance(event, MailEvent):
        wires.append(encode(Envelope(_died(event, verdict, consumer=consumer))))
    return wires


def history_of(headers: Mapping[str, str]) -> History:
    """The history in a dead letter's headers; what is missing or unreadable there comes out as nothing."""
    deliveries = headers.get(DELIVERIES, "")
    return History(
        reason=headers.get(REASON, Reason.BUG.value),
        detail=headers.get(DETAIL, ""),
        consumer=headers.get(CONSUMER, ""),
        subject=headers.get(SUBJECT, ""),
        deliveries=int(deliveries) if deliveries.isdecimal() and len(deliveries) < 10 else 0,
        at=_time(headers.get(AT, "")),
        salvaged=_salvaged(headers.get(SALVAGED, "")),
    )


def revived(wire: Wire, *, again: int, handling: Handling | None = None) -> Wire:
    """A dead letter's event on its way again: as another attempt where it is about a mail, so that it is a new fact.

    With `handling` a mail goes under these settings, those of today, instead of those that it was fetched under.
    A mail starts at the extractor, whichever step it died at: nobody knows which of them was fixed meanwhile.
    What cannot be decoded goes as it is, under another key: a later version may be able to read it.
    """
    history = history_of(wire.headers)
    try:
        envelope = decode(wire.headers, wire.payload)
    except Rejected:
        return Wire(history.subject, _alive(wire.headers, again), wire.payload)
    if not isinstance(envelope.event, MailEvent | MailCommand | MailDied):
        return Wire(history.subject, _alive(wire.headers, again), wire.payload)
    changes: dict[str, object] = {"take": envelope.event.take + 1}
    if handling is not None and isinstance(envelope.event, MailEvent | MailDied):
        changes["handling"] = handling
    event = envelope.event.model_copy(update=changes)
    if isinstance(event, MailExtracted) and envelope.cargo:
        return encode(Envelope(_fetched(event), envelope.cargo[:1]))
    return encode(Envelope(event, envelope.cargo))


def _fetched(event: MailExtracted) -> MailFetched:
    """The mail as it was before it was extracted; cargo 0 holds its bytes in both events."""
    return MailFetched(**{name: getattr(event, name) for name in MailEvent.model_fields})


def _alive(headers: Mapping[str, str], again: int) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if not name.startswith(DEATH)}
    return kept | {KEY: f"{headers.get(KEY, '')}.again.{again}"}


def mailbox_of(subject: str) -> str:
    """The mailbox id in one of our subjects: the second token of activity, the last one elsewhere."""
    tokens = subject.split(".")
    if tokens[0] == "event" and len(tokens) > 1:
        return tokens[1]
    return tokens[-1]


def header_text(text: str) -> str:
    """Printable ASCII on one line, bounded: what a header may carry."""
    printable = "".join(c if c.isascii() and c.isprintable() else "?" for c in text[:MAX_DETAIL_LENGTH])
    return printable.strip()


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
    return kept if sum(map(len, kept.values())) < MAX_HEADER_BYTES + MAX_DETAIL_LENGTH else {}


def _salvaged_header(salvaged: Mapping[str, str]) -> dict[str, str]:
    text = _SALVAGED.dump_json(dict(salvaged), ensure_ascii=True).decode()
    return {SALVAGED: text} if salvaged and len(text) <= MAX_SALVAGED_LENGTH else {}


def _salvaged(text: str) -> dict[str, str]:
    with suppress(ValidationError):
        return _SALVAGED.validate_json(text)
    return {}


def _time(text: str) -> datetime:
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return datetime.fromtimestamp(0, UTC)


def _readable(wire: Wire) -> Event | None:
    try:
        return decode(wire.headers, wire.payload).event
    except Rejected:
        return None


def _died(event: MailEvent, verdict: Dead, *, consumer: str) -> MailDied:
    return MailDied(
        mail=event.mail,
        handling=event.handling,
        size=event.size,
        internal_date=event.internal_date,
        fetched_at=event.fetched_at,
        consumer=consumer,
        reason=verdict.reason,
        detail=verdict.detail[:MAX_DETAIL_LENGTH],
        take=event.take,
    )
