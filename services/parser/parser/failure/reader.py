"""A failure report: ARF (RFC 5965) for DMARC (RFC 6591, RFC 9991), an abuse complaint, or a notice for people."""

import re
from dataclasses import dataclass
from hashlib import sha256

from parser import values
from parser.failure.feedback import Feedback, Parts, parts_of
from parser.failure.notice import read_notice
from parser.failure.sample import SampleKept, redacted
from parser.fingerprint import Fingerprint
from parser.inflate import inflate_head
from parser.notes import Notes
from parser.reading import Hints, Reading
from parser.repairs import Repair
from pipeline.errors import Rejected
from pipeline.limits import Limits, MiB
from pipeline.mailformat.addresses import addresses
from pipeline.mailformat.dates import moment
from pipeline.mailformat.fields import Fields, header_of
from pipeline.mailformat.words import decoded_words
from pipeline.reasons import Reason
from pipeline.report import FailureReport, ReportKind

MAX_READ_BYTES = 4 * MiB
MAX_REPEATED = 100
SAMPLE_TEXTS = 16  # the sample may be this many times longer than a text field
_ADDRESS_AND_NAME = re.compile(r"^\s*\[?(?P<ip>[0-9A-Fa-f.:]+)\]?")  # "192.0.2.1 (mail.example.com)"


def read_failure(document: bytes, *, limits: Limits, hints: Hints, sample_kept: SampleKept) -> Reading:
    """The report in `document` (a whole mail, gzip). Raises Rejected where it holds no failure report.

    Of a huge mail the beginning is read: the report stands there, and the reported mail's rest would not be kept.
    """
    notes = Notes(max_text_bytes=limits.max_text_bytes)
    mail, is_whole = inflate_head(document, limits=limits, max_bytes=MAX_READ_BYTES)
    if not is_whole:
        notes.add(Repair.TEXT_CUT)
    mail = mail.lstrip(b"\r\n")
    parts = parts_of(mail, notes=notes)
    source = _Source(Fields(header_of(mail)), _fields(parts, notes), parts.sample, notes, hints, sample_kept)
    return Reading(_report(source, limits))


def _fields(parts: Parts, notes: Notes) -> Feedback:
    if parts.feedback is not None:
        return parts.feedback
    for text in parts.texts:
        notice = read_notice(text)
        if notice is not None:
            notes.add(Repair.NO_FEEDBACK_PART)
            parts.sample = parts.sample or notice[1]
            return notice[0]
    raise Rejected(Reason.NO_REPORT_CONTENT, "a mail, but no failure report")


