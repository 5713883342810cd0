"""A failure report: ARF (RFC 5965) for DMARC (RFC 6591, RFC 9991), an abuse complaint, or a notice for people."""

import re
from hashlib import sha256

from parser.kinds import values
from parser.kinds.domains import read_domain
from parser.kinds.failure.feedback import Feedback, Parts, parts_of, read_notice
from parser.kinds.failure.source import Source, redacted
from parser.kinds.identity import Fingerprint
from parser.kinds.ip import read_ip
from parser.kinds.notes import Notes
from parser.kinds.reading import Reading, SampleKept, Terms
from parser.kinds.values import without_comments
from pipeline.contracts.limits import Limits, MiB
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import FailureReport, ReportKind
from pipeline.errors import Rejected
from pipeline.mailformat.addresses import addresses
from pipeline.mailformat.dates import moment
from pipeline.mailformat.fields import Fields, header_of
from pipeline.mailformat.inflate import inflate_head
from pipeline.mailformat.words import decoded_words

MAX_READ_BYTES = 4 * MiB
SAMPLE_TEXTS = 16  # the sample may be this many times longer than a text field
# An address literal (RFC 5321 section 4.1.3, to which RFC 5965 refers) and the brackets that it has in a mail address.
_ZONE_NAME = re.compile(r" ?(?:UTC|GMT|Z)\Z", re.IGNORECASE)
_LITERAL = re.compile(r"\[?(?:IPv6:)?([0-9a-f:.]+)\]?", re.IGNORECASE)


def read_failure(document: bytes, terms: Terms) -> Reading:
    """The report in `document` (a whole mail, gzip). Raises Rejected where it holds no failure report.

    Of a huge mail the beginning is read: the report stands there, and the reported mail's rest would not be kept.
    """
    limits = terms.limits
    notes = Notes(max_text_bytes=limits.max_text_bytes)
    mail, is_whole = inflate_head(document, limits=limits, max_bytes=MAX_READ_BYTES)
    if not is_whole:
        notes.add(Repair.TEXT_CUT)
    mail = mail.lstrip(b"\r\n")
    parts = parts_of(mail, notes=notes)
    source = Source(Fields(header_of(mail)), _fields(parts, notes), parts.sample, notes, terms.hints, terms.sample_kept)
    return Reading(_report(source, limits), changes=tuple(notes.changes))


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


def _report(source: Source, limits: Limits) -> FailureReport:
    if source.mail.text("x-dmarq-rebuilt-from"):
        source.notes.add(Repair.REBUILT)  # by `dmarq import`
    header = Fields(header_of(source.sample or b""))
    arrival = source.first("arrival-date") or source.first("received-date")
    begin = _arrival(source)
    domains = source.domains("reported-domain")
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
        feedback_version=source.value("version"),
        original_mail_from=source.private(_bare(source.value("original-mail-from"))),
        original_rcpt_to=tuple(source.private(_bare(text)) or "" for text in source.values("original-rcpt-to")),
        arrival_date=arrival,
        reporting_mta=source.value("reporting-mta"),
        source_ip=_source_ip(source),
        source_port=source.number("source-port", largest=65535),
        authentication_results=tuple(source.private(text) or "" for text in source.all("authentication-results")),
        reported_domains=domains,
        reported_uris=tuple(source.private(text) or "" for text in source.all("reported-uri")),
        auth_failure=_lower(source.value("auth-failure")),
        delivery_result=_lower(source.value("delivery-result")),
        identity_alignment=_lower(source.value("identity-alignment")),
        dkim_domain=_lower(source.value("dkim-domain")),
        dkim_identity=source.private(source.value("dkim-identity")),
        dkim_selector=source.value("dkim-selector"),
        spf_dns=source.first("spf-dns"),
        sample=_sample(source, max_bytes=limits.max_text_bytes * SAMPLE_TEXTS),
        sample_message_id=_header(source, header, "Message-ID"),
        sample_from=source.private(_header(source, header, "From")),
        sample_subject=_header(source, header, "Subject"),
        repairs=source.notes.names(),
        raw=source.raw,
    )


