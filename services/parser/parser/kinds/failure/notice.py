"""Failure notices without a machine-readable part, as Exim, cPanel and others like them write them for people.

They list "Sender Domain", "Sender IP Address", "Received Date", "SPF Alignment", "DKIM Alignment" and "DMARC Results"
and end in "------ This is a copy of the headers that were received before the error was detected."
"""

import re

from parser.kinds.failure.feedback import Feedback

_LINE = re.compile(
    r"^[ \t>*]*(Sender Domain|Sender IP Address|Received Date|SPF Alignment|DKIM Alignment|DMARC Results)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_COPY = re.compile(r"^-{3,}[ \t]*This is a copy of the (?:headers|message)[^\n]*\n(?:[^\n]+\n)*", re.I | re.M)
_FREE_TEXT = re.compile(
    r"authentication[ -]+failure report.{0,200}?from IP\s+(?P<ip>[0-9A-Fa-f.:]{3,45})\s+on\s+(?P<date>[^\r\n]{10,60})",
    re.IGNORECASE | re.DOTALL,
)
_ZONE = re.compile(r"(?:\d{4} )?(?:\d{1,2}:\d{2}:\d{2} ?)?(?:[+-]\d{4})?(?: ?\([A-Z]{2,5}\))?")
_NAMES = {
    "sender domain": "reported-domain",
    "sender ip address": "source-ip",
    "received date": "arrival-date",
    "spf alignment": "spf-alignment",
    "dkim alignment": "dkim-alignment",
    "dmarc results": "delivery-result",
}
_MAX_VALUE = 200


def read_notice(text: str) -> tuple[Feedback, bytes | None] | None:
    """The fields of a notice under their names of RFC 5965, and the copied header; None where it is no notice."""
    text = text.replace("\r\n", "\n")
    found = list(_LINE.finditer(text))
    if {match.group(1).lower() for match in found} >= {"sender domain", "sender ip address"}:
        return _listed(text, found), _copied_header(text)
    free = _FREE_TEXT.search(text)
    if free is None:
        return None
    fields = {"source-ip": [free["ip"].rstrip(".")], "arrival-date": [free["date"].rstrip(". ")]}
    return fields | {"feedback-type": ["auth-failure"]}, _copied_header(text)


def _listed(text: str, found: list[re.Match[str]]) -> Feedback:
    fields: Feedback = {"feedback-type": ["auth-failure"], "auth-failure": ["dmarc"]}
    for match in found:
        value = _value_at(text, match.end())
        fields.setdefault(_NAMES[match.group(1).lower()], [value])
    failed = [name for name in ("dkim", "spf") if fields.pop(f"{name}-alignment", [""])[0].lower() == "no"]
    fields["identity-alignment"] = [",".join(failed) or "none"]
    return fields


def _value_at(text: str, position: int) -> str:
    """The rest of the line, and of a date that a mailing list has wrapped its end."""
    lines = text[position : position + _MAX_VALUE].split("\n")
    value = lines[0].strip()
    wrapped = lines[1].strip() if len(lines) > 1 else ""
    return f"{value} {wrapped}" if _ZONE.fullmatch(wrapped) else value


def _copied_header(text: str) -> bytes | None:
    copy = _COPY.search(text)
    if copy is None:
        return None
    header = text[copy.end() :].lstrip("\n")
    return header.encode(errors="replace") or None
