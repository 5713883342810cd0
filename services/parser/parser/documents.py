"""The documents of mails, read: the CPU's part of the work, done in a thread so that heartbeats go on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from parser.kinds.identity import identity_of
from parser.kinds.kind import Totals
from parser.kinds.reading import Hints, Reading, SampleKept, Terms
from parser.kinds.registry import Readers, totals_of
from parser.kinds.several import SeveralReports, separated
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import DocumentInfo, PartLine
from pipeline.contracts.mail_events import MailExtracted
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope
from pipeline.errors import Rejected

GROUP_BYTES = 16 * 1024 * 1024  # uncompressed documents that are read and stored together
NO_TOTALS = Totals()
MAX_DOMAIN_BYTES = 2000  # an entry of a database index holds 2704; a name has 253, a TLS report may have several
_FIRST_S = -62_135_596_800  # the year 1, UTC
_LAST_S = 253_402_300_799  # the end of the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """The settings that the readers follow, and the readers, which learn from what they read."""

    limits: Limits = field(default_factory=Limits)
    sample_kept: SampleKept = SampleKept.HEADERS
    readers: Readers = field(default_factory=Readers)


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its bytes as they came (one gzip member), and what it says, or why it was refused.

    The totals are those of its rows: whoever has many of them should not be gone through on the event loop.
    """

    info: DocumentInfo
    data: bytes
    reading: Reading | None = None
    identity: bytes = b""
    totals: Totals = NO_TOTALS
    refusal: Rejected | None = None

    def close(self) -> None:
        """Frees the rows of its report."""
        if self.reading is not None:
            self.reading.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A mail with all of its documents read."""

    event: MailExtracted
    documents: tuple[Document, ...]

    def close(self) -> None:
        """Frees the rows of its reports."""
        for document in self.documents:
            document.close()


def groups(envelopes: Sequence[Envelope]) -> Iterator[list[Envelope]]:
    """The envelopes in groups whose documents fit into memory together; a mail with a huge one is a group alone."""
    group: list[Envelope] = []
    room = GROUP_BYTES
    for envelope in envelopes:
        size = size_of(envelope)
        if group and size > room:
            yield group
            group, room = [], GROUP_BYTES
        group.append(envelope)
        room -= size
    if group:
        yield group


def is_huge(envelope: Envelope) -> bool:
    """Whether its documents are more than others should wait for."""
    return size_of(envelope) > GROUP_BYTES


def size_of(envelope: Envelope) -> int:
    """Uncompressed bytes of its documents."""
    return sum(info.size for info in extracted(envelope).documents)


@contextmanager
def closing(mails: Sequence[ReadMail]) -> Iterator[Sequence[ReadMail]]:
    """Frees the rows of all of them at the end of the block."""
    try:
        yield mails
    finally:
        for mail in mails:
            mail.close()


def read_mails(envelopes: Sequence[Envelope], options: ReadOptions) -> list[ReadMail | Exception]:
    """Every document of every mail, read or refused; an error that is no refusal is a bug with that mail alone."""
    return [_read_or_failed(envelope, options) for envelope in envelopes]


def _read_or_failed(envelope: Envelope, options: ReadOptions) -> ReadMail | Exception:
    try:
        return _read_mail(envelope, options)
    except Exception as error:  # noqa: BLE001 the runtime judges it
        return error


def _read_mail(envelope: Envelope, options: ReadOptions) -> ReadMail:
    event = extracted(envelope)
    from_domain = event.from_address.rpartition("@")[2]
    documents: list[Document] = []
    lines = event.lines
    try:
        for info in event.documents:
            read = _read_documents(info, envelope, from_domain, options)
            documents += read
            if read and read[0].info is not info:
                lines = tuple(own for line in lines for own in _lines(line, info, read))
    except BaseException:
        for document in documents:
            document.close()
        raise
    event = event if lines is event.lines else event.model_copy(update={"lines": lines})
    return ReadMail(event, tuple(documents))


def _read_documents(info: DocumentInfo, envelope: Envelope, from_domain: str, options: ReadOptions) -> list[Document]:
    """The document, or those that the file holds."""
    try:
        data = envelope.cargo[info.cargo].bytes
    except Rejected as refusal:
        return [Document(info, b"", refusal=refusal)]
    document = read_document(info, data, from_domain=from_domain, options=options)
    if not isinstance(document.refusal, SeveralReports):
        return [document]
    parts = separated(info, document.refusal)
    return [read_document(own, part, from_domain=from_domain, options=options) for own, part in parts]


def _lines(line: PartLine, info: DocumentInfo, documents: Sequence[Document]) -> list[PartLine]:
    """The lines in place of a part's line, where the part was a file with several documents."""
    if line.path != info.path:
        return [line]
    owns = [document.info for document in documents]
    return [line.model_copy(update={"path": own.path, "size": own.size, "repairs": own.repairs}) for own in owns]


def read_document(info: DocumentInfo, data: bytes, *, from_domain: str, options: ReadOptions) -> Document:
    """A document (one gzip member), read or refused. `from_domain` is that of the mail's From. Use it in a `with`."""
    hints = Hints(file_name=info.name, from_domain=from_domain)
    terms = Terms(limits=options.limits, hints=hints, sample_kept=options.sample_kept)
    try:
        reading = options.readers.read(data, format=info.format, terms=terms)
    except Rejected as refusal:
        return Document(info, data, refusal=refusal)
    refused = unstorable(reading)
    if refused is not None:
        reading.close()
        return Document(info, data, refusal=refused)
    return Document(info, data, reading, identity_of(reading.report), totals_of(reading))


def unstorable(reading: Reading) -> Rejected | None:
    """Why the database could not hold the report, or None."""
    report = reading.report
    if len(report.domain.encode()) > MAX_DOMAIN_BYTES:
        return Rejected(Reason.BAD_VALUE, "the policy domain is longer than any domain names can be")
    if not (_FIRST_S <= report.begin <= _LAST_S and _FIRST_S <= report.end <= _LAST_S):
        return Rejected(Reason.BAD_PERIOD, "outside of the years 1 to 9999")
    return None


def extracted(envelope: Envelope) -> MailExtracted:
    """The event of an extracted mail. Raises Rejected for any other, which no retry makes one."""
    if not isinstance(envelope.event, MailExtracted):
        raise Rejected(Reason.UNDECODABLE_EVENT, f"the parser has no use for {envelope.event.type}")
    return envelope.event
