"""Is a mail a failure report (ARF: RFC 5965, RFC 6591, RFC 9991), or one of the mails that only look like one?

A failure report is kept whole, as one document. The mail inside it is a sample of what was reported, perhaps malware,
and is never searched for reports. A bounce is neither: what it returns is our own mail, not a report to us.
"""

import re
from typing import Final

from extractor.mime import Part

FEEDBACK_TYPE: Final = "message/feedback-report"

_FEEDBACK_BYTES: Final = 16 * 1024  # bytes of a part in which its first fields end
_FIELDS: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{0,100}(?:[A-Za-z][A-Za-z0-9-]{1,60}[ \t]*:[^\n]*\n?(?:[ \t][^\n]+\n?)*)++"
)
_FEEDBACK_TYPE: Final = re.compile(rb"^(?:\xef\xbb\xbf)?\s*Feedback-Type[ \t]*:", re.IGNORECASE | re.MULTILINE)
_OTHER: Final = re.compile(
    rb"^(?:User-Agent|Version|Arrival-Date|Source-IP|Reported-Domain)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_NOTICE_BYTES: Final = 16 * 1024  # bytes of the human text that are looked at
# Exim/cPanel, SpamExperts and Baruwa send these lines and no feedback part.
_NOTICE_LINES: Final = tuple(
    re.compile(rb"^[ \t>*]{0,8}" + name + rb"[ \t]*:", re.IGNORECASE | re.MULTILINE)
    for name in (rb"sender domain", rb"sender ip address", rb"(?:spf|dkim) alignment")
)
_BOUNCE_TYPES: Final = frozenset({"delivery-status", "disposition-notification"})
_MAILER: Final = re.compile(r"\bmailer-daemon@", re.IGNORECASE | re.ASCII)


def is_failure_report(mail: Part, parts: list[Part]) -> bool:
    """Whether `mail` says that it is a failure report, or one of its own parts is a feedback part."""
    if _report_type(mail) == "feedback-report":
        return True
    return any(part.content_type == FEEDBACK_TYPE for part in parts)


def is_feedback(data: bytes) -> bool:
    """Whether a part is the machine-readable one of a failure report (RFC 5965 section 3), whatever its label says.

    Exchange hands it on as text/plain, ATT00001.txt.
    """
    if data.startswith(_UTF16_BOMS):
        data = data[: 2 * _FEEDBACK_BYTES].decode("utf-16", "replace").encode("utf-8", "replace")
    block = _FIELDS.match(data, 0, _FEEDBACK_BYTES)
    return block is not None and _FEEDBACK_TYPE.search(block[0]) is not None and _OTHER.search(block[0]) is not None


def is_notice(text: bytes) -> bool:
    """Whether a text part is a failure report in prose: the lines of a notice that has no feedback part."""
    if b"lignment" not in text[:_NOTICE_BYTES]:
        return False
    return all(line.search(text, 0, _NOTICE_BYTES) for line in _NOTICE_LINES)


def is_bounce(mail: Part) -> bool:
    """Whether `mail` returns a mail or notifies of its end (RFC 3464, RFC 8098, and the older ways)."""
    if _report_type(mail) in _BOUNCE_TYPES:
        return True
    return bool(mail.fields.text("x-failed-recipients") or _MAILER.search(mail.fields.text("from")))


def _report_type(mail: Part) -> str:
    if mail.content_type != "multipart/report":
        return ""
    return mail.fields.parameters.get("report-type", "").strip().lower()
