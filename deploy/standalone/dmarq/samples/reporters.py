"""The sample reporters: made-up organisations, each with the habits of one of the large real senders.

The habits are what makes reading such mails hard: where the attachment sits, how it is packed and labelled, how the
subject is written, which dialect of the XML is spoken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Wrapping(StrEnum):
    """How the report lies in its mail."""

    BARE_ZIP = "bare_zip"  # no multipart: the whole mail is one zip (Google)
    RELATED_GZIP = "related_gzip"  # mixed > related > alternative, then the gzip (Outlook)
    MIXED_GZIP = "mixed_gzip"  # a text part, then the gzip (Yahoo, Mail.ru)
    PLAIN_XML = "plain_xml"  # the XML as it is, labelled text/xml
    INLINE_GZIP = "inline_gzip"  # Content-Disposition: inline (Fastmail)
    OCTET_STREAM = "octet_stream"  # a gzip without a telling type (Amazon)


class Dialect(StrEnum):
    """Which standard's XML is spoken, and how it is laid out."""

    PRETTY = "pretty"  # RFC 7489, one element a line
    COMPACT = "compact"  # RFC 7489, all in one line
    RFC9990 = "rfc9990"  # with the namespace of RFC 9990 and its new elements


IdForm = Callable[[int, int, str, int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """An organisation that sends reports. `subject` has the places {domain}, {submitter} and {report_id}."""

    org_name: str
    domain: str
    wrapping: Wrapping
    dialect: Dialect
    subject: str
    id_form: IdForm
    weight: int

    @property
    def address(self) -> str:
        """The sender of its mails."""
        return f"noreply-dmarc@{self.domain}"

    def report_id(self, *, serial: int, salt: int, domain: str, begin: int) -> str:
        """An id in this reporter's form; another serial gives another id."""
        return self.id_form(serial, salt, domain, begin)


STANDARD_SUBJECT = "Report Domain: {domain} Submitter: {submitter} Report-ID: {report_id}"

REPORTERS = (
    Reporter(
        org_name="search.example",
        domain="search.example",
        wrapping=Wrapping.BARE_ZIP,
        dialect=Dialect.PRETTY,
        subject="Report domain: {domain} Submitter: {submitter} Report-ID: {report_id}",
        id_form=lambda serial, salt, _domain, _begin: f"{salt:010d}{serial:09d}",
        weight=36,
    ),
    Reporter(
        org_name="Office Mail Example",
        domain="office.example",
        wrapping=Wrapping.RELATED_GZIP,
        dialect=Dialect.PRETTY,
        subject="[Preview] " + STANDARD_SUBJECT,
        id_form=lambda serial, salt, _domain, _begin: f"{salt:08x}{serial:024x}",
        weight=22,
    ),
    Reporter(
        org_name="Portal Example",
        domain="portal.example",
        wrapping=Wrapping.MIXED_GZIP,
        dialect=Dialect.PRETTY,
        subject="Report Domain: {domain} Submitter: {submitter} Report-ID: <{report_id}>",
        id_form=lambda serial, _salt, _domain, begin: f"{begin}.{serial:06d}",
        weight=14,
    ),
    Reporter(
        org_name="Courier Example",
        domain="courier.example",
        wrapping=Wrapping.MIXED_GZIP,
        dialect=Dialect.COMPACT,
        subject="Report Domain: {domain}; Submitter: {submitter}; Report-ID: {report_id}",
        id_form=lambda serial, salt, _domain, _begin: f"{salt:020d}{serial}",
        weight=6,
    ),
    Reporter(
        org_name="Small Host Example",
        domain="smallhost.example",
        wrapping=Wrapping.PLAIN_XML,
        dialect=Dialect.PRETTY,
        subject=STANDARD_SUBJECT,
        id_form=lambda serial, _salt, domain, begin: f"{domain}:{begin + serial}",
        weight=4,
    ),
    Reporter(
        org_name="Swift Mail Example",
        domain="swift.example",
        wrapping=Wrapping.INLINE_GZIP,
        dialect=Dialect.COMPACT,
        subject=STANDARD_SUBJECT,
        id_form=lambda serial, salt, _domain, _begin: f"{salt + serial * 4_294_967_296}",
        weight=6,
    ),
    Reporter(
        org_name="Cloud Mailer Example",
        domain="cloud.example",
        wrapping=Wrapping.OCTET_STREAM,
        dialect=Dialect.PRETTY,
        subject="Dmarc Aggregate Report Domain: {{{domain}}} Submitter: {{{submitter}}} Report-ID: {{{report_id}}}",
        id_form=lambda serial, salt, _domain, _begin: f"{salt:08x}-0000-4000-8000-{serial:012x}",
        weight=8,
    ),
    Reporter(
        org_name="Modern Mail Example",
        domain="modern.example",
        wrapping=Wrapping.MIXED_GZIP,
        dialect=Dialect.RFC9990,
        subject=STANDARD_SUBJECT,
        id_form=lambda serial, salt, _domain, _begin: f"{salt:08x}.{serial}@modern.example",
        weight=4,
    ),
)
