"""The header block of a mail or of a part with its repairs, and whether a text begins with that of a mail."""

import re
from typing import Final

from extractor.mbox import header_start
from pipeline.contracts.repairs import MailRepair
from pipeline.mailformat import fields
from pipeline.mailformat.fields import MAX_BLOCK, begins_with_field, with_short_lines

HEAD: Final = 16 * 1024  # bytes of a text that show whether it is a mail

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_BOUNDARY: Final = re.compile(r"boundary\s*+=\s*+(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_MAIL_FIELDS: Final = frozenset(
    {
        "received",
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "return-path",
        "content-type",
        "delivered-to",
        "dkim-signature",
        "reply-to",
        "sender",
        "cc",
        "x-mailer",
        "content-transfer-encoding",
        "authentication-results",
        "received-spf",
    }
)


class Fields(fields.Fields):
    """One header block."""

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was repaired to read the block."""
        return (MailRepair.HEADER_LINE_NOT_INDENTED,) if self.is_bent else ()

    @property
    def is_of_mail(self) -> bool:
        """Whether any field is one that mails have."""
        return not _MAIL_FIELDS.isdisjoint(self)

    @property
    def undeclared_boundaries(self) -> list[str]:
        """The boundaries that Content-Type names, if in the wrong place: without a type, or in a field said twice."""
        if "oundary" not in self.type_value and not self.has_repeated:
            return []
        found = (_BOUNDARY.search(value) for value in self.texts("content-type"))
        return [(one[1] or one[2]).strip() for one in found if one]


def is_mail(text: bytes) -> bool:
    """Whether a text begins like a mail: with a header block in which two fields are those of a mail."""
    head = text[:HEAD].lstrip(b"\r\n")
    head = head[header_start(head) :]
    if not begins_with_field(head):
        return False
    blank = _BLANK_LINE.search(head)
    if not blank and len(text) > HEAD and b"\n" not in head[-4096:]:  # a line of a length that no mail should have
        head = with_short_lines(text[:MAX_BLOCK])[header_start(head) :][:HEAD]
    return len(_MAIL_FIELDS.intersection(Fields(head[: blank.start()] if blank else head))) >= 2
