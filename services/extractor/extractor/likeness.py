"""Does a mail present itself as a report? That decides how a part without a report is judged: refused or passed over.

A newsletter's zip of pictures is nobody's fault; the same zip in a "Report Domain:" mail is a report that was lost.
Nothing is accepted or refused by these words alone: what a document is, its bytes say.
"""

import re
from typing import Final

from extractor.fields import Fields

_SUBJECT: Final = re.compile(
    r"report[\s_-]*domain\s*:|\bdmarc\b|\btls-?rpt\b|\bsmtp tls report|submitter\s*:", re.IGNORECASE
)
_REPORT_SUBJECT: Final = re.compile(
    r"\s*(?:\[[^\]]{1,40}\]\s*|\*{1,5}\s{0,5}\w{1,20}\s{0,5}\*{1,5}\s*){0,5}"  # marks of gateways and lists
    r"(?:dmarc aggregate )?report[\s_-]*domain\s*:",
    re.IGNORECASE,
)
# receiver "!" policy domain "!" begin "!" end (RFC 7489 7.2.1.1); the receiver may be missing
_REPORT_NAME: Final = re.compile(r"![^!\s/]{1,255}!\s*\d{6,}\s*!\s*\d{6,}")
_NAMED_REPORT: Final = re.compile(
    r"(?:\b|_)(?:dmarc|tls-?rpt)(?:\b|_|-).*\.(?:xml|gz|gzip|zip|json|7z|rar|p7m)\b", re.IGNORECASE
)
# In what stands before the "@", which has 64 characters at most (RFC 5321 section 4.5.3.1.1).
_REPORTER: Final = re.compile(r"(?:\b|_)(?:dmarc|tls-?rpt)\w{0,64}(?:[.+-][^@]{0,64})?@", re.IGNORECASE)
_CARRIER_NAME: Final = re.compile(r"\.(?:xml|gz|gzip|zip|json)\b", re.IGNORECASE)
_PACKED_NAME: Final = re.compile(r"\.(?:gz|gzip|zip)$", re.IGNORECASE)
_CARRIER_TYPES: Final = frozenset(
    {
        "application/gzip",
        "application/x-gzip",
        "application/zip",
        "application/x-zip",
        "application/x-zip-compressed",
        "application/xml",
        "application/json",
        "application/tlsrpt",
        "application/tlsrpt+gzip",
        "application/tlsrpt+json",
        "text/xml",
    }
)


def looks_like_report_mail(*, subject: str, fields: Fields) -> bool:
    """Whether subject or header fields are those of a report mail (RFC 7489 7.2.1.1, RFC 8460 5.3)."""
    return bool(_SUBJECT.search(subject)) or _is_tls_report(fields)


def is_reporter(address: str) -> bool:
    """Whether an address is one that reports are sent from: what it sends sealed is most likely a report."""
    return bool(_REPORTER.search(address))


def is_packed(name: str) -> bool:
    """Whether a file name is that of an archive, so that text in it is in an encoding that was not understood."""
    return bool(_PACKED_NAME.search(name))


def must_carry_report(*, subject: str, fields: Fields) -> bool:
    """Whether the mail is the report mail itself, not a reply to one or talk about one."""
    return bool(_REPORT_SUBJECT.match(subject)) or _is_tls_report(fields)


def is_report_name(name: str) -> bool:
    """Whether a file name has the form that the RFCs give to reports."""
    return bool(_REPORT_NAME.search(name) or _NAMED_REPORT.search(name))


def is_carrier(*, declared_type: str, name: str) -> bool:
    """Whether a part's label is one under which reports travel."""
    return declared_type in _CARRIER_TYPES or bool(_CARRIER_NAME.search(name)) or is_report_name(name)


def _is_tls_report(fields: Fields) -> bool:
    named = fields.text("tls-report-domain") or fields.text("tls-report-submitter")
    return bool(named) or fields.parameters.get("report-type", "").lower() == "tlsrpt"