def _arrival(source: Source) -> int:
    name = "arrival-date" if source.first("arrival-date") else "received-date"
    text = source.only(name)
    moment = _mail_date(text)
    is_said = moment is not None
    if moment is None:
        received = (source.mail_header("Received") or "").rpartition(";")[2]
        moment = _mail_date(source.mail_header("Date")) or _mail_date(received)
    if moment is None:
        raise Rejected(Reason.MISSING_PERIOD, "neither the report nor its mail has a date")
    if not is_said:
        source.keep(name, text or "")
        source.notes.change(Repair.MISSING_ARRIVAL_DATE, where=name, sent=text or "", given=moment)
    return moment


def _mail_date(text: str | None) -> int | None:
    """Seconds since 1970 of an RFC 5322 or ISO date, or None where it is unreadable or impossible."""
    bare = without_comments(text or "").strip('"')
    read = moment(bare)
    # else what programs write in its place: ISO 8601, perhaps with the zone's name, or seconds
    epoch = int(read.timestamp()) if read is not None else values.epoch(_ZONE_NAME.sub("Z", bare))[0]
    is_possible = epoch is not None and values.is_possible_period(begin=epoch, end=epoch, earliest=1)
    return epoch if is_possible else None


def _org_name(source: Source) -> str:
    agent = source.first("user-agent")
    if agent and source.only("user-agent"):
        return agent
    domain = _domain_of(source.mail.text("from")) or source.hints.from_domain
    return read_domain(domain)[0] or source.notes.text(domain) or ""


def _sample_domain(source: Source, header: Fields) -> str:
    """A DMARC failure is about the From domain by definition; a complaint without a domain is about none."""
    if _feedback_word(source) != "auth-failure":
        return ""
    domain = read_domain(_domain_of(header.text("from")))[0]
    reported = source.first("reported-domain")
    if domain is None and reported is not None:
        raise Rejected(Reason.BAD_VALUE, f"the reported domain is no domain name: {reported[:100]}")
    if domain is not None:
        source.notes.change(Repair.DOMAIN_FROM_SAMPLE, where="reported-domain", sent=reported or "", given=domain)
    return domain or ""


def _feedback_type(source: Source) -> str:
    word = _feedback_word(source)
    if word is None:
        source.notes.add(Repair.MISSING_FEEDBACK_TYPE)
        return "other"
    return word


def _feedback_word(source: Source) -> str | None:
    return _lower(source.only("feedback-type"))


def _source_ip(source: Source) -> str | None:
    text = source.first("source-ip")
    if text is None:
        return None
    bare = source.only("source-ip") or ""
    literal = _LITERAL.fullmatch(bare)
    address, repair = read_ip(literal[1] if literal else bare)
    if address is None:  # perhaps it stands in the comment: "mail.example.com (192.0.2.1)"
        address, repair = read_ip(text)
    if address != text:
        source.keep("source-ip", text)
    if repair is not None:
        source.notes.change(repair, where="source-ip", sent=text, given=address)
    return address


def _sample(source: Source, *, max_bytes: int) -> str | None:
    if source.sample is None or source.sample_kept is SampleKept.NONE:
        return None
    whole = source.sample_kept is SampleKept.WHOLE
    content = source.sample if whole else header_of(source.sample)
    text = content[:max_bytes].decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\0", "")
    return values.cut(text if whole else redacted(text), max_bytes=max_bytes)


def _fingerprint(source: Source) -> str:
    """Over what the report says before any redaction, so that the setting does not change it."""
    fingerprint = Fingerprint()
    said = {name: source.all(name) for name in sorted(source.fields)}
    sample = b" ".join((source.sample or b"").split())
    fingerprint.add(said, sha256(sample).hexdigest())
    return fingerprint.hexdigest()


def _header(source: Source, header: Fields, name: str) -> str | None:
    return source.notes.text(decoded_words(header.text(name.lower())))


def _domain_of(sender: str) -> str:
    """The domain of the first address in a From field, or ""."""
    return next((found.address.rpartition("@")[2] for found in addresses(sender)), "")


def _bare(address: str | None) -> str | None:
    return None if address is None else address.strip("<>")


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()