@dataclass(frozen=True, slots=True)
class _Source:
    """All that a failure report is made from, with the questions that are asked of it."""

    mail: Fields
    fields: Feedback
    sample: bytes | None
    notes: Notes
    hints: Hints
    sample_kept: SampleKept

    def first(self, name: str) -> str | None:
        """The first field of this name."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[str, ...]:
        """All fields of this name that say something."""
        texts = (self.notes.text(value) for value in self.fields.get(name, ())[:MAX_REPEATED])
        return tuple(text for text in texts if text)

    def private(self, text: str | None) -> str | None:
        """A text with addresses, as the redaction setting leaves it."""
        return text if text is None or self.sample_kept is SampleKept.WHOLE else redacted(text)

    def mail_header(self, name: str) -> str | None:
        """A header of the mail that brought the report."""
        return _header(self, self.mail, name)

    def number(self, name: str, *, largest: int) -> int | None:
        """A number from 0 to `largest`, else None."""
        text = self.first(name)
        if text is None:
            return None
        if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= largest:
            return int(text)
        self.notes.add(Repair.UNREADABLE_VALUE)
        return None


def _report(source: _Source, limits: Limits) -> FailureReport:
    header = Fields(header_of(source.sample or b""))
    arrival = source.first("arrival-date") or source.first("received-date")
    begin = _arrival(source, arrival)
    domains = tuple(filter(None, (source.notes.domain(text) for text in source.all("reported-domain"))))
    fingerprint = _fingerprint(source)
    incidents = source.number("incidents", largest=values.MAX_BIGINT)
    return FailureReport(
        kind=ReportKind.FAILURE,
        org_name=_org_name(source),
        report_id=values.report_id(source.mail_header("Message-ID") or "") or fingerprint[:32],
        domain=domains[0] if domains else _sample_domain(source, header),
        begin=begin,
        end=begin,
        fingerprint=fingerprint,
        records=1,
        messages=1 if incidents is None else incidents,
        incidents=1 if incidents is None else incidents,
        feedback_type=_feedback_type(source),
        user_agent=source.first("user-agent"),
        feedback_version=source.first("version"),
        original_mail_from=source.private(_bare(source.first("original-mail-from"))),
        original_rcpt_to=tuple(source.private(_bare(text)) or "" for text in source.all("original-rcpt-to")),
        arrival_date=arrival,
        reporting_mta=source.first("reporting-mta"),
        source_ip=_source_ip(source),
        source_port=source.number("source-port", largest=65535),
        authentication_results=tuple(source.private(text) or "" for text in source.all("authentication-results")),
        reported_domains=domains,
        reported_uris=tuple(source.private(text) or "" for text in source.all("reported-uri")),
        auth_failure=_lower(source.first("auth-failure")),
        delivery_result=_lower(source.first("delivery-result")),
        identity_alignment=_lower(source.first("identity-alignment")),
        dkim_domain=_lower(source.first("dkim-domain")),
        dkim_identity=source.private(source.first("dkim-identity")),
        dkim_selector=source.first("dkim-selector"),
        spf_dns=source.first("spf-dns"),
        sample=_sample(source, max_bytes=limits.max_text_bytes * SAMPLE_TEXTS),
        sample_message_id=_header(source, header, "Message-ID"),
        sample_from=source.private(_header(source, header, "From")),
        sample_subject=_header(source, header, "Subject"),
        repairs=source.notes.names(),
    )


def _arrival(source: _Source, arrival: str | None) -> int:
    moment = _mail_date(arrival)
    if moment is None:
        source.notes.add(Repair.MISSING_ARRIVAL_DATE)
        received = (source.mail_header("Received") or "").rpartition(";")[2]
        moment = _mail_date(source.mail_header("Date")) or _mail_date(received)
    if moment is None:
        raise Rejected(Reason.MISSING_PERIOD, "neither the report nor its mail has a date")
    return moment


def _mail_date(text: str | None) -> int | None:
    """Seconds since 1970 of an RFC 5322 or ISO date, or None where it is unreadable or impossible."""
    if not text:
        return None
    read = moment(text)
    epoch = int(read.timestamp()) if read is not None else values.iso_epoch(text)
    return epoch if epoch is not None and values.is_possible_period(begin=epoch, end=epoch) else None


def _org_name(source: _Source) -> str:
    agent = source.first("user-agent")
    if agent:
        return agent
    sender = _domain_of(source.mail.text("from"))
    return source.notes.domain(sender or source.hints.from_domain) or ""


def _sample_domain(source: _Source, header: Fields) -> str:
    """A DMARC failure is about the From domain by definition; a complaint without a domain is about none."""
    if _lower(source.first("feedback-type")) != "auth-failure":
        return ""
    domain = source.notes.domain(_domain_of(header.text("from"))) or ""
    if domain:
        source.notes.add(Repair.DOMAIN_FROM_SAMPLE)
    return domain


def _feedback_type(source: _Source) -> str:
    word = _lower(source.first("feedback-type"))
    if word is None:
        source.notes.add(Repair.MISSING_FEEDBACK_TYPE)
        return "other"
    return word


def _source_ip(source: _Source) -> str | None:
    text = source.first("source-ip")
    if text is None:
        return None
    found = _ADDRESS_AND_NAME.match(text)
    address, repair = values.address(found["ip"] if found else text)
    source.notes.add(repair)
    return address


def _sample(source: _Source, *, max_bytes: int) -> str | None:
    if source.sample is None or source.sample_kept is SampleKept.NONE:
        return None
    whole = source.sample_kept is SampleKept.WHOLE
    content = source.sample if whole else header_of(source.sample)
    text = content[:max_bytes].decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\0", "")
    return values.cut(text if whole else redacted(text), max_bytes=max_bytes)


def _fingerprint(source: _Source) -> str:
    """Over what the report says before any redaction, so that the setting does not change it."""
    fingerprint = Fingerprint()
    said = {name: source.all(name) for name in sorted(source.fields)}
    sample = b" ".join((source.sample or b"").split())
    fingerprint.add(said, sha256(sample).hexdigest())
    return fingerprint.hexdigest()


def _header(source: _Source, header: Fields, name: str) -> str | None:
    return source.notes.text(decoded_words(header.text(name.lower())))


def _domain_of(sender: str) -> str:
    """The domain of the first address in a From field, or ""."""
    return next((found.address.rpartition("@")[2] for found in addresses(sender)), "")


def _bare(address: str | None) -> str | None:
    return None if address is None else address.strip("<>")


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()
