"""How an event looks on the wire, both ways; pure.

Without cargo the payload is the head as JSON. With cargo the head is in the header `Dmarq-Event`, `Dmarq-Cargo` lists
each item's size (and its blob, when the bytes are in the object store), and the payload is the inline items one after
another: so the payload of `mail_fetched` is the mail itself.

Beside these, `Dmarq-Mail-Id` names the mail that the event is about, or the first of several with commas in between:
for whoever traces a mail. Events for third parties have CloudEvents attributes and a trace context (see
`pipeline.contracts.trace`). None of these is ever read here.

JetStream takes 64 kB of headers. A head and cargo list that need more travel in front of the payload instead, and the
header `Dmarq-Prefix` gives the length of both, in bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from pipeline.contracts.events import EVENT_TYPES
from pipeline.contracts.mail_events import Event
from pipeline.contracts.reasons import Reason
from pipeline.contracts.trace import MAX_NAMED, attributes, mails_of
from pipeline.errors import Rejected

TYPE, HEAD, CARGO, KEY = "Dmarq-Type", "Dmarq-Event", "Dmarq-Cargo", "Nats-Msg-Id"
MAIL_ID = "Dmarq-Mail-Id"
PREFIX = "Dmarq-Prefix"
MAX_HEADER_BYTES = 32 * 1024  # of head and cargo list together; a dead letter's own headers need room too

_CARGO_LIST = TypeAdapter(list[tuple[Annotated[int, Field(ge=0)], str | None]])


@dataclass(frozen=True, slots=True)
class Parcel:
    """Bytes beside an event. `blob` names them in the object store, where they are kept there; `data` is None until
    they are loaded."""

    size: int
    data: bytes | None = None
    blob: str | None = None

    @classmethod
    def of(cls, data: bytes) -> "Parcel":
        """A parcel that holds these bytes."""
        return cls(size=len(data), data=data)

    @property
    def bytes(self) -> bytes:
        """The bytes. Raises Rejected (blob_missing) when they were never loaded."""
        if self.data is None:
            raise Rejected(Reason.BLOB_MISSING, self.blob or "")
        return self.data


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event with its cargo: what handlers take and return."""

    event: Event
    cargo: tuple[Parcel, ...] = ()


@dataclass(frozen=True, slots=True)
class Wire:
    """What is published: subject, headers (ASCII), payload."""

    subject: str
    headers: dict[str, str]
    payload: bytes


def encode(envelope: Envelope) -> Wire:
    """The wire form. Cargo that has a blob stays out of the payload."""
    event = envelope.event
    headers = {KEY: event.key, TYPE: event.type, **attributes(event)}
    if mail_ids := mails_of(event)[:MAX_NAMED]:
        headers[MAIL_ID] = ",".join(mail_ids)
    head = event.model_dump_json(ensure_ascii=True)
    if not envelope.cargo:
        return Wire(event.subject, headers, head.encode())
    cargo = _CARGO_LIST.dump_json([(p.size, p.blob) for p in envelope.cargo], ensure_ascii=True).decode()
    inline = [p.bytes for p in envelope.cargo if p.blob is None]
    if len(head) + len(cargo) > MAX_HEADER_BYTES:
        headers[PREFIX] = f"{len(head)} {len(cargo)}"
        return Wire(event.subject, headers, b"".join([head.encode(), cargo.encode(), *inline]))
    headers[HEAD] = head
    headers[CARGO] = cargo
    return Wire(event.subject, headers, b"".join(inline))


def decode(headers: Mapping[str, str], payload: bytes) -> Envelope:
    """The envelope; cargo in the object store comes without its bytes.

    Raises Rejected (undecodable_event): no retry makes it readable.
    """
    kind = EVENT_TYPES.get(headers.get(TYPE, ""))
    if kind is None:
        raise Rejected(Reason.UNDECODABLE_EVENT, f"unknown type {headers.get(TYPE, '')[:40]!r}")
    try:
        return _decoded(kind, headers, payload)
    except (ValidationError, ValueError, KeyError) as error:
        raise Rejected(Reason.UNDECODABLE_EVENT, f"{kind.type}: {type(error).__name__}") from None


def head(headers: Mapping[str, str]) -> Event | None:
    """The event as far as its headers alone tell it, or None: what can be known without the payload."""
    kind = EVENT_TYPES.get(headers.get(TYPE, ""))
    if kind is None or HEAD not in headers:
        return None
    try:
        return kind.model_validate_json(headers[HEAD])
    except ValidationError:
        return None


def _decoded(kind: type[Event], headers: Mapping[str, str], payload: bytes) -> Envelope:
    if PREFIX in headers:
        head_length, cargo_length = map(int, headers[PREFIX].split())
        end = head_length + cargo_length
        if not 0 <= head_length <= end <= len(payload):
            raise ValueError(headers[PREFIX])
        event = kind.model_validate_json(payload[:head_length])
        return Envelope(event, _cut(payload[head_length:end], payload[end:]))
    if HEAD in headers:
        return Envelope(kind.model_validate_json(headers[HEAD]), _cut(headers[CARGO], payload))
    return Envelope(kind.model_validate_json(payload))


def _cut(cargo: str | bytes, payload: bytes) -> tuple[Parcel, ...]:
    sizes = _CARGO_LIST.validate_json(cargo)
    if sum(size for size, blob in sizes if blob is None) != len(payload):
        raise Rejected(Reason.UNDECODABLE_EVENT, "the payload's length does not match its cargo list")
    parcels = []
    offset = 0
    for size, blob in sizes:
        if blob is not None:
            parcels.append(Parcel(size=size, blob=blob))
            continue
        parcels.append(Parcel.of(payload[offset : offset + size]))
        offset += size
    return tuple(parcels)
